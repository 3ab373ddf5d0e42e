"""A density of the free columns is one of the table: probabilities of the rows that the constraints
allow sum to 1, and lower <= exact <= upper."""

import itertools

import numpy as np
import polars as pl
import pytest

from laws.enumeration import Chain
from quasistatic import DiffusionDensity, between, load
from quasistatic.data.columns.alternatives import infer_schemas
from quasistatic.data.constraints.tied import with_constraints
from quasistatic.data.table import from_frame
from unit.conftest import TINY, no_training

CITIES = {"Paris": "FR", "Lyon": "FR", "Bonn": "DE"}


@pytest.fixture(scope="module")
def discrete():
    """A model with random weights of a dependency and of pairs; 3 x 4 allowed rows of 24."""
    rng = np.random.default_rng(0)
    city = rng.choice(list(CITIES), 60)
    pair = rng.choice(["ax", "ay", "bx", "cy"], 60)
    frame = pl.DataFrame(
        {
            "city": city,
            "make": [p[0] for p in pair],
            "country": [CITIES[c] for c in city],
            "model": [p[1] for p in pair],
        }
    )
    constraints = ["city determines country", "combinations of make, model"]
    table = from_frame(frame)
    schemas = with_constraints(table, infer_schemas(table), constraints)
    with no_training(scale=1.0):
        model = DiffusionDensity(**TINY | {"max_minutes": 1}).fit(frame, schema=schemas)
    rows = [(c, p[0], CITIES[c], p[1]) for c, p in itertools.product(CITIES, set(pair))]
    return model, pl.DataFrame(sorted(rows), schema=frame.columns, orient="row")


@pytest.fixture(scope="module")
def sums():
    """A model with random weights of a total and its parts, a count and a flag: the total is none
    of the model's columns. The count's values are no states: few are large."""
    rng = np.random.default_rng(2)
    a, b = rng.poisson(1.0, 60), rng.integers(0, 2, 60)
    frame = pl.DataFrame({"total": a + b, "a": a, "b": b})
    table = from_frame(frame)
    schemas = with_constraints(table, infer_schemas(table), ["total = a + b"])
    with no_training(scale=0.3):
        model = DiffusionDensity(**TINY | {"max_minutes": 1}).fit(frame, schema=schemas)
    rows = [(i + j, i, j) for i, j in itertools.product(range(40), range(2))]
    return model, pl.DataFrame(rows, schema=frame.columns, orient="row")


def exact(model, rows) -> np.ndarray:
    encoded = model.fitted_.encode(from_frame(rows))
    width = next((c.width for c in encoded.rows if c.width is not None), 0.0)
    return Chain(model.model_).log_prob(tuple(cells.value for cells in encoded.rows), width)


@pytest.mark.parametrize("which", ["discrete", "sums"])
def test_probabilities_of_the_allowed_rows_sum_to_one_and_lie_between_the_bounds(which, request):
    model, rows = request.getfixturevalue(which)
    log_p = exact(model, rows)
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-5)
    rows, log_p = rows[:12], log_p[:12]
    found = model.log_likelihood(rows, "sandwich", trajectories=256, random_state=0)
    error = 6 * np.hypot(found.stderr, 1e-3)
    assert found.upper is not None
    assert found.stderr_upper is not None
    assert np.all(found.lower <= log_p + error)
    assert np.all(found.upper >= log_p - 6 * np.hypot(found.stderr_upper, 1e-3))


def test_a_cell_beside_the_model_counts_all_rows_that_have_it(discrete):
    model, rows = discrete
    log_p = exact(model, rows)
    asked = pl.DataFrame(
        {
            "city": [None, None],
            "make": ["a", None],
            "country": ["FR", "DE"],
            "model": [None, "y"],
        },
        schema=rows.schema,
    )
    told = [
        [i for i, row in enumerate(rows.rows()) if row[1] == "a" and row[2] == "FR"],
        [i for i, row in enumerate(rows.rows()) if row[3] == "y" and row[2] == "DE"],
    ]
    truth = [np.log(np.exp(log_p[index]).sum()) for index in told]
    found = model.log_likelihood(asked, "ais", trajectories=512, random_state=1)
    np.testing.assert_allclose(found.lower, truth, atol=0.1)
    given = {"country": "FR", "make": "a"}
    assert model.condition(given).log_evidence == pytest.approx(truth[0], abs=0.1)


@pytest.fixture(scope="module")
def stays() -> DiffusionDensity:
    """A mixture, which answers exactly, of whole numbers; the rows it allows are few."""
    rng = np.random.default_rng(1)
    start = rng.binomial(8, 0.5, 400)
    frame = pl.DataFrame({"start": start, "end": start + rng.binomial(5, 0.3 + 0.05 * start)})
    return DiffusionDensity(model="mixture", components=2, random_state=0).fit(
        frame, constraints=["end >= start"]
    )


def grid(model) -> tuple[pl.DataFrame, np.ndarray]:
    pairs = [(s, e) for s in range(-6, 20) for e in range(s, s + 20)]
    rows = pl.DataFrame(pairs, schema=["start", "end"], orient="row")
    return rows, model.log_likelihood(rows, "ais", trajectories=1).lower


def test_the_probabilities_of_the_rows_of_an_order_sum_to_1(stays):
    """The difference ends at 0 within the model: nothing lies below the order."""
    _, log_p = grid(stays)
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-4)


def test_the_end_of_a_row_without_a_start_is_summed_over_starts(stays):
    rows, log_p = grid(stays)
    ends = [3, 6, 9]
    truth = [np.log(np.exp(log_p[(rows["end"] == e).to_numpy()]).sum()) for e in ends]
    asked = pl.DataFrame({"start": [None] * 3, "end": ends}, schema=rows.schema)
    found = stays.log_likelihood(asked, "ais", trajectories=256, random_state=0)
    assert np.all(np.abs(found.lower - truth) < 5 * found.stderr), (found, truth)
    assert found.stderr.max() < 0.3
    drawn = stays.impute(asked, 200, random_state=0)
    starts = np.array([table["start"].to_list() for table in drawn])
    for j, end in enumerate(ends):
        here = (rows["end"] == end).to_numpy()
        weights = np.exp(log_p[here] - truth[j])
        mean = float(weights @ rows["start"].to_numpy()[here])
        assert starts[:, j].max() <= end
        assert starts[:, j].mean() == pytest.approx(mean, abs=0.6)


@pytest.fixture(scope="module")
def shares() -> tuple[DiffusionDensity, pl.DataFrame, np.ndarray]:
    """A mixture, which answers exactly, of twentieths that sum to 1; all rows it allows, and their
    log p."""
    rng = np.random.default_rng(3)
    alpha = np.array([[4, 1, 1], [1, 2, 4]])[rng.integers(0, 2, 300)]
    parts = np.array([rng.multinomial(20, rng.dirichlet(a)) for a in alpha]) / 20
    frame = pl.DataFrame({"p": parts[:, 0], "q": parts[:, 1], "s": parts[:, 2]})
    settings = {"model": "mixture", "components": 2, "random_state": 0}
    model = DiffusionDensity(**settings).fit(frame, constraints=["p + q + s = 1"])
    assert model.fitted_.ties.bounded == ("s",), "the others leave s less than nothing now and then"
    parts = [(i, j, 20 - i - j) for i in range(21) for j in range(21 - i)]
    rows = pl.DataFrame(np.array(parts) / 20, schema=frame.columns)
    return model, rows, model.log_likelihood(rows, "ais", trajectories=1).lower


def error_of_room(model: DiffusionDensity) -> float:
    """Standard error of log q(R), by the draws that it was measured with."""
    share = np.exp(model.fitted_.ties.log_share)
    return float(np.sqrt((1 - share) / (share * 2**15)))


def test_the_probabilities_of_shares_sum_to_1_and_are_those_of_samples(shares):
    model, rows, log_p = shares
    assert model.fitted_.ties.log_share < -0.02
    beyond = pl.DataFrame({"p": [0.75], "q": [0.5], "s": [-0.25]})
    with pytest.warns(UserWarning, match="beyond a limit that the model holds"):
        assert model.log_likelihood(beyond, "ais", trajectories=1).lower[0] == -np.inf
    assert np.log(np.exp(log_p).sum()) == pytest.approx(0.0, abs=5 * error_of_room(model) + 1e-4)
    n = 20_000
    drawn = model.sample(n, random_state=1)
    index = {
        tuple(np.rint(np.multiply(row, 20)).astype(int)): i for i, row in enumerate(rows.rows())
    }
    found = [index[tuple(np.rint(np.multiply(row, 20)).astype(int))] for row in drawn.rows()]
    p = np.exp(log_p)
    z = np.bincount(found, minlength=len(p)) - n * p
    z = z / np.sqrt(n * p * (1 - p) + np.square(n * p * error_of_room(model)))
    assert np.abs(z[n * p > 20]).max() < 5.7  # 231 cells: a false alarm in a million


def test_a_row_of_shares_with_holes_is_summed_over_what_its_others_leave(shares):
    model, rows, log_p = shares
    cells = {"p": [0.7, None], "q": [None, None], "s": [None, 0.2]}
    asked = pl.DataFrame(cells, schema=rows.schema)
    told = [np.isclose(rows["p"], 0.7), np.isclose(rows["s"], 0.2)]
    truth = [np.log(np.exp(log_p[index]).sum()) for index in told]
    found = model.log_likelihood(asked, "ais", trajectories=512, random_state=0)
    assert np.all(np.abs(found.lower - truth) < 5 * np.hypot(found.stderr, 1e-3)), (found, truth)
    given = model.condition({"p": 0.7})
    drawn = given.sample(100, random_state=0)
    assert given.log_evidence == pytest.approx(truth[0], abs=0.1)
    assert drawn["s"].min() >= 0
    assert drawn["q"].max() <= 0.3 + 1e-9
    below = np.exp(log_p[(rows["s"] < 0.099).to_numpy()]).sum()
    asked = model.condition({"s": between(high=0.1, closed="neither")})
    assert asked.log_evidence == pytest.approx(np.log(below), abs=0.15), "0 belongs to it"


def test_a_model_of_shares_is_the_same_from_its_folder(shares, tmp_path):
    model, rows, log_p = shares
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    np.testing.assert_array_equal(again.log_likelihood(rows, "ais", trajectories=1).lower, log_p)
    assert again.sample(50, random_state=2).equals(model.sample(50, random_state=2))
