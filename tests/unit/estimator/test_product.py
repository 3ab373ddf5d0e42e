"""Products of two fitted densities: against the exact product of Gaussians, guided or not; columns
that differ; masses of counts."""

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity, SchemaError
from quasistatic.fitted._product import one_space

SETTINGS = {
    "trajectory_length": 8,
    "width": 16,
    "depth": 1,
    "dropout": 0.0,
    "frequencies": 0,
    "members": 1,
    "components": 1,
    "model": "diffusion",
    "max_steps": 60,
    "column_transform": "affine",
}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 400)
    return pl.DataFrame(
        {
            "x": rng.normal(4.0 * group, 1.0),
            "group": np.where(group, "b", "a"),
            "n": rng.poisson(3, 400),
        }
    )


@pytest.fixture(scope="module")
def densities(table):
    return [DiffusionDensity(random_state=i, **SETTINGS).fit(table) for i in (0, 1)]


@pytest.fixture(scope="module")
def elsewhere(table):
    """A density of other rows of the same columns: its numbers have another transform."""
    shifted = table.with_columns(pl.col("x") + 1.0)
    return DiffusionDensity(random_state=2, **SETTINGS).fit(shifted)


def test_densities_of_one_table_share_a_space(densities, elsewhere):
    here, there = densities
    assert one_space(here.fitted_, there.fitted_)
    assert not one_space(here.fitted_, elsewhere.fitted_)


@pytest.mark.parametrize("which", ["one table", "another table"])
def test_evidence_is_the_mean_of_the_other_likelihood(densities, elsewhere, which):
    """log Z = log E_p p', estimated without the walk: rows of p, scored by p'. Agreement within 5
    standard errors (rate 6e-7)."""
    here, other = densities[0], densities[1] if which == "one table" else elsewhere
    found = here.product(other)
    rows = here.sample(4000, random_state=5)
    p = np.exp(other.log_likelihood(rows, method="ais", trajectories=8).lower)
    direct, error = np.log(p.mean()), p.std(ddof=1) / p.mean() / np.sqrt(len(p))
    assert abs(found.log_evidence - direct) < 5 * np.hypot(error, found.stderr) + 1e-3
    assert found.stderr < 0.5
    assert "times p'" in found.base_measure


def test_draws_are_those_of_the_product(densities):
    """Moments of the draws against importance sampling; the guided walk is worth more particles
    than the last weight alone."""
    here, other = densities
    drawn = here.product(other).sample(400, random_state=3)
    rows = here.sample(4000, random_state=5)
    weight = np.exp(other.log_likelihood(rows, method="ais", trajectories=8).lower)
    for values, draws in (
        (rows["x"].to_numpy(), drawn["x"].to_numpy()),
        ((rows["group"] == "b").to_numpy() * 1.0, (drawn["group"] == "b").to_numpy() * 1.0),
    ):
        wanted = np.average(values, weights=weight)
        ess = weight.sum() ** 2 / np.square(weight).sum()
        error = np.hypot(
            np.sqrt(np.average((values - wanted) ** 2, weights=weight) / ess),
            draws.std() / np.sqrt(100),
        )
        assert abs(draws.mean() - wanted) < 5.5 * error
    assert len(drawn) == 400


def test_conditions_and_r_hold(densities):
    here, other = densities
    rows = here.product(
        other, log_r=lambda row: -((row["x"] - 1.0) ** 2), given={"group": "b"}
    ).sample(30, random_state=1)
    assert (rows["group"] == "b").all()
    assert len(rows) == 30


def test_other_columns_are_refused(densities, table):
    other = DiffusionDensity(
        model="diffusion", components=1, max_steps=2, width=8, depth=1, trajectory_length=4
    ).fit(table.rename({"n": "m"}))
    with pytest.raises(SchemaError, match="column 'n'"):
        densities[0].product(other)
