"""A table that is not held in memory: read a piece at a time, the same answers, files as whole."""

import json

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.alternatives import infer_schemas
from quasistatic.data.constraints.found_on_disk import find_constraints_on_disk
from quasistatic.data.disk.drawn import drawn_rows
from quasistatic.data.disk.files import open_table
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.report.findings import DataFindings
from surface.conftest import ONCE, refused, run

N, ROWS = 4 * 1024 + 300, 1024


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table as CSV, as one Parquet file, as a folder of three and as Arrow; a model of it."""
    base, rng = tmp_path_factory.mktemp("pieces"), np.random.default_rng(0)
    x = rng.normal(size=N)
    frame = pl.DataFrame(
        {
            "x": np.round(x, 1),
            "y": x + rng.normal(size=N),
            "above": np.round(np.round(x, 1) + rng.integers(1, 9, N), 1),
            "kind": np.where(x > 0.3, "a", np.where(x > -0.5, "b", "c, d")),
        }
    ).with_columns(pl.when(pl.Series(rng.random(N) > 0.001)).then(pl.col("y")).alias("y"))
    whole = frame.drop_nulls()
    whole.write_csv(base / "whole.csv")
    frame.write_csv(base / "t.csv")
    frame.write_csv(base / "t.csv.gz", compression="gzip")
    frame.write_parquet(base / "t.parquet", row_group_size=700)
    frame.write_ipc(base / "t.arrow")
    frame.write_ndjson(base / "t.jsonl")
    (base / "shards").mkdir()
    for k, begin in enumerate(range(0, N, 2000)):
        frame[begin : begin + 2000].write_parquet(base / "shards" / f"part-{k}.parquet")
    done = run("fit", base / "whole.csv", "-o", base / "model", *ONCE, "--quiet")
    assert done.code == 0, done.stderr
    dates = pl.date_range(pl.date(2001, 1, 1), pl.date(2013, 12, 31), eager=True)[:N]
    rest = np.where(x > 0, "true", "false")
    frame.with_columns(
        pl.Series("day", dates.dt.strftime("%d.%m.%Y")),
        pl.Series("amount", [f'"{v:,.2f}"' for v in np.exp(9 + x)]),
        pl.Series("flag", np.where(rng.random(N) > 0.01, rest, "-")),
        pl.Series("code", np.where(x > 0, "007", "10")),
    ).write_csv(base / "forms.csv", separator=";")
    return base


@pytest.fixture
def in_pieces(monkeypatch):
    """Nothing is held, and a piece has 1,024 rows."""
    monkeypatch.setattr("quasistatic.data.disk.files.MOST_HELD", 1)
    for module in ("table", "delimited", "parts", "records"):
        monkeypatch.setattr(f"quasistatic.data.disk.{module}.ROWS", ROWS)


def score(folder, data, name, *options):
    done = run("score", folder / "model", data, "-o", folder / name, "--force", "--json", *options)
    assert done.code == 0, done.stderr
    return (folder / name).read_bytes(), json.loads(done.stdout), done.stderr


def test_scores_are_the_same(folder, request):
    held, values, _ = score(folder, folder / "whole.csv", "held.csv")
    request.getfixturevalue("in_pieces")
    found, again, told = score(folder, folder / "whole.csv", "pieces.csv")
    assert found == held  # whole rows are scored in chunks of 1,024 on both ways
    assert again["mean"] == values["mean"]
    assert again["mean_stderr"] == values["mean_stderr"]
    assert f"{ROWS} rows done" in told


@pytest.mark.parametrize(
    "name", ["t.parquet", "shards", "shards/part-*.parquet", "t.arrow", "t.csv.gz", "t.jsonl"]
)
def test_any_file_gives_the_scores_of_the_text(folder, name, in_pieces):
    expected, _, _ = score(folder, folder / "t.csv", "text.csv")
    found, values, _ = score(folder, folder / name, "other.csv")
    assert found == expected
    assert values["rows"] == N


@pytest.mark.parametrize("name", ["s.csv", "s.csv.gz", "s.parquet", "s.arrow", "s.jsonl"])
def test_samples_are_the_same(folder, name, request):
    model, out = folder / "model", folder / name
    assert run("sample", model, "-n", N, "-o", out, "--force").code == 0
    held = pl.read_csv(out) if "csv" in name else read(out)
    request.getfixturevalue("in_pieces")
    assert run("sample", model, "-n", N, "-o", out, "--force").code == 0
    assert (pl.read_csv(out) if "csv" in name else read(out)).equals(held)
    first = out.read_bytes()
    assert run("sample", model, "-n", N, "-o", out, "--force").code == 0
    assert out.read_bytes() == first
    assert not list(folder.glob(".*"))


def read(path):
    readers = {".parquet": pl.read_parquet, ".arrow": pl.read_ipc, ".jsonl": pl.read_ndjson}
    return readers[path.suffix](path)


def test_filled_tables_keep_what_was_there(folder, in_pieces):
    out = folder / "filled.csv"
    done = run(
        "impute", folder / "model", folder / "t.csv", "-o", out, "-m", 2, "--force", "--json"
    )
    assert done.code == 0, done.stderr
    before = (folder / "t.csv").read_text().splitlines()
    for number in (1, 2):
        after = (folder / f"filled-{number}.csv").read_text().splitlines()
        assert len(after) == N + 1
        changed = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
        assert changed == [i for i, line in enumerate(before) if ",," in line]
    assert json.loads(done.stdout)["holes"] == len(changed) > 0


def test_the_most_unusual_rows_are_those_of_the_table(folder, request):
    arguments = "outliers", folder / "model", folder / "whole.csv", "--method", "bound", "--force"
    assert run(*arguments, "--top", 20, "-o", folder / "held.csv").code == 0
    request.getfixturevalue("in_pieces")
    assert run(*arguments, "--top", 20, "-o", folder / "pieces.csv").code == 0
    held, found = (pl.read_csv(folder / f"{name}.csv") for name in ("held", "pieces"))
    assert found.drop("surprise", "log_p").equals(held.drop("surprise", "log_p"))
    message = refused(*arguments, "-o", folder / "all.csv", folder=folder)
    assert "--top" in message


DEALT = {
    "score": ("score", "t.csv", "s.csv"),
    "wanted error": ("score", "whole.csv", "w.parquet", "--stderr", "9", "--method", "ais"),
    "impute": ("impute", "t.csv", "i.csv", "-m", "2"),
    "sample": ("sample", None, "n.parquet", "-n", N),
}


@pytest.mark.parametrize("name", DEALT)
def test_two_processes_write_the_bytes_of_one(folder, in_pieces, name, tmp_path, monkeypatch):
    """What a process hands over is what the other would have written, and nothing else is left."""
    command, data, out, *options = DEALT[name]
    given = [] if data is None else [folder / data]
    how = [command, folder / "model", *given, "-o", tmp_path / out, *options, "--json", "--force"]
    one = run(*how)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    told = {"trajectories": str(json.loads(one.stdout).get("trajectories"))}
    for place, does in {
        "cli.dealing.keep_stdout": lambda: None,
        "workers.join": lambda: None,
        "workers.is_asked_for": lambda: True,
        "workers.count": lambda: 2,
        "workers.tell": lambda name, words="": told.update({name: words}),
        "workers.hear": told.get,
    }.items():
        monkeypatch.setattr(f"quasistatic.{place}", does)
    for rank in (1, 0):
        monkeypatch.setattr("quasistatic.workers.rank", lambda rank=rank: rank)
        both = run(*how)
        if rank:
            assert (both.code, both.stdout) == (0, "")
            assert {path.name for path in tmp_path.iterdir()} > set(files)
    assert both == one
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_several_processes_do_not_share_standard_output(folder):
    model = folder / "model"
    how = "sample", model, "-n", 4, "-o", "-", "--processes", 2
    assert "standard output" in refused(*how, folder=folder)


def test_a_format_that_is_written_at_once(folder, in_pieces):
    message = refused("sample", folder / "model", "-n", N, "-o", folder / "s.npz", folder=folder)
    assert "written at once" in message


def folder_of(path):
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


@pytest.mark.parametrize("name", ["t.parquet", "shards", "forms.csv", "t.csv.gz"])
def test_the_model_of_a_table_on_the_disk_is_that_of_the_table(folder, name, request, tmp_path):
    """Byte for byte: what is learned of a column is learned from the whole column on both ways."""
    how = [*ONCE, "--quiet"]
    assert run("fit", folder / name, "-o", tmp_path / "held", *how).code == 0
    request.getfixturevalue("in_pieces")
    done = run("fit", folder / name, "-o", tmp_path / "disk", *how)
    assert done.code == 0, done.stderr
    manifest = json.loads((tmp_path / "disk" / "manifest.json").read_text())
    assert "x < above" in manifest["proposed"]
    assert folder_of(tmp_path / "disk") == folder_of(tmp_path / "held")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "held"]


def test_constraints_are_proposed_that_every_row_keeps(folder, in_pieces, monkeypatch, tmp_path):
    monkeypatch.setattr("quasistatic.data.constraints.found_on_disk._MOST_ROWS", 500)
    frame = pl.read_parquet(folder / "t.parquet")
    odd = (
        pl.when(pl.int_range(pl.len()) == 2901)
        .then((pl.col("x") - 1).round(1))
        .otherwise(pl.col("above"))
    )
    frame.with_columns(above=odd).write_parquet(tmp_path / "odd.parquet")
    for path, expected in ((folder / "t.parquet", ["x < above"]), (tmp_path / "odd.parquet", [])):
        table = open_table(path)
        found = find_constraints_on_disk(table, infer_schemas(table).first)
        assert found == expected


def test_rows_are_drawn_from_pieces(folder, in_pieces):
    """Every row is in the table, in its order, and is drawn as often as another: of 40 draws of a
    quarter of the rows each half has a quarter within 5 standard deviations (a false alarm in
    10^6)."""
    whole = pl.read_csv(folder / "whole.csv").with_row_index()
    keyed = [Table(part) for part in whole.iter_slices(ROWS)]
    most, first_half = len(whole) // 4, []
    for seed in range(40):
        drawn, total = drawn_rows(iter(keyed), most, seed)
        assert total == len(whole)
        assert len(drawn) == most
        chosen = drawn.frame["index"].to_numpy()
        assert np.all(np.diff(chosen) > 0)
        assert drawn.frame.equals(whole[chosen])
        first_half.append(np.mean(chosen < len(whole) // 2))
    spread = np.sqrt(0.25 / most * (1 - most / len(whole)) / 40)
    assert abs(np.mean(first_half) - (len(whole) // 2) / len(whole)) < 5 * spread
    alone, total = drawn_rows([keyed[0]], 2, 0)
    assert alone is keyed[0]
    assert total == ROWS


def test_a_report_of_a_table_on_the_disk(folder, in_pieces, monkeypatch):
    """It is of rows that were drawn from the whole of it, and says so."""
    asked = []

    def stop(density, table, **options):
        asked.append((table, options["n_rows"]))
        raise DataError("enough")

    monkeypatch.setattr("quasistatic.cli.report._MOST_ROWS", 500)
    monkeypatch.setattr("quasistatic.report.compute.find", stop)
    refused("report", folder / "model", folder / "t.parquet", "-o", "r.html", folder=folder)
    ((table, total),) = asked
    assert (len(table), total) == (500, N)
    (said,) = DataFindings("t", 500, 0, 500, False, None, total).of_a_part(0)
    assert f"{N:,} rows" in said
    assert "500 of them, drawn at random (seed 0)" in said
