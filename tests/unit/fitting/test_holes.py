"""Synthetic rows with the holes of the fitted table."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from quasistatic import DiffusionDensity, SettingError, load
from quasistatic.fitted.flags import flags_of
from quasistatic.fitted.holes import with_holes
from quasistatic.fitted.sampling import sample


def test_patterns_of_missing_cells_are_as_frequent_as_in_the_table(tmp_path):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: rng.normal(size=200) for name in "abc"})
    both = pl.Series(rng.random(200) < 0.3)
    alone = pl.Series(rng.random(200) < 0.2)
    frame = frame.with_columns(
        *(pl.when(~both).then(pl.col(name)).alias(name) for name in "ab"),
        pl.when(~alone).then(pl.col("c")).alias("c"),
    )
    settings = {"model": "mixture", "components": 2, "random_state": 0}
    DiffusionDensity(**settings).fit(frame).save(tmp_path / "model")
    fitted = load(tmp_path / "model").fitted_
    whole = sample(fitted, 4000, key=fitted.key(1))
    holed = with_holes(fitted, whole, key=fitted.key(1)).frame
    # Cells that stay are as they were; the two columns are missing together.
    for name in "abc":
        there = holed[name].is_not_null()
        assert holed[name].filter(there).equals(whole.frame[name].filter(there))
    assert (holed["a"].is_null() == holed["b"].is_null()).all()

    def counts(table):
        code = table.select(pl.col("a").is_null() * 2 + pl.col("c").is_null()).to_series()
        return np.bincount(code.to_numpy(), minlength=4)

    expected = counts(frame) / 200 * 4000
    assert stats.chisquare(counts(holed), expected).pvalue > 1e-6
    assert with_holes(fitted, whole, key=fitted.key(1)).frame.equals(holed)


def test_a_model_that_does_not_know_its_holes_says_so():
    frame = pl.DataFrame({"a": np.random.default_rng(0).normal(size=40)})
    fitted = DiffusionDensity(model="mixture", components=2, random_state=0).fit(frame).fitted_
    rows = sample(fitted, 5, key=fitted.key(0))
    assert with_holes(fitted, rows, key=fitted.key(0)).frame.equals(rows.frame)
    del fitted.record["missing"]
    with pytest.raises(SettingError, match="fit again"):
        with_holes(fitted, rows, key=fitted.key(0))


def test_flags_follow_the_cells_where_held_out_rows_prefer_it(tmp_path):
    """`b` is missing mostly where `a` is large, `c` mostly where `b` is, `d` with `c`."""
    rng = np.random.default_rng(0)
    a, group = rng.normal(size=1000), rng.choice(["u", "v"], 1000)
    b_gone = rng.random(1000) < 1 / (1 + np.exp(-3 * a))
    c_gone = rng.random(1000) < np.where(b_gone, 0.8, 0.1)
    frame = pl.DataFrame({"a": a, "g": group} | {n: rng.normal(size=1000) for n in "bcd"})
    gone = {"b": b_gone, "c": c_gone, "d": c_gone}
    frame = frame.with_columns(
        pl.when(pl.Series(~hole)).then(pl.col(name)).alias(name) for name, hole in gone.items()
    )
    settings = {"model": "mixture", "components": 2, "random_state": 0}
    DiffusionDensity(**settings).fit(frame).save(tmp_path / "model")
    fitted = load(tmp_path / "model").fitted_
    whole = sample(fitted, 4000, key=fitted.key(1))
    holed = with_holes(fitted, whole, key=fitted.key(1)).frame
    assert (holed["c"].is_null() == holed["d"].is_null()).all()
    large = pl.Series(whole.frame["a"] > 0)
    shares = [holed.filter(one)["b"].is_null().mean() for one in (large, ~large)]
    assert shares[0] > 0.7
    assert shares[1] < 0.3
    shares = [
        holed.filter(one)["c"].is_null().mean()
        for one in (holed["b"].is_null(), holed["b"].is_not_null())
    ]
    assert np.abs(np.array(shares) - (0.8, 0.1)).max() < 0.07


def test_flags_of_a_column_that_nothing_tells_of_are_patterns():
    """A fixed seed: by chance it would be 2 % of such tables."""
    rng = np.random.default_rng(1)
    for _ in range(5):
        frame = pl.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)})
        hole = pl.Series(rng.random(300) < 0.3)
        assert flags_of(frame.with_columns(pl.when(~hole).then(pl.col("b")).alias("b"))) is None
