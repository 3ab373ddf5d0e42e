"""Synthetic rows with the holes of the fitted table."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from quasistatic import DiffusionDensity, SettingError, load
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
