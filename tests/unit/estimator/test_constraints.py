"""A density of a table with constraints: exact in samples, fillings and conditions, and stored."""

import datetime

import numpy as np
import polars as pl
import pytest

from quasistatic import DataError, DiffusionDensity, SchemaError, SettingError, between, load
from quasistatic.data.constraints.violations import violations
from quasistatic.data.table import from_frame

CONSTRAINTS = ["end > start", "total = a + b", "city determines country", "p + q + r = 1"]
COUNTRIES = {"Paris": "FR", "Lyon": "FR", "Bonn": "DE", "Kiel": "DE"}


def stays(n=250) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    start = rng.integers(0, 300, n)
    length = 1 + rng.poisson(3, n)
    a, b = rng.gamma(2, 10, n).round(1), rng.gamma(2, 5, n).round(1)
    shares = rng.multinomial(20, [0.2, 0.3, 0.5], n) / 20
    city = rng.choice(list(COUNTRIES), n)

    def days(k):
        return [datetime.date(2020, 1, 1) + datetime.timedelta(int(i)) for i in k]

    return pl.DataFrame(
        {
            "start": days(start),
            "end": days(start + length),
            "total": (a + b).round(1),
            "a": a,
            "b": b,
            "city": city,
            "country": [COUNTRIES[c] for c in city],
            "p": shares[:, 0],
            "q": shares[:, 1],
            "r": (1 - shares[:, 0] - shares[:, 1]).round(2),
        }
    )


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return stays()


@pytest.fixture(scope="module")
def model(frame) -> DiffusionDensity:
    settings = {"model": "mixture", "components": 3, "random_state": 0}
    return DiffusionDensity(**settings).fit(frame, constraints=CONSTRAINTS)


def violated(model, table) -> int:
    """Rows that some constraint does not allow; written out, so that the code is not its own
    judge."""
    bad = (
        (pl.col("end") <= pl.col("start"))
        | ((pl.col("a") + pl.col("b")).round(1) != pl.col("total"))
        | (pl.col("city").replace_strict(COUNTRIES) != pl.col("country"))
        | ((pl.col("p") + pl.col("q") + pl.col("r")).round(2) != 1)
        | (pl.min_horizontal("p", "q", "r") < 0)
    )
    written_out = table.filter(bad).height
    assert written_out == violations(model.fitted_.ties, from_frame(table)).sum()
    return written_out


def test_samples_keep_the_constraints_columns_and_dtypes(model, frame):
    drawn = model.sample(5000, random_state=1)
    assert drawn.schema == frame.schema
    assert violated(model, drawn) == 0


def test_what_is_determined_adds_nothing_to_log_p(model, frame):
    assert model.schema_.base_measure().endswith(
        "; determined by others, adding nothing: total, r, country"
    )
    free = frame.select("start", "end", "a", "b", "city", "p", "q")
    alone = DiffusionDensity(model="mixture", components=3, random_state=0)
    alone.fit(free, constraints=["end > start"])
    np.testing.assert_allclose(
        alone.score_samples(free[:9]), model.score_samples(frame[:9]), atol=1e-4
    )


def test_holes_are_filled_without_violations_and_known_cells_stay(model, frame):
    rng = np.random.default_rng(2)
    holed = frame[:60].with_columns(
        pl.when(pl.Series(rng.random(60) < 0.6)).then(pl.col(name)).alias(name)
        for name in frame.columns
    )
    for filled in model.impute(holed, 2, random_state=0):
        assert violated(model, filled) == 0
        for name in frame.columns:
            known = holed[name].is_not_null()
            assert filled[name].filter(known).equals(holed[name].filter(known)), name
    scores = model.log_likelihood(holed, random_state=0)
    assert np.all(np.isfinite(scores.lower))


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"end - start": between(high=3)}, (pl.col("end") - pl.col("start")).dt.total_days() <= 3),
        ({"country": "DE"}, pl.col("country") == "DE"),
        ({"city": ["Paris", "Bonn"], "country": ["FR"]}, pl.col("city") == "Paris"),
        (
            {"start": "2020-03-01", "end": between("2020-03-04", "2020-03-06", "neither")},
            pl.col("end") == datetime.date(2020, 3, 5),
        ),
        ({"total": 30.0, "a": 20.0}, pl.col("b") == 10.0),
    ],
)
def test_conditions_hold_exactly(model, given, holds):
    found = model.condition(given)
    drawn = found.sample(200, random_state=0)
    assert violated(model, drawn) == 0
    assert drawn.filter(~holds).height == 0
    assert np.isfinite(found.log_evidence)


def test_a_form_of_columns_that_are_not_known_is_met_by_particles(model):
    found = model.condition({"end": between("2020-03-01", "2020-05-01")})
    drawn = found.sample(100, random_state=0)
    assert violated(model, drawn) == 0
    assert drawn["end"].min() >= datetime.date(2020, 3, 1)
    assert drawn["end"].max() <= datetime.date(2020, 5, 1)
    plain = model.sample(20000, random_state=0)["end"]
    share = plain.is_between(datetime.date(2020, 3, 1), datetime.date(2020, 5, 1)).mean()
    assert found.log_evidence == pytest.approx(np.log(share), abs=6 * found.stderr + 0.06)


def test_contradicting_conditions_are_refused(model):
    with pytest.raises(DataError, match="violate the constraint 'end > start'"):
        model.condition({"start": "2020-03-02", "end": "2020-03-01"})
    with pytest.raises(DataError, match=r"no value|is 3, by what"):
        model.condition({"start": "2020-03-01", "end": "2020-03-04", "end - start": between(5, 9)})
    with pytest.raises(SchemaError, match=r"unknown column\(s\): 'nobody'"):
        model.condition({"nobody": 3})


def test_a_saved_model_has_its_constraints(model, frame, tmp_path):
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.schema_ == model.schema_
    assert again.sample(50, random_state=3).equals(model.sample(50, random_state=3))
    np.testing.assert_array_equal(again.score_samples(frame[:5]), model.score_samples(frame[:5]))
    fitted = DiffusionDensity(model="mixture", components=2, random_state=0)
    assert fitted.fit(frame, schema=model.schema_).schema_.constraints == tuple(CONSTRAINTS)


def test_rows_that_violate_cannot_be_scored(model, frame):
    bad = frame[:3].with_columns(total=pl.lit(1.0))
    with pytest.raises(DataError, match=r"3 row\(s\) violate the constraint 'total = a \+ b'"):
        model.score_samples(bad)


def test_noise_is_taken_away_beside_constraints(model):
    frame = stays(250)[:6]
    with pytest.raises(SettingError, match="the constraints tie 'total' to other columns"):
        model.denoise(frame, sigma={"total": 1.0})
    rng = np.random.default_rng(0)
    a = rng.normal(size=200).round(2)
    truth = pl.DataFrame({"a": a, "b": (a + rng.gamma(2, 1, 200)).round(2), "x": 2 * a})
    settings = {"model": "mixture", "components": 3, "random_state": 0}
    other = DiffusionDensity(**settings).fit(truth, constraints=["b >= a"])
    noisy = truth[:30].with_columns(x=pl.col("x") + rng.normal(size=30))
    found = other.denoise(noisy, sigma={"x": 1.0}, random_state=0)
    assert found.drop("x").equals(truth[:30].drop("x"))
    errors = [(one["x"] - truth["x"][:30]).abs().mean() for one in (noisy, found)]
    assert errors[1] < 0.8 * errors[0]


def test_unique_rows(tmp_path):
    """Of 6 x 100 pairs 150 are wanted; the identifier is not modelled."""
    rng = np.random.default_rng(0)
    n = 150
    pairs = rng.choice(600, n, replace=False)
    table = pl.DataFrame(
        {"id": np.arange(n) + 1000, "shop": [f"s{k % 6}" for k in pairs], "day": pairs // 6}
    )
    settings = {"model": "mixture", "components": 2, "random_state": 0}
    unique = ["unique id", "unique shop, day"]
    model = DiffusionDensity(**settings).fit(table, constraints=unique)
    assert model.schema_.constraints == tuple(unique)
    assert model.schema_.names == ("shop", "day")
    loose = DiffusionDensity(**settings).fit(table)
    one = table.head(1).drop("id")
    assert model.score_samples(one) == pytest.approx(loose.score_samples(one), abs=1e-5)
    assert loose.sample(n, random_state=1).is_duplicated().sum() > 0
    drawn = model.sample(n, random_state=1)
    assert drawn.height == n
    assert drawn.is_duplicated().sum() == 0
    with pytest.raises(DataError, match=r"9000 rows are to differ in 'shop', 'day', and the model"):
        model.sample(9000, random_state=1)
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").sample(n, random_state=1).equals(drawn)
    with pytest.raises(DataError, match=r"144 row\(s\) repeat an earlier one in 'unique shop': "):
        DiffusionDensity(**settings).fit(table, constraints=["unique shop"])
