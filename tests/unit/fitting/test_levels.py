"""Few whole numbers are states where held-out rows are likelier so, and numbers elsewhere."""

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity, between
from quasistatic.data.columns.alternatives import infer_schemas
from quasistatic.data.table import from_frame
from quasistatic.fitting._levels import with_states

N = 300
RNG = np.random.default_rng(0)
YEAR = RNG.choice([2007, 2008, 2009], N)
"""In equal shares: no normal distribution has them."""
LEVEL = np.clip(np.rint(RNG.normal(6, 1.2, N)), 1, 11).astype(int)
"""Spread like a normal distribution's values."""


@pytest.fixture(scope="module")
def frame():
    x = RNG.normal(LEVEL, 0.3)
    return pl.DataFrame({"year": YEAR, "level": LEVEL, "x": np.round(x, 2)})


def test_held_out_rows_decide(frame):
    table = from_frame(frame)
    schemas = infer_schemas(table)
    assert schemas.few_valued == ("year", "level")
    found = with_states(table, schemas, "auto", seed=0)
    assert found.at_states(found.first) == ["year"]


def test_states_bring_no_other_value(frame):
    """Nor are their conditions others: a state is still a number."""
    density = DiffusionDensity(model="mixture", random_state=0).fit(frame)
    drawn = density.sample(2000)["year"]
    assert drawn.dtype == frame["year"].dtype
    assert drawn.is_in([2007, 2008, 2009]).mean() > 0.99
    later = density.condition({"year": between(2008, None)})
    assert later.sample(200)["year"].min() >= 2008
    other = density.log_likelihood(frame.head(1).with_columns(year=pl.lit(2030, pl.Int64)))
    assert np.isfinite(other.mean)
    assert other.mean < density.log_likelihood(frame).mean - 3


def test_states_that_say_something_together():
    """Codes that only their combination explains: one alone as states gains little."""
    rng = np.random.default_rng(1)
    codes = np.array([[1, 4, 2], [3, 1, 4], [4, 3, 1], [2, 2, 3]])[rng.choice(4, N)]
    wrong = rng.random(codes.shape) < 0.1
    codes = np.where(wrong, rng.choice([1, 2, 3, 4], codes.shape), codes)
    table = from_frame(pl.DataFrame(codes, schema=["a", "b", "c"], orient="row"))
    schemas = infer_schemas(table)
    found = with_states(table, schemas, "auto", seed=0)
    assert {"a", "c"} <= set(found.at_states(found.first))
