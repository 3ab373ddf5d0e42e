"""Each bad input gets one clear error: what, where, what to do; exit code 2, no traceback, nothing
written."""

import builtins
import errno
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import polars as pl
import pytest

from quasistatic.cli.failure import guarded
from surface.conftest import ONCE, contents, refused, run

GOOD = "a,b,c\n" + "".join(f"{i % 7},{i * 0.37 % 5:.2f},{'xyz'[i % 3]}\n" for i in range(40))

FILES = {
    "empty": (b"", ["empty"]),
    "header only": (b"a,b,c\n", ["no rows"]),
    "ragged": (GOOD.encode() + b"1,2,x,4,5\n", ["line 42"]),
    "wrong encoding": (("name,value\n" + "Zoë,1\n" * 30).encode("latin-1"), ["utf-8"]),
    "duplicate names": (GOOD.replace("a,b,c", "a,b,a", 1).encode(), ["'a'"]),
    "all missing": (b"a\n" + b"NA\n" * 30, ["'a'", "missing"]),
    "one row": (b"a,b\n1,2\n", ["row"]),
    "infinity": (b"a,b\n" + b"1.5,2\n2.5,1\n3.25,2\n" * 10 + b"inf,1\n", ["'a'", "inf"]),
    "1e308": (b"a,b\n" + b"1.5,2\n2.5,1\n3.25,2\n" * 10 + b"1e308,1\n-1e308,2\n", ["'a'"]),
    "only identifiers": (
        b"id\n" + b"".join(b"x%d-%d\n" % (i * 7919, i) for i in range(200)),
        ["'id'"],
    ),
    "only free text": (
        b"note\n"
        + b"".join(
            b"the %d time we saw it and it was %d metres long\n" % (i, i * 37 % 101)
            for i in range(200)
        ),
        ["'note'"],
    ),
    "not a table": (bytes(range(256)) * 20, []),
}


@pytest.mark.parametrize("case", FILES)
def test_fit_refuses(case, tmp_path):
    content, words = FILES[case]
    data = tmp_path / "table.csv"
    data.write_bytes(content)
    message = refused("fit", data, "-o", tmp_path / "model", *ONCE, folder=tmp_path)
    assert "table.csv" in message or "column" in message
    for word in words:
        assert word.lower() in message.lower(), message


def test_missing_file(tmp_path):
    assert "nothing.csv" in refused(
        "fit", tmp_path / "nothing.csv", "-o", tmp_path / "model", folder=tmp_path
    )


def test_a_folder_is_no_table(tmp_path):
    refused("fit", tmp_path, "-o", tmp_path / "model", folder=tmp_path)


def test_unknown_ending(tmp_path):
    (tmp_path / "table.xyz").write_text(GOOD)
    assert ".csv" in refused(
        "fit", tmp_path / "table.xyz", "-o", tmp_path / "model", folder=tmp_path
    )


def test_truncated_parquet(tmp_path):
    data = tmp_path / "table.parquet"
    pl.DataFrame({"a": np.arange(50.0)}).write_parquet(data)
    data.write_bytes(data.read_bytes()[:-40])
    refused("fit", data, "-o", tmp_path / "model", folder=tmp_path)


def test_identifiers_are_left_out_by_name_and_constants_are_kept(tmp_path):
    data, model = tmp_path / "table.csv", tmp_path / "model"
    lines = GOOD.splitlines()[1:]
    data.write_text(
        "a,b,c,constant,key\n" + "".join(f"{line},5,k-{i * 7919}\n" for i, line in enumerate(lines))
    )
    outcome = run("fit", data, "-o", model, *ONCE, "--json")
    assert outcome.code == 0, outcome.stderr
    assert list(json.loads(outcome.stdout)["left_out"]) == ["key"]
    assert "key" in outcome.stderr
    assert "identifier" in outcome.stderr
    assert run("sample", model, "-n", 10, "-o", tmp_path / "out.csv").code == 0
    frame = pl.read_csv(tmp_path / "out.csv")
    assert frame.columns == ["a", "b", "c", "constant"]
    assert set(frame["constant"]) == {5}


@pytest.mark.parametrize(
    "schema", ["{", "[]", '{"columns": {"nothing": {"kind": "integer"}}}', None]
)
def test_bad_schema_file(tmp_path, schema):
    (tmp_path / "table.csv").write_text(GOOD)
    file = tmp_path / "schema.json"
    if schema is not None:
        file.write_text(schema)
    refused(
        "fit",
        tmp_path / "table.csv",
        "-o",
        tmp_path / "model",
        "--schema",
        file,
        *ONCE,
        folder=tmp_path,
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--max-steps", "0"],
        ["--discrete-kernel", "nonsense"],
        ["--dropout", "1.5"],
        ["--seed", "-1"],
        ["--trajectory-length", "x"],
        ["--no-such-option"],
    ],
)
def test_bad_options(tmp_path, options):
    (tmp_path / "table.csv").write_text(GOOD)
    before = contents(tmp_path)
    outcome = run("fit", tmp_path / "table.csv", "-o", tmp_path / "model", *options)
    assert outcome.code == 2
    assert options[0] in outcome.stderr
    assert contents(tmp_path) == before


def test_nothing_to_resume(tmp_path):
    (tmp_path / "table.csv").write_text(GOOD)
    message = refused(
        "fit", tmp_path / "table.csv", "-o", tmp_path / "model", "--resume", folder=tmp_path
    )
    assert "checkpoint" in message


def test_model_that_exists(model, tmp_path):
    (tmp_path / "table.csv").write_text(GOOD)
    assert "--force" in refused("fit", tmp_path / "table.csv", "-o", model, *ONCE, folder=tmp_path)


def test_force_does_not_replace_a_folder_that_is_no_model(tmp_path):
    (tmp_path / "table.csv").write_text(GOOD)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"precious")
    refused(
        "fit",
        tmp_path / "table.csv",
        "-o",
        tmp_path / "photos",
        "--force",
        *ONCE,
        folder=tmp_path,
    )


@pytest.mark.parametrize("command", ["sample", "score"])
def test_output_that_exists(model, tmp_path, penguins_path, command):
    out = tmp_path / "out.csv"
    out.write_text("precious")
    arguments = {"sample": [model, "-n", 5], "score": [model, penguins_path]}[command]
    assert "--force" in refused(command, *arguments, "-o", out, folder=tmp_path)
    assert run(command, *arguments, "-o", out, "--force").code == 0
    assert out.read_text() != "precious"


@pytest.mark.parametrize("command", ["sample", "score"])
def test_output_in_a_folder_that_is_not_there(model, tmp_path, penguins_path, command):
    arguments = {"sample": [model, "-n", 5], "score": [model, penguins_path]}[command]
    refused(command, *arguments, "-o", tmp_path / "no" / "such" / "out.csv", folder=tmp_path)


def test_output_with_an_unknown_ending(model, tmp_path):
    refused("sample", model, "-n", 5, "-o", tmp_path / "out.docx", folder=tmp_path)


def test_rows_and_json_cannot_share_stdout(model, tmp_path):
    refused("sample", model, "-n", 5, "-o", "-", "--json", folder=tmp_path)


@pytest.mark.parametrize("number", ["0", "-3", "many"])
def test_number_of_rows(model, tmp_path, number):
    outcome = run("sample", model, f"--number={number}", "-o", tmp_path / "out.csv")
    assert outcome.code == 2
    assert not (tmp_path / "out.csv").exists()


def change(frame: pl.DataFrame, case: str) -> pl.DataFrame:
    if case == "a column is missing":
        return frame.drop("sex")
    if case == "another name":
        return frame.rename({"sex": "gender"})
    return frame.with_columns(pl.col("body_mass_g").cast(pl.String) + " grams")


@pytest.mark.parametrize(
    ("case", "word"),
    [("a column is missing", "sex"), ("another name", "sex"), ("text for a number", "body_mass_g")],
)
def test_columns_that_differ_from_the_model(model, tmp_path, penguins_path, case, word):
    data = tmp_path / "other.csv"
    change(pl.read_csv(penguins_path, null_values="NA"), case).write_csv(data)
    assert word in refused("score", model, data, "-o", tmp_path / "out.csv", folder=tmp_path)


def test_a_category_that_was_never_seen(model, tmp_path, penguins_path):
    """Its row gets a finite, documented treatment or a named error; never a silent infinity."""
    data, out = tmp_path / "other.csv", tmp_path / "out.csv"
    frame = pl.read_csv(penguins_path, null_values="NA").head(20)
    species = (
        pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("Emperor")).otherwise(pl.col("species"))
    )
    frame.with_columns(species=species).write_csv(data)
    outcome = run("score", model, data, "-o", out)
    assert outcome.code in (0, 2)
    if outcome.code == 0:
        assert pl.read_csv(out)["log_likelihood"].is_finite().all()
    assert "Emperor" in outcome.stderr
    assert "species" in outcome.stderr


@pytest.mark.parametrize(
    "name", ["config.json", "schema.json", "model.safetensors", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["missing", "truncated", "altered", "empty"])
def test_damaged_model(model, tmp_path, name, damage):
    path = model / name
    content = path.read_bytes()
    middle = len(content) // 2
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:middle])
    elif damage == "altered":
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        path.write_bytes(b"")
    for arguments in (["sample", model, "-n", 5, "-o", tmp_path / "out.csv"], ["inspect", model]):
        refused(*arguments, folder=tmp_path)


@pytest.mark.parametrize("what", ["nothing", "a file", "an empty folder"])
def test_no_model(tmp_path, what):
    path = tmp_path / "model"
    if what == "a file":
        path.write_text("no model")
    elif what == "an empty folder":
        path.mkdir()
    assert "model" in refused("inspect", path, folder=tmp_path)


def raise_full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")


def test_full_disk_when_rows_are_written(model, tmp_path, monkeypatch):
    import quasistatic.cli.rows

    monkeypatch.setattr(quasistatic.cli.rows, "write_rows", raise_full_disk)
    assert "disk is full" in refused(
        "sample", model, "-n", 5, "-o", tmp_path / "out.csv", folder=tmp_path
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_on_standard_output(model):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "quasistatic", "sample", str(model), "-n", "500", "-o", "-"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr


def test_full_disk_when_the_model_is_saved_keeps_the_checkpoint(tmp_path, monkeypatch):
    import quasistatic

    data, model = tmp_path / "table.csv", tmp_path / "model"
    data.write_text(GOOD)
    monkeypatch.setattr(quasistatic.DiffusionDensity, "save", raise_full_disk)
    outcome = run("fit", data, "-o", model, *ONCE)
    assert outcome.code == 2
    assert "disk is full" in outcome.stderr
    assert not model.exists()


def test_too_little_memory(tmp_path, monkeypatch):
    import quasistatic

    def fit(*args, **kwargs):
        raise MemoryError

    (tmp_path / "table.csv").write_text(GOOD)
    monkeypatch.setattr(quasistatic.DiffusionDensity, "fit", fit)
    message = refused("fit", tmp_path / "table.csv", "-o", tmp_path / "model", folder=tmp_path)
    assert "memory" in message


def test_more_columns_than_memory_allows(tmp_path, monkeypatch):
    """A table that does not fit is refused with both figures, not by the system's killer."""
    import quasistatic.data.memory

    monkeypatch.setattr(quasistatic.data.memory, "available_bytes", lambda: 2**20)
    data = tmp_path / "wide.csv"
    head = ",".join(f"c{i}" for i in range(400))
    rows = [",".join(f"{(i * 7 + j) % 10}.5" for i in range(400)) for j in range(20)]
    data.write_text("\n".join([head, *rows]) + "\n")
    message = refused("fit", data, "-o", tmp_path / "model", "--max-steps", "1", folder=tmp_path)
    assert "GiB" in message
    assert "column" in message


def test_more_rows_than_memory_allows(model, tmp_path):
    message = refused("sample", model, "-n", 10**12, "-o", tmp_path / "rows.csv", folder=tmp_path)
    assert "GiB" in message
    assert f"{10**12} rows" in message


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs permissions that hold")
def test_folder_that_cannot_be_written(model, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    refused("sample", model, "-n", 5, "-o", locked / "out.csv", folder=tmp_path)


def test_a_defect_shows_its_traceback_and_exits_with_1(model, tmp_path, monkeypatch):
    import quasistatic.cli.rows

    def broken(*args, **kwargs):
        raise builtins.ZeroDivisionError("a defect")

    monkeypatch.setattr(quasistatic.cli.rows, "write_rows", broken)
    outcome = run("sample", model, "-n", 5, "-o", tmp_path / "out.csv")
    assert outcome.code == 1
    assert "a defect" in outcome.stderr


def test_an_unwritable_cache_is_no_error(tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    environment = {
        name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"
    }
    done = subprocess.run(
        [sys.executable, "-m", "quasistatic", "inspect", str(tmp_path / "no-model")],
        env=environment | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_upper_side_of_rows_with_holes(model, tmp_path, penguins_path):
    options = ["--method", "sandwich", "-o", tmp_path / "out.csv"]
    message = refused("score", model, penguins_path, *options, folder=tmp_path)
    assert "row 4, column 'bill_length_mm'" in message
    assert "11 row(s) have missing cells" in message


def test_the_flow_of_a_table_without_a_whole_row(tmp_path):
    data, holes, model = tmp_path / "numbers.csv", tmp_path / "holes.csv", tmp_path / "model"
    pl.DataFrame(
        {name: np.random.default_rng(i).normal(size=40) for i, name in enumerate("ab")}
    ).write_csv(data)
    assert run("fit", data, "-o", model, *ONCE, "--quiet").code == 0
    holes.write_text("a,b\n0.5,\n,1.5\n")
    message = refused(
        "score", model, holes, "-o", tmp_path / "f.csv", "--method", "flow", folder=tmp_path
    )
    assert "every row has a missing cell" in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("score", "--method", "sandwich", "--trajectories", 1), "at least 3"),
        (("score", "--method", "smc", "--trajectories", 1), "at least 2"),
        (("score", "--steps", 11), "1 to T = 10"),
        (("score", "--method", "flow"), "continuous columns alone"),
        (("score", "--method", "flow", "--steps", 2), "no sub-schedule"),
    ],
    ids=["sandwich", "smc", "steps", "flow", "flow-steps"],
)
def test_scores_that_cannot_be_had(model, tmp_path, penguins_path, arguments, words):
    command, *options = arguments
    assert words in refused(
        command, model, penguins_path, "-o", tmp_path / "s.csv", *options, folder=tmp_path
    )


def test_more_steps_than_the_model_has(model, tmp_path):
    assert "1 to T = 10" in refused(
        "sample", model, "-n", 2, "-o", tmp_path / "r.csv", "--steps", 99, folder=tmp_path
    )
    assert "1 to T = 10" in refused("certify", model, "--steps", 99, folder=tmp_path)


def test_the_ledger_of_a_table_with_holes(model, tmp_path, penguins_path):
    message = refused("inspect", model, "--ledger", "--data", penguins_path, folder=tmp_path)
    assert "missing cells" in message
    assert "--ledger" in refused("inspect", model, "--data", penguins_path, folder=tmp_path)


def test_a_table_without_rows_has_no_score(model, tmp_path, penguins_path):
    head = penguins_path.read_text().splitlines()[0]
    (tmp_path / "empty.csv").write_text(head + "\n")
    refused("score", model, tmp_path / "empty.csv", "-o", tmp_path / "s.csv", folder=tmp_path)


def test_a_warning_is_one_line_without_the_code_it_comes_from():
    shown = []

    @guarded
    def command() -> None:
        shown.append(
            [
                warnings.formatwarning("few rows", kind, "file.py", 3)
                for kind in (UserWarning, RuntimeWarning)
            ]
        )

    before = warnings.formatwarning
    command()
    (ours, theirs), *_ = shown
    assert ours == "Warning: few rows\n"
    assert "file.py:3: RuntimeWarning: few rows" in theirs
    assert warnings.formatwarning is before
