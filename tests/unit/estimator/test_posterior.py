"""Holes, conditions, noise and r(x) through `DiffusionDensity`."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import polars as pl
import pytest

from quasistatic import DiffusionDensity
from quasistatic.errors import DataError, QuasistaticError, SchemaError, SettingError
from quasistatic.fitted.between import Between, between
from quasistatic.fitted.conditions import read_condition


@pytest.fixture(scope="module")
def df() -> pl.DataFrame:
    """Height depends on sex; a count; a number with an atom at 0."""
    rng = np.random.default_rng(0)
    sex = rng.integers(0, 2, 400)
    return pl.DataFrame(
        {
            "sex": np.array(["f", "m"])[sex].tolist(),
            "height": np.round(165 + 12 * sex + 5 * rng.standard_normal(400), 1),
            "visits": rng.poisson(4, 400),
            "income": np.where(rng.random(400) < 0.4, 0.0, rng.lognormal(2, 0.5, 400)),
        }
    )


@pytest.fixture(scope="module")
def density(df) -> DiffusionDensity:
    return DiffusionDensity(
        model="diffusion",
        max_steps=300,
        width=32,
        depth=1,
        trajectory_length=12,
        dropout=0.0,
        frequencies=0,
        members=1,
        components=1,
        random_state=0,
    ).fit(df)


def with_holes(df: pl.DataFrame, n: int = 40) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    part = df.head(n)
    return part.with_columns(
        pl.when(pl.Series(rng.random(n) < 0.7)).then(pl.col(name)).alias(name)
        for name in part.columns
    )


def test_imputing_fills_every_hole_and_keeps_the_rest(density, df):
    holes = with_holes(df)
    first, second = density.impute(holes, 2, random_state=0)
    assert first.schema == holes.schema
    for name in df.columns:
        there = holes[name].is_not_null()
        assert first[name].null_count() == 0
        assert first.filter(there)[name].equals(holes.filter(there)[name])
    assert not first.equals(second)
    again = density.impute(holes, 2, random_state=0)
    assert again[0].equals(first)
    assert again[1].equals(second)
    point = density.impute(holes, 1, point=True)
    assert point.null_count().sum_horizontal().item() == 0
    assert density.impute(df.head(5), 2)[0].equals(df.head(5))
    with pytest.raises(SettingError, match="one table"):
        density.impute(holes, 5, point=True)


def test_a_hidden_sex_is_read_from_the_height(density):
    row = pl.DataFrame(
        {"sex": [None], "height": [183.0], "visits": [4], "income": [0.0]},
        schema_overrides={"sex": pl.String},
    )
    drawn = [f["sex"][0] for f in density.impute(row, 16, random_state=1)]
    assert drawn.count("m") >= 12


def test_pandas_in_pandas_out(density, df):
    frame = with_holes(df, 6).to_pandas()
    filled = density.impute(frame, 1)[0]
    assert isinstance(filled, pd.DataFrame)
    assert not filled.isna().any().any()


def test_conditions_give_exactly_the_rows_asked_for(density):
    for given in (
        {"sex": "m"},
        {"visits": between(3, 5), "sex": ["m"]},
        {"visits": between(2, 6, closed="neither")},
        {"income": 0.0},
        {"income": between(low=2.0)},
        {"income": between(high=9.0)},
        {"height": between(170, 180), "sex": {"f": 1.0, "m": 0.2}},
    ):
        c = density.condition(given)
        rows = c.sample(23, random_state=3)
        assert rows.shape == (23, 4)
        assert np.isfinite(c.log_evidence)
        assert c.ess > 10
        if given == {"sex": "m"}:
            assert set(rows["sex"]) == {"m"}
            assert rows["height"].mean() > 172
            assert abs(c.log_evidence - np.log(0.5)) < 0.3
        if "visits" in given:
            assert rows["visits"].is_between(3, 5).all()
        if given == {"income": 0.0}:
            assert (rows["income"] == 0).all()
        if given == {"income": between(low=2.0)}:
            assert (rows["income"] > 1.999).all()
        if given == {"income": between(high=9.0)}:
            assert (rows["income"] < 9.001).all()
            assert (rows["income"] == 0).any()


def test_the_evidence_of_a_condition_is_its_frequency_among_samples(density):
    """4,000 rows of the model: standard error below 0.05 nats."""
    drawn = density.sample(4000, random_state=5)
    share = ((drawn["visits"] >= 3) & (drawn["visits"] <= 5)).mean()
    c = density.condition({"visits": between(3, 5)})
    assert abs(c.log_evidence - np.log(share)) < 6 * (c.stderr + 0.02)
    c = density.posterior(lambda row: -0.5 * jnp.square((row["height"] - 170.0) / 2.0))
    r = np.exp(-0.5 * ((drawn["height"].to_numpy() - 170.0) / 2.0) ** 2)
    assert abs(c.log_evidence - np.log(r.mean())) < 6 * (c.stderr + 0.03)
    assert (
        abs(c.sample(200)["height"].mean() - np.average(drawn["height"].to_numpy(), weights=r))
        < 1.0
    )


def test_noise_is_reduced(density, df):
    rng = np.random.default_rng(2)
    truth = df.head(60)
    noisy = truth.with_columns(
        pl.Series("height", truth["height"].to_numpy() + 8 * rng.standard_normal(60))
    )
    found = density.denoise(
        noisy, {"height": 8.0}, random_state=0
    )  # noise leaves the lattice: no warning
    before, after = (
        np.mean((f["height"].to_numpy() - truth["height"].to_numpy()) ** 2) for f in (noisy, found)
    )
    assert after < 0.5 * before
    assert found.drop("height").equals(noisy.drop("height"))


def test_a_row_with_a_hole_is_scored_by_the_cells_that_are_there(density, df):
    """log p(others) = log sum over sex of p(sex, others)."""
    rows = df.head(6)
    hole = rows.with_columns(sex=pl.lit(None, pl.String))
    parts = [
        density.log_likelihood(rows.with_columns(sex=pl.lit(s)), "ais", 256).lower for s in "fm"
    ]
    found = density.log_likelihood(hole, "ais", 256)
    assert np.max(np.abs(found.lower - np.logaddexp(*parts)) / (found.stderr + 0.05)) < 6
    mixed = density.log_likelihood(pl.concat([rows, hole]), "ais", 256)
    np.testing.assert_allclose(
        mixed.lower[:6], density.log_likelihood(rows, "ais", 256).lower, rtol=1e-5
    )
    assert mixed.base_measure.endswith("of each row's observed cells alone")
    with pytest.raises(DataError, match=r"row 7, column 'sex'.*6 row.*upper side"):
        density.log_likelihood(pl.concat([rows, hole]), "sandwich")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"size": 3}, SchemaError, "unknown column"),
        ({"sex": "x"}, SchemaError, "no category"),
        ({"sex": ["x"]}, SchemaError, "unknown categories"),
        ({"sex": between(1, 2)}, SchemaError, "a range"),
        ({"visits": ["a"]}, SchemaError, "between"),
        ({"visits": between(5, 3)}, DataError, "no value lies"),
        ({"sex": {"f": 0.0}}, DataError, "weights"),
    ],
)
def test_bad_conditions(density, given, error, words):
    with pytest.raises(error, match=words):
        density.condition(given)


def test_impossible_evidence_returns_nothing(density):
    c = density.posterior(lambda row: jnp.where(row["visits"] > 1e6, 0.0, -jnp.inf))
    assert c.log_evidence == -np.inf
    with pytest.raises(QuasistaticError, match="impossible"):
        c.sample(3)


def test_r_that_is_nan_is_reported_once(density):
    c = density.posterior(lambda row: jnp.log(row["visits"] - 3.5), guided=False)
    with pytest.warns(UserWarning, match=r"NaN for \d+ of 256 rows"):
        rows = c.sample(5)
    assert (rows["visits"] > 3).all()
    assert np.isfinite(c.log_evidence)
    c.sample(2)  # a second warning would be an error


def test_a_value_far_outside_is_reported_with_its_figure(density):
    for given in ({"height": 900.0}, {"height": between(low=900)}, {"visits": between(high=-500)}):
        with pytest.warns(UserWarning, match=r"lies [\d.e+]+ standard deviations"):
            density.condition(given)


def test_bad_sigma(density, df):
    for sigma, words in (
        ({"height": 0.0}, "positive"),
        ({"sex": 1.0}, "no column of numbers"),
        ({}, "no column is noisy"),
    ):
        with pytest.raises(SettingError, match=words):
            density.denoise(df.head(2), sigma)


def test_a_condition_is_evidence_of_one_row(density):
    evidence, log_volume, measure = read_condition(
        density.fitted_.codec, {"income": 3.0, "sex": "f"}
    )
    assert (
        measure
        == "counting measure on sex; Lebesgue measure on income; point masses at 0 of income"
    )
    assert np.isfinite(log_volume)
    assert log_volume != 0
    assert all(leaf.ndim <= 2 for leaf in jax.tree.leaves(evidence))


@pytest.mark.slow
def test_fifty_random_conditions_return_what_was_asked(density, df):
    """Values and ranges taken from rows of the table: each has support, so every sample has its 20
    rows, all within the condition."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        row = df.row(int(rng.integers(len(df))), named=True)
        names = rng.choice(df.columns, size=rng.integers(1, 3), replace=False)
        given = {
            str(n): row[n]
            if n == "sex" or rng.random() < 0.5
            else between(row[n] - 2.0, row[n] + 2.0)
            for n in names
        }
        found = density.condition(given)
        drawn = found.sample(20, random_state=int(rng.integers(1 << 30)))
        assert len(drawn) == 20
        assert np.isfinite(found.log_evidence)
        for name, wanted in given.items():
            values = drawn[name]
            if name == "sex":
                held = values == wanted
            else:  # a value comes back within the rounding of float32
                held = (values.cast(pl.Float64) - row[name]).abs() <= (
                    2.001 if isinstance(wanted, Between) else 0.001 + 1e-4 * row[name]
                )
            assert held.all(), (name, wanted)
