"""`DiffusionOutlierDetector`: scores, thresholds, blame; conditionals and surprises beneath."""

import jax
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from quasistatic import DiffusionDensity, DiffusionOutlierDetector
from quasistatic.data.table import Table
from quasistatic.errors import DataError, SettingError
from quasistatic.fitted.columns import Tails, column_log_probs
from quasistatic.fitted.scores import SCORES


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """Two numbers that follow each other, one of them rounded, a flag, and a number with an
    atom."""
    rng = np.random.default_rng(3)
    size = rng.normal(50, 5, 300)
    return pl.DataFrame(
        {
            "size": np.round(size, 1),
            "weight": 2.0 * size + rng.normal(0, 1, 300),
            "flag": np.where(size + rng.normal(0, 2, 300) > 50, "tall", "short").tolist(),
            "rain": np.where(rng.random(300) < 0.4, 0.0, rng.lognormal(0, 1, 300)),
        }
    )


@pytest.fixture(scope="module")
def density(table) -> DiffusionDensity:
    settings = {
        "model": "diffusion",
        "max_steps": 300,
        "width": 32,
        "depth": 1,
        "dropout": 0.0,
        "frequencies": 0,
        "members": 1,
        "components": 1,
        "trajectory_length": 12,
        "random_state": 0,
    }
    return DiffusionDensity(**settings).fit(table)


@pytest.fixture(scope="module")
def detector(density) -> DiffusionOutlierDetector:
    return DiffusionOutlierDetector.from_density(density, particles=8, steps=12)


def conditionals(density, rows, particles=16, seed=0):
    key = jax.random.key(seed)
    return column_log_probs(density.fitted_, Table(rows), particles, steps=12, key=key)


def test_conditionals_of_a_flag_are_those_of_the_joint(density, table):
    """p(flag | others) = p(flag, others) / sum over the flags; 24 rows, standard errors from the
    spread over seeds (t-test, 1e-6)."""
    rows = table.head(24)
    parts = [
        density.log_likelihood(rows.with_columns(flag=pl.lit(f)), "ais", 512).lower
        for f in ("short", "tall")
    ]
    exact = np.where(rows["flag"] == "short", *parts) - np.logaddexp(*parts)
    found = np.stack([conditionals(density, rows, 64, seed).log_p[:, 2] for seed in range(8)])
    assert np.all(found <= 0), "an estimate is a probability, too"
    stderr = found.std(0, ddof=1) / np.sqrt(8)
    threshold = stats.t.isf(1e-6 / 2 / 24, 7)
    assert np.all(np.abs(found.mean(0) - exact) < threshold * stderr + 0.05)
    assert found.mean(0).mean() < 0


def test_conditionals_are_in_the_units_of_their_column(density, table):
    """They are the evidence of the row less that of its other cells, each in the data's units, as
    `condition` gives it."""
    rows = table.head(3)
    found = conditionals(density, table.head(24), 64)  # the program of the test above
    assert found.names == ("size", "weight", "flag", "rain")
    for i, row in enumerate(rows.iter_rows(named=True)):
        whole = density.condition(row)
        for j, name in enumerate(found.names):
            others = density.condition({n: v for n, v in row.items() if n != name})
            apart = found.log_p[i, j] - (whole.log_evidence - others.log_evidence)
            error = np.hypot(np.hypot(whole.stderr, others.stderr), found.stderr[i, j])
            assert abs(apart) < 5 * error + 0.02, (i, name)  # normal, two-sided: 6e-7
    assert density.schema_.column("rain").atoms == (0.0,)
    assert {v > 0 for v in rows["rain"]} == {
        True,
        False,
    }  # an atom's probability and a density are among them


def test_holes_have_no_conditional_and_a_lonely_cell_has_its_marginal(density, table):
    rows = table.head(3).with_columns(
        size=pl.Series([None, 50.0, None]),
        weight=pl.Series([100.0, 101.0, None]),
        flag=pl.Series([None, "tall", None], dtype=pl.String),
        rain=pl.Series([None, None, None], dtype=pl.Float64),
    )
    found = conditionals(density, rows)
    assert np.isfinite(found.log_p).tolist() == [
        [False, True, False, False],
        [True, True, True, False],
        [False] * 4,
    ]
    alone = density.condition({"weight": 100.0})
    assert abs(found.log_p[0, 1] - alone.log_evidence) < 1.0
    with pytest.raises(SettingError, match="particles"):
        conditionals(density, rows, particles=1)


@pytest.mark.parametrize("score", SCORES)
def test_an_odd_cell_is_found_and_blamed(density, table, score):
    """A weight that does not belong to its size, though both are usual by themselves."""
    odd = table.head(40).with_columns(
        weight=pl.when(pl.int_range(pl.len()) == 7)
        .then(pl.lit(60.0) + 0 * pl.col("weight"))
        .otherwise("weight"),
        size=pl.when(pl.int_range(pl.len()) == 7).then(pl.lit(58.0)).otherwise("size"),
    )
    found = DiffusionOutlierDetector.from_density(density, method=score, particles=8, steps=12)
    ranked = found.ranking(odd, top=3)
    assert ranked.columns == ["rank", "row", "score", "column", "log_p", "surprise"]
    assert ranked["row"][0] == 8
    assert ranked["column"][0] in ("size", "weight")
    assert found.predict(odd)[7] == -1
    assert ranked["score"].to_list() == sorted(ranked["score"])
    np.testing.assert_allclose(ranked["score"], np.sort(found.score_samples(odd))[:3], atol=1e-3)


def test_rows_with_holes_are_scored(density, table):
    """As many rows as in the test above, and its programs."""
    place = pl.int_range(pl.len())
    rows = table.head(40).with_columns(
        pl.when((place != 39) & kept).then(name).alias(name)
        for name, kept in {
            "size": place >= 0,
            "weight": ~place.is_in([3, 4, 5]),
            "flag": place >= 0,
            "rain": place != 1,
        }.items()
    )
    for score in SCORES:
        found = DiffusionOutlierDetector.from_density(density, method=score, particles=8, steps=12)
        scores = found.score_samples(rows)
        assert scores.shape == (40,)
        assert np.isfinite(scores).all()
        assert scores[39] == 0 or score == "typicality"


def test_column_scores_keep_the_container(detector, table):
    rows = table.head(4)
    assert detector.column_scores(rows).columns == rows.columns
    frame = rows.to_pandas().set_index(np.arange(4) + 7)
    found = detector.column_scores(frame)
    assert found.index.tolist() == [7, 8, 9, 10]
    assert (found.dtypes == np.float64).all()
    assert detector.blame(rows).shape == (4,)
    with pytest.raises(SettingError, match="top"):
        detector.ranking(rows, 0)
    with pytest.raises(DataError, match="no rows"):
        detector.score_samples(rows.head(0))


def test_the_threshold_is_a_share_of_rows(untrained, rng):
    X = rng.normal(size=(60, 2))
    settings = DiffusionDensity(
        model="diffusion",
        trajectory_length=3,
        width=8,
        depth=1,
        dropout=0.0,
        frequencies=0,
        members=1,
        components=1,
        max_steps=4,
    )
    found = DiffusionOutlierDetector(
        settings, method="bound", contamination=0.1, random_state=0
    ).fit(X)
    assert (found.predict(X) == -1).sum() == 6
    assert (found.decision_function(X) == found.score_samples(X) - found.offset_).all()
    assert found.column_scores(X).shape == (60, 2)
    again = DiffusionOutlierDetector(
        settings, method="bound", contamination=0.1, random_state=0
    ).fit(pd.DataFrame(X))
    np.testing.assert_allclose(
        again.score_samples(pd.DataFrame(X)), found.score_samples(X), atol=1e-3
    )
    for bad in ({"contamination": 0.7}, {"contamination": "half"}, {"method": "odd"}):
        with pytest.raises(SettingError):
            DiffusionOutlierDetector(settings, **bad).fit(X)


def test_surprises_of_columns_are_alike_whatever_their_unit():
    """-log of a uniform share is exponential; a shift of the unit changes nothing; a cell beyond
    the reference goes on rising."""
    rng = np.random.default_rng(0)
    log_p = stats.norm.logpdf(rng.normal(size=4000))
    tails = Tails.of(np.stack([log_p, log_p + np.log(1000)], axis=1))
    new = stats.norm.logpdf(rng.normal(size=4000))
    found = tails.surprise(np.stack([new, new + np.log(1000)], axis=1))
    np.testing.assert_allclose(found[:, 0], found[:, 1], atol=1e-9)
    assert stats.kstest(found[:, 0][found[:, 0] < 2], stats.truncexpon(b=2).cdf).pvalue > 1e-6
    far = tails.surprise(np.stack([stats.norm.logpdf([4.0, 6.0, 8.0])] * 2, axis=1))[:, 0]
    np.testing.assert_allclose(far, -np.log(2 * stats.norm.sf([4.0, 6.0, 8.0])), rtol=0.2)
    assert np.isnan(Tails.of(np.full((5, 1), np.nan)).surprise(np.zeros((2, 1)))).all()
