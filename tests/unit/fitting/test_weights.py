"""Weights of rows are frequencies: a row of weight 2 is two rows."""

import json

import numpy as np
import polars as pl
import pytest

from quasistatic import DataError, DiffusionDensity
from quasistatic.data.table import from_frame
from quasistatic.data.weights import repeated
from surface.conftest import run

RNG = np.random.default_rng(0)
FRAME = pl.DataFrame(
    {"x": RNG.normal(size=120), "k": RNG.poisson(4, 120), "c": RNG.choice(list("ab"), 120)}
)
WEIGHTS = RNG.integers(0, 4, 120)
TWICE = FRAME[np.repeat(np.arange(120), WEIGHTS)]
MIXTURE = {"model": "mixture", "components": 2, "random_state": 0}


@pytest.fixture(scope="module")
def weighted() -> DiffusionDensity:
    return DiffusionDensity(**MIXTURE).fit(FRAME, sample_weight=WEIGHTS)


def test_a_fit_with_weights_is_that_of_the_table_with_the_rows_repeated(weighted):
    plain = DiffusionDensity(**MIXTURE).fit(TWICE)
    np.testing.assert_array_equal(weighted.score_samples(FRAME), plain.score_samples(FRAME))
    assert weighted.manifest_["data"] == plain.manifest_["data"]


def test_a_training_with_weights_is_that_of_the_table_with_the_rows_repeated(fit_tiny):
    settings = {"model": "diffusion", "trajectory_length": 3, "width": 8, "depth": 1,
                "dropout": 0.0, "frequencies": 0, "members": 1, "max_steps": 4,
                "random_state": 0, "max_minutes": 1}  # fmt: skip
    bounds = [
        DiffusionDensity(**settings).fit(*data, sample_weight=weights).history_[-1]["valid_nats"]
        for data, weights in (((FRAME,), WEIGHTS), ((TWICE,), None))
    ]
    assert bounds[0] == bounds[1]


def test_the_mean_and_its_error_are_those_of_the_repeated_rows(weighted):
    assert weighted.score(FRAME, sample_weight=WEIGHTS) == pytest.approx(weighted.score(TWICE))
    asked = "ais", 4, 0
    once = weighted.log_likelihood(FRAME, *asked).weighted_by(WEIGHTS)
    twice = weighted.log_likelihood(TWICE, *asked)
    assert once.mean == pytest.approx(twice.mean)
    assert once.mean_stderr == pytest.approx(twice.mean_stderr, rel=1e-6)


def test_weights_that_are_not_whole_are_met_on_average():
    weights = RNG.random(120) * 7
    share = weights * 120 / weights.sum()
    table = from_frame(FRAME.with_row_index("row"))
    counts = np.zeros(120)
    for seed in range(400):
        drawn = repeated(table, weights, seed).frame["row"].to_numpy()
        one = np.bincount(drawn, minlength=120)
        assert np.all(np.abs(one - share) < 1 + 1e-9)
        counts += one / 400
    # A count is one of two neighbours: its standard error is at most 0.025; 5.5 of them.
    np.testing.assert_allclose(counts, share, atol=0.14)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], "2 weights of 120 rows"),
        ([-1.0] * 120, r"120 weight\(s\) are negative"),
        ([0] * 120, "all weights are zero"),
        (["a"] * 120, "no numbers"),
    ],
)
def test_weights_without_meaning_are_refused(weights, message):
    with pytest.raises(DataError, match=message):
        DiffusionDensity(**MIXTURE).fit(FRAME, sample_weight=weights)


def test_a_column_of_weights_is_no_column_of_the_model(tmp_path):
    data = tmp_path / "table.csv"
    FRAME.with_columns(n=pl.Series(WEIGHTS)).write_csv(data)
    TWICE.write_csv(tmp_path / "twice.csv")
    options = ["--model", "mixture", "--components", "2", "--quiet", "--json"]
    fit = run("fit", data, "-o", tmp_path / "m", "--weights", "n", *options)
    assert fit.code == 0, fit.stderr
    assert [c["name"] for c in json.loads(fit.stdout)["columns"]] == ["x", "k", "c"]
    score = ["score", tmp_path / "m", data, "--weights", "n", "-o", tmp_path / "s.csv", "--json"]
    found = json.loads(run(*score).stdout)
    again = run("score", tmp_path / "m", tmp_path / "twice.csv", "-o", tmp_path / "t.csv", "--json")
    assert found["mean"] == pytest.approx(json.loads(again.stdout)["mean"])
    assert pl.read_csv(tmp_path / "s.csv").height == 120
    # It may stand in a table that is asked about, as `fit` advises, and in a fit by this schema.
    left = json.loads((tmp_path / "m" / "schema.json").read_text())["left_out"]
    assert left == [{"name": "n", "reason": "weights of the rows"}]
    plain = run("score", tmp_path / "m", data, "-o", tmp_path / "u.csv", "--json")
    assert plain.code == 0, plain.stderr
    schema = ["--weights", "n", "--schema", tmp_path / "m" / "schema.json"]
    assert run("fit", data, "-o", tmp_path / "again", *schema, *options).code == 0
