"""Same seed, same bytes; and a model that comes back from its folder is the same model."""

import json
import pickle

import jax
import numpy as np
import pandas as pd
import pytest

from quasistatic import DiffusionDensity, ModelFolderError, OutputError, load

FILES = {"config.json", "schema.json", "model.safetensors", "manifest.json"}


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def folder(mixed_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    mixed_model.save(path)
    return path


class TestDeterminism:
    def test_same_seed_same_bytes(self, fit_tiny, mixed, folder, tmp_path):
        fit_tiny(mixed).save(tmp_path / "again")
        assert contents(tmp_path / "again") == contents(folder)

    def test_another_seed_other_bytes(self, fit_tiny, mixed, folder, tmp_path):
        fit_tiny(mixed, random_state=1).save(tmp_path / "other")
        assert (
            contents(tmp_path / "other")["model.safetensors"]
            != contents(folder)["model.safetensors"]
        )

    def test_numpys_global_generator_is_neither_read_nor_moved(self, fit_tiny, mixed, mixed_model):
        np.random.seed(1)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        again = fit_tiny(mixed)
        again.sample(2)
        again.score_samples(mixed.dropna())
        np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
        pd.testing.assert_frame_equal(again.sample(5), mixed_model.sample(5))

    def test_a_generator_as_seed(self, build_tiny, mixed):
        model = build_tiny(mixed, random_state=np.random.RandomState(3))
        other = build_tiny(mixed, random_state=int(np.random.RandomState(3).randint(2**31 - 1)))
        assert model.manifest_["seed"] != other.manifest_["seed"]  # an int is drawn from as well
        again = build_tiny(mixed, random_state=np.random.RandomState(3))
        pd.testing.assert_frame_equal(model.sample(5), again.sample(5))

    def test_nothing_depends_on_the_time(self, mixed_model, folder, tmp_path, monkeypatch):
        import time

        monkeypatch.setattr(time, "time", lambda: 0.0)
        mixed_model.save(tmp_path / "later")
        assert contents(tmp_path / "later") == contents(folder)


class TestFolder:
    def test_a_setting_of_another_version(self, folder, monkeypatch):
        from quasistatic.estimator import loading

        stored = loading.load_model(folder)
        stored.manifest["parameters"]["cooling"] = 3
        monkeypatch.setattr(loading, "load_model", lambda path: stored)
        with pytest.raises(ModelFolderError, match="cooling"):
            load(folder)

    def test_holds_these_files_and_no_pickle(self, folder):
        assert set(contents(folder)) == FILES
        for content in contents(folder).values():
            with pytest.raises(Exception):  # noqa: B017
                pickle.loads(content)

    def test_manifest(self, folder, mixed_model):
        manifest = json.loads((folder / "manifest.json").read_bytes())
        assert set(manifest["sha256"]) == FILES
        assert manifest["versions"]["jax"] == jax.__version__
        assert manifest["data"]["rows"] == 48
        assert manifest["data"]["fingerprint"]
        assert manifest["history"] == mixed_model.history_
        assert manifest["base_measure"] == mixed_model.schema_.base_measure()
        assert manifest["parameters"] == mixed_model.get_params()

    def test_round_trip(self, folder, mixed_model, mixed):
        back = load(folder)
        rows = mixed.dropna()
        assert isinstance(back, DiffusionDensity)
        assert back.get_params() == mixed_model.get_params()
        assert back.schema_ == mixed_model.schema_
        assert back.history_ == mixed_model.history_
        assert back.n_features_in_ == mixed_model.n_features_in_
        assert back.feature_names_in_.tolist() == mixed_model.feature_names_in_.tolist()
        np.testing.assert_array_equal(back.score_samples(rows), mixed_model.score_samples(rows))
        pd.testing.assert_frame_equal(back.sample(9), mixed_model.sample(9))

    def test_a_loaded_model_saves_the_same_bytes(self, folder, tmp_path):
        load(folder).save(tmp_path / "copy")
        assert contents(tmp_path / "copy") == contents(folder)

    def test_a_loaded_model_can_be_fitted_again(self, folder, mixed, tmp_path):
        load(folder).fit(mixed).save(tmp_path / "refitted")
        assert contents(tmp_path / "refitted") == contents(folder)

    def test_array_models_have_no_names(self, build_tiny, tmp_path):
        X = np.random.default_rng(0).normal(size=(48, 2))
        model = build_tiny(X)
        model.save(tmp_path / "m")
        back = load(str(tmp_path / "m"))
        assert not hasattr(back, "feature_names_in_")
        np.testing.assert_array_equal(back.sample(4), model.sample(4))
        np.testing.assert_array_equal(back.score_samples(X), model.score_samples(X))

    def test_every_container_comes_back(self, container, tmp_path):
        frame, model = container
        model.save(tmp_path / "m")
        assert type(load(tmp_path / "m").sample(2)) is type(frame)

    def test_existing_paths(self, folder, mixed_model, tmp_path):
        (tmp_path / "file").write_text("mine")
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "mine.txt").write_text("mine")
        mixed_model.save(tmp_path / "model")
        for name, force in (
            ("file", False),
            ("file", True),
            ("full", False),
            ("full", True),
            ("model", False),
        ):
            before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
            with pytest.raises(OutputError, match="exists") as caught:
                mixed_model.save(tmp_path / name, force=force)
            assert name in str(caught.value)
            assert {
                path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
            } == before
        mixed_model.save(tmp_path / "model", force=True)
        assert contents(tmp_path / "model") == contents(folder)

    def test_not_there(self, tmp_path):
        with pytest.raises(ModelFolderError, match="no such") as caught:
            load(tmp_path / "nowhere")
        assert "nowhere" in str(caught.value)

    def test_pickle_of_the_estimator(self, mixed_model, mixed):
        back = pickle.loads(pickle.dumps(mixed_model))
        np.testing.assert_array_equal(
            back.score_samples(mixed.dropna()), mixed_model.score_samples(mixed.dropna())
        )
