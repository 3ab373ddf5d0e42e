"""`quasistatic compare`: paired differences, distances of samples, and what is refused."""

import json

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.table import from_frame
from quasistatic.fitted.comparison import distance
from surface.conftest import ONCE, refused, run


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A file of bits, and three models: a Boltzmann machine, one of few pairs, a diffusion."""
    folder = tmp_path_factory.mktemp("compare")
    rng = np.random.default_rng(1)
    centre = np.where(rng.random((300, 1)) < 0.5, 0.85, 0.15)
    rows = (rng.random((300, 5)) < centre).astype(int)
    pl.DataFrame(rows, schema=list("abcde"), orient="row").write_csv(folder / "bits.csv")
    for name, options in (
        ("pairs", ["--model", "boltzmann", "--method", "exact"]),
        ("chain", ["--model", "boltzmann", "--method", "bethe", "--graph", "1x5"]),
        ("diffusion", ONCE),
    ):
        outcome = run("fit", folder / "bits.csv", "-o", folder / name, *options, "--quiet")
        assert outcome.code == 0, outcome.stderr
    return folder


def test_paired_differences(models, tmp_path, monkeypatch):
    monkeypatch.chdir(models)
    out = tmp_path / "rows.csv"
    outcome = run("compare", "chain", "pairs", "diffusion", "bits.csv", "--json", "-o", out)
    assert outcome.code == 0, outcome.stderr
    values = json.loads(outcome.stdout)["models"]
    rows = pl.read_csv(out)
    difference = (rows["pairs"] - rows["chain"]).to_numpy()
    assert abs(values["pairs"]["difference"] - difference.mean()) < 1e-9
    assert abs(values["pairs"]["difference_stderr"] - difference.std(ddof=1) / 300**0.5) < 1e-9
    assert values["pairs"]["difference"] > 3 * values["pairs"]["difference_stderr"]
    assert values["chain"]["difference"] == 0
    assert values["pairs"]["samples"]["pairs"] < values["chain"]["samples"]["pairs"]
    assert values["diffusion"]["method"] == "ais"
    told = run("compare", "chain", "pairs", "bits.csv")
    assert "minus chain" in told.stdout
    assert "Z summed exactly" in told.stdout
    assert "±" in run("compare", "chain", "pairs", "bits.csv", "--quiet").stdout


def test_what_cannot_be_compared_is_refused(models, tmp_path, fitted, penguins_path):
    chain, pairs, bits = models / "chain", models / "pairs", models / "bits.csv"
    other = models / "bits2.csv"
    pl.read_csv(bits).select("a", "b", "c", "e", "d").write_csv(other)
    if not (models / "other").exists():
        assert run("fit", other, "-o", models / "other", "--model", "boltzmann", "-q").code == 0
    told = refused("compare", chain, models / "other", bits, folder=tmp_path)
    assert "different base measures" in told
    assert str(chain) in told
    assert "two model folders" in refused("compare", chain, bits, folder=tmp_path)
    assert "given twice" in refused("compare", chain, chain, bits, folder=tmp_path)
    assert refused("compare", chain, fitted, penguins_path, folder=tmp_path)
    assert "no such model folder" in refused("compare", pairs, "gone", bits, folder=tmp_path)


def test_distances_of_samples(rng):
    """0 of a table from itself; columns alone see a shift, pairs a broken dependence."""
    x = rng.normal(size=2000)
    frame = pl.DataFrame({"x": x, "y": x + rng.normal(size=2000), "c": np.where(x > 0, "p", "q")})
    table = from_frame(frame)
    schema = infer_schema(table)
    same = distance(schema, table, table)
    assert same.columns == 0
    assert same.pairs < 1e-12
    shifted = distance(schema, table, from_frame(frame.with_columns(pl.col("x") + 1.0)))
    assert shifted.columns > 0.1
    assert shifted.pairs < 0.1
    broken = distance(schema, table, from_frame(frame.with_columns(pl.col("x").shuffle(seed=1))))
    assert broken.columns < 1e-12
    assert broken.pairs > 0.3
    half = distance(schema, table.take(np.arange(1000)), table.take(np.arange(1000, 2000)))
    assert half.pairs < 4 * half.chance
