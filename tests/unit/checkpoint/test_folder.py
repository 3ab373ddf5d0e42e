"""The model folder: whole or not at all, and no damage goes unseen."""

import json
import os

import numpy as np
import pytest

from quasistatic.checkpoint import folder as folder_module
from quasistatic.checkpoint import load_model, save_model
from quasistatic.checkpoint.arrays import arrays_of, digest_of, with_arrays
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data import exchange
from quasistatic.errors import ModelFolderError, OutputError

FILES = ["config.json", "schema.json", "model.safetensors", "manifest.json"]


def contents(folder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refuses(folder, name: str) -> None:
    """Loading fails with an error that names the file."""
    with pytest.raises(ModelFolderError) as caught:
        load_model(folder)
    assert caught.value.where == str(folder / name)
    assert caught.value.fix


class TestLoading:
    def test_gives_back_what_was_saved(self, folder, parts):
        model, codec, model_config, train_config, record = parts
        stored = load_model(folder)
        assert (stored.model_config, stored.train_config) == (model_config, train_config)
        assert stored.codec.to_json() == codec.to_json()
        assert {name: stored.manifest[name] for name in record} == record
        before, after = arrays_of(model), arrays_of(stored.model)
        assert before.keys() == after.keys()
        for name, array in before.items():
            assert array.dtype == after[name].dtype
            np.testing.assert_array_equal(array, after[name])

    @pytest.mark.parametrize("name", FILES)
    def test_flipped_bits(self, folder, name):
        content = (folder / name).read_bytes()
        rng = np.random.default_rng(0)
        for position in {0, len(content) - 1, *rng.integers(0, len(content), 60).tolist()}:
            damaged = bytearray(content)
            damaged[position] ^= 1 << int(rng.integers(8))
            (folder / name).write_bytes(damaged)
            refuses(folder, name)
        (folder / name).write_bytes(content)
        load_model(folder)

    def test_another_spelling_of_a_number_in_the_manifest(self, folder):
        text = (folder / "manifest.json").read_text()
        assert "-1e-05" in text
        (folder / "manifest.json").write_text(text.replace("-1e-05", "-1E-05"))
        refuses(folder, "manifest.json")

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("keep", [0, 1, 0.5, -1])
    def test_truncated(self, folder, name, keep):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(
            content[: int(keep * len(content)) if isinstance(keep, float) else keep]
        )
        refuses(folder, name)

    @pytest.mark.parametrize("name", FILES)
    def test_missing(self, folder, name):
        (folder / name).unlink()
        refuses(folder, name)

    @pytest.mark.parametrize("name", FILES)
    def test_a_folder_in_place_of_a_file(self, folder, name):
        (folder / name).unlink()
        (folder / name).mkdir()
        refuses(folder, name)

    @pytest.mark.parametrize("name", FILES)
    def test_files_of_two_models(self, folder, parts, tmp_path, name):
        model, codec, model_config, _, record = parts
        other = tmp_path / "other"
        train = TrainConfig(max_steps=6)
        save_model(other, model, codec, model_config, train, record | {"data": {"rows": 31}})
        if (other / name).read_bytes() == (folder / name).read_bytes():
            return
        (folder / name).write_bytes((other / name).read_bytes())
        with pytest.raises(ModelFolderError):
            load_model(folder)

    @pytest.mark.parametrize("format_", [1, 3, None, "2"])
    def test_another_format(self, folder, format_):
        manifest = json.loads((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"format": format_}))
        with pytest.raises(ModelFolderError, match="format") as caught:
            load_model(folder)
        assert "version" in caught.value.fix

    @pytest.mark.parametrize("text", ["[]", "3", "{}", "{", "\xff"])
    def test_no_manifest_at_all(self, folder, text):
        (folder / "manifest.json").write_bytes(text.encode("latin-1"))
        refuses(folder, "manifest.json")

    def test_files_that_do_not_fit_together(self, folder, parts, monkeypatch):
        _, codec, _, train, record = parts
        wider = ModelConfig(3, width=5, depth=1, dropout=0.0)
        save_model(folder, parts[0], codec, wider, train, record, force=True)
        with pytest.raises(ModelFolderError, match="fit together"):
            load_model(folder)


class TestSaving:
    def test_files_and_sums(self, folder):
        assert sorted(contents(folder)) == sorted(FILES)
        manifest = json.loads((folder / "manifest.json").read_bytes())
        assert sorted(manifest["sha256"]) == sorted(FILES)

    def test_same_model_same_bytes(self, folder, parts, tmp_path):
        save_model(tmp_path / "again", *parts)
        assert contents(tmp_path / "again") == contents(folder)

    def test_makes_the_folders_above(self, parts, tmp_path):
        save_model(tmp_path / "a" / "b" / "model", *parts)
        load_model(tmp_path / "a" / "b" / "model")

    def test_an_empty_folder_may_be_replaced_by_force(self, parts, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(OutputError, match="exists"):
            save_model(tmp_path / "empty", *parts)
        save_model(tmp_path / "empty", *parts, force=True)
        load_model(tmp_path / "empty")

    def test_force_replaces_only_a_model_folder(self, parts, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.tex").write_text("mine")
        (tmp_path / "file").write_text("mine")
        for name in ("mine", "file"):
            with pytest.raises(OutputError, match="no model folder"):
                save_model(tmp_path / name, *parts, force=True)
        assert contents(tmp_path) == {"mine/thesis.tex": b"mine", "file": b"mine"}

    def test_force_keeps_nothing_of_the_older_model_but_what_is_somebody_elses(self, folder, parts):
        (folder / "notes.txt").write_text("mine")
        (folder / "plots").mkdir()
        (folder / "plots" / "a.png").write_text("mine")
        save_model(folder, *parts, force=True)
        assert sorted(contents(folder)) == sorted([*FILES, "notes.txt", "plots/a.png"])
        assert [path.name for path in folder.parent.iterdir()] == ["model"]
        load_model(folder)

    def test_a_left_over_of_a_killed_process_is_named_and_removed(self, folder, parts):
        for kind in ("new", "old"):
            (folder.parent / f".model.{kind}-{os.getpid()}").mkdir()
            (folder.parent / f".model.{kind}-{os.getpid()}" / "config.json").write_text("{}")
        (folder.parent / f".model.new-{os.getpid()}" / "notes.txt").write_text("mine")
        with pytest.warns(UserWarning, match="left by a process that was killed, is removed"):
            save_model(folder, *parts, force=True)
        load_model(folder)
        assert [path.name for path in folder.parent.iterdir()] == ["model"]
        assert (folder / "notes.txt").read_text() == "mine"

    def test_what_a_running_process_writes_is_left_alone(self, folder, parts):
        other = folder.parent / ".model.new-1"
        other.mkdir()
        save_model(folder, *parts, force=True)
        assert other.is_dir()

    def test_modes_and_links_stay(self, folder, parts, tmp_path):
        link = tmp_path / "link"
        link.symlink_to(folder)
        os.chmod(folder, 0o700)
        os.chmod(folder / "config.json", 0o600)
        save_model(link, *parts, force=True)
        assert link.is_symlink()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "config.json").stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "model"]

    @pytest.mark.parametrize("path", ["", ".", "/", "..", "a/..", "nowhere"])
    def test_what_is_no_name(self, path, parts, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        os.symlink("missing", "nowhere")
        with pytest.raises(OutputError, match=r"no name for a new folder|leads nowhere"):
            save_model(path, *parts, force=True)
        assert os.listdir() == ["nowhere"]


class Disk:
    """Fails at the n-th of some calls, after doing half of the work."""

    def __init__(self, n: int, error: BaseException) -> None:
        self.left, self.error = n, error

    def write(self, path, content):
        self.left -= 1
        path.write_bytes(content if self.left else content[: len(content) // 2])
        if not self.left:
            raise self.error


NO_SPACE = OSError(28, "No space left on device")


class TestFailure:
    """The older model, or nothing, is left; never a half, never a temporary folder."""

    @pytest.mark.parametrize("n", [1, 2, 3, 4])
    @pytest.mark.parametrize("exists", [True, False])
    @pytest.mark.parametrize("error", [NO_SPACE, KeyboardInterrupt()], ids=["full", "interrupt"])
    def test_while_writing(self, n, exists, error, parts, tmp_path, monkeypatch):
        path = tmp_path / "here" / "model"
        path.parent.mkdir()
        if exists:
            save_model(path, *parts)
        before = contents(path.parent)
        monkeypatch.setattr(folder_module, "write_file", Disk(n, error).write)
        expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
        with pytest.raises(expected) as caught:
            save_model(path, *parts, force=True)
        if expected is OutputError:
            assert "No space left" in caught.value.what
            assert caught.value.where == str(path)
        assert contents(path.parent) == before
        assert [item.name for item in path.parent.iterdir()] == (["model"] if exists else [])

    @pytest.mark.parametrize("n", [1, 2])
    @pytest.mark.parametrize("error", [NO_SPACE, KeyboardInterrupt()], ids=["full", "interrupt"])
    def test_while_renaming(self, n, error, folder, parts, monkeypatch):
        """Where the system cannot exchange names."""
        monkeypatch.setattr(exchange, "_exchange", lambda one, other: False)
        before, rename = contents(folder), type(folder).rename
        calls = []

        def failing(self, target):
            calls.append(target)
            if len(calls) == n:
                raise error
            return rename(self, target)

        monkeypatch.setattr(type(folder), "rename", failing)
        with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
            save_model(folder, *parts, force=True)
        assert contents(folder) == before
        assert [item.name for item in folder.parent.iterdir()] == ["model"]

    def test_while_exchanging(self, folder, parts, monkeypatch):
        def failing(one, other):
            raise NO_SPACE

        monkeypatch.setattr(exchange, "_exchange", failing)
        before = contents(folder)
        with pytest.raises(OutputError, match="No space left"):
            save_model(folder, *parts, force=True)
        assert contents(folder) == before
        assert [item.name for item in folder.parent.iterdir()] == ["model"]

    def test_a_kill_between_two_renamings_is_put_right_on_loading(self, folder):
        folder.rename(folder.with_name(".model.old-999999999"))
        with pytest.warns(UserWarning, match="the older folder, .model.old-999999999, is back"):
            load_model(folder)
        load_model(folder)

    def test_a_parent_that_is_a_file(self, parts, tmp_path):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(OutputError):
            save_model(tmp_path / "file" / "model", *parts)
        assert contents(tmp_path) == {"file": b"mine"}


class TestArrays:
    def test_names_and_values(self):
        tree = {"b": np.arange(3), "a": [np.ones((2, 2), np.float32), None, "text"]}
        arrays = arrays_of(tree)
        assert sorted(arrays) == ["a.0", "b"]
        back = with_arrays(tree, {name: array + 1 for name, array in arrays.items()})
        np.testing.assert_array_equal(back["b"], [1, 2, 3])
        assert back["a"][1:] == [None, "text"]

    @pytest.mark.parametrize(
        ("arrays", "error", "word"),
        [
            ({}, KeyError, "x"),
            ({"x": np.zeros(2, np.float32), "y": np.zeros(1)}, KeyError, "y"),
            ({"x": np.zeros(3, np.float32)}, ValueError, "x"),
            ({"x": np.zeros(2, np.int32)}, ValueError, "x"),
        ],
    )
    def test_refuses_what_does_not_fit(self, arrays, error, word):
        with pytest.raises(error, match=word):
            with_arrays({"x": np.zeros(2, np.float32)}, arrays)

    def test_digest(self):
        one = {"x": np.zeros((2, 3), np.float32), "y": np.ones(1)}
        others = [
            {"x": np.zeros((3, 2), np.float32), "y": np.ones(1)},
            {"x": np.zeros((2, 3), np.int32), "y": np.ones(1)},
            {"x": np.zeros((2, 3), np.float32), "z": np.ones(1)},
            {"x": np.zeros((2, 3), np.float32), "y": np.full(1, 2.0)},
        ]
        assert digest_of(one) == digest_of(dict(reversed(one.items())))
        assert len({digest_of(arrays) for arrays in [one, *others]}) == 5
