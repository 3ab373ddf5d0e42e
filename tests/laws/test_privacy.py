"""What tells training rows from a hold-out: distances by hand, the error of a share by enumeration,
a sampler that memorises, and one that does not. NumPy alone."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.table import from_frame
from quasistatic.fitted import _nearest
from quasistatic.fitted._nearest import guess_errors, nearest, nearest_shares, records
from quasistatic.fitted.leaks import guess, membership, nearer


def mixed_rows(rng, n: int) -> pl.DataFrame:
    """A number, one on a lattice, a category and a flag; holes in all but the flag."""
    return pl.DataFrame(
        {
            "x": pl.Series([None if rng.random() < 0.2 else v for v in rng.normal(size=n)]),
            "k": pl.Series([None if rng.random() < 0.1 else int(v) for v in rng.poisson(4, n)]),
            "c": pl.Series(
                [None if rng.random() < 0.2 else v for v in rng.choice(["a", "b", "c"], n)],
                dtype=pl.Enum(["a", "b", "c"]),
            ),
            "f": pl.Series(rng.random(n) < 0.5),
        }
    )


def by_hand(rows: pl.DataFrame, others: pl.DataFrame, real: pl.DataFrame) -> np.ndarray:
    """Distances of cells, `[M, N, D]`, as the module says them."""
    found = np.zeros((len(rows), len(others), 4))
    for j, name in enumerate(rows.columns):
        number = name in "xk"
        if number:
            known = real[name].drop_nulls().to_numpy()
            low, high = np.quantile(known, [0.05, 0.95])
        for i, a in enumerate(rows[name]):
            for k, b in enumerate(others[name]):
                if a is None or b is None:
                    found[i, k, j] = float((a is None) != (b is None))
                else:
                    found[i, k, j] = min(abs(a - b) / (high - low), 1) if number else a != b
    return found


@pytest.fixture
def tables(rng):
    return [mixed_rows(rng, n) for n in (60, 30, 25)]


@pytest.mark.parametrize("block", [2**19, 130, 1])
def test_nearest_records_and_guesses_are_those_found_by_hand(tables, block, monkeypatch):
    monkeypatch.setattr(_nearest, "_CELLS", block)
    train, holdout, drawn = tables
    schema = infer_schema(from_frame(pl.concat([train, holdout])))
    assert [column.is_discrete for column in schema.columns] == [False, False, True, True]
    seen, unseen, made = records(schema, [from_frame(t) for t in tables], real=2)
    cells = by_hand(drawn, train, pl.concat([train, holdout]))
    np.testing.assert_allclose(nearest(made, seen), cells.sum(2).min(1) / 4, atol=1e-12)
    assert np.all(nearest(seen, seen) == 0)
    total = cells.sum(2)
    ties = np.abs(total - total.min(1, keepdims=True)) < 1e-9
    shares = (ties / ties.sum(1, keepdims=True)).mean(0)
    np.testing.assert_allclose(nearest_shares(made, seen), shares, atol=1e-12)

    cells = by_hand(holdout, drawn, pl.concat([train, holdout]))
    errors = guess_errors(unseen, made)
    for j, name in enumerate(holdout.columns):
        others = np.delete(cells, j, axis=2).sum(2)
        ties = np.abs(others - others.min(1, keepdims=True)) < 1e-9
        wanted = (cells[..., j] * ties).sum(1) / ties.sum(1)
        holes = holdout[name].is_null().to_numpy()
        np.testing.assert_array_equal(np.isnan(errors[:, j]), holes)
        np.testing.assert_allclose(errors[~holes, j], wanted[~holes], atol=1e-12)


def test_the_error_of_a_share_is_that_over_all_ways_to_choose_the_training_rows(rng):
    shares = rng.dirichlet(np.full(9, 0.3))
    found = []
    for chosen in combinations(range(9), 4):
        order = [*chosen, *(i for i in range(9) if i not in chosen)]
        found.append(nearer(shares[order], 4, 10))
    assert np.mean([one.share for one in found]) == pytest.approx(4 / 9, abs=1e-12)
    assert np.std([one.share for one in found]) == pytest.approx(found[0].stderr, rel=1e-9)
    assert found[0].expected == 4 / 9


def shared_out(rng, drawn: np.ndarray, real: np.ndarray, train: int):
    def of(rows):
        return _nearest.Records(rows, np.ones(rows.shape, bool))

    return nearer(nearest_shares(of(drawn), of(real)), train, len(drawn))


def test_a_sampler_that_repeats_training_rows_is_found_and_one_that_does_not_is_not():
    """Unequal tables, 200 trials: the standardised shares of independent draws have mean 0 and
    variance 1 (5 standard errors: false alarms below 1e-6); each of a tenth of repeated rows is
    found."""
    rng = np.random.default_rng(3)
    z, found = [], []
    for _ in range(200):
        real, drawn = rng.normal(size=(90, 3)) / 4, rng.normal(size=(50, 3)) / 4
        one = shared_out(rng, drawn, real, 60)
        z.append((one.share - one.expected) / one.stderr)
        drawn[:20] = real[:20] + 0.001 * rng.normal(size=(20, 3))
        one = shared_out(rng, drawn, real, 60)
        found.append((one.share - one.expected) / one.stderr)
    assert abs(np.mean(z)) < 5 / 200**0.5
    assert abs(np.var(z) - 1) < 5 * (2 / 200) ** 0.5
    assert np.mean(np.array(found) > 1.0) > 0.9
    assert np.mean(found) > 2.0


def test_the_area_under_the_curve_is_the_share_of_pairs_and_its_error_is_delongs(rng):
    train, holdout = rng.integers(0, 9, 40) + 1.0, rng.integers(0, 9, 30) + 0.0
    pairs = (train[:, None] > holdout) + 0.5 * (train[:, None] == holdout)
    found = membership(train, holdout)
    assert found.auc == pytest.approx(pairs.mean(), abs=1e-12)
    variance = pairs.mean(1).var(ddof=1) / 40 + pairs.mean(0).var(ddof=1) / 30
    assert found.auc_stderr == pytest.approx(variance**0.5, abs=1e-12)
    assert found.gap == pytest.approx(train.mean() - holdout.mean(), abs=1e-12)
    assert found.rows == (40, 30)


def test_guesses_are_compared_where_there_are_cells():
    found = guess(np.array([0.0, 1.0, np.nan]), np.array([1.0, 1.0]))
    assert found[:3] == (0.5, 1.0, 0.5)
    assert found.stderr == pytest.approx(0.5)
    assert np.isnan(guess(np.array([np.nan]), np.array([1.0])).advantage)
