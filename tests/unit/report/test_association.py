"""Normalised mutual information between columns of any kind."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import normalized_mutual_info_score

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.table import Table
from quasistatic.report._association import associate, normalised_mutual_information
from quasistatic.report._columns import read_column


def test_large_samples_agree_with_scikit_learn(rng):
    a = rng.integers(0, 5, 200_000)
    b = np.where(rng.random(len(a)) < 0.4, a, rng.integers(0, 7, len(a)))
    reference = normalized_mutual_info_score(a, b, average_method="geometric")
    assert normalised_mutual_information(a, b) == pytest.approx(reference, abs=1e-3)
    assert 0.05 < reference < 0.5


def test_it_is_symmetric_and_one_for_a_renaming(rng):
    a, b = rng.integers(0, 6, 500), rng.integers(0, 3, 500)
    assert normalised_mutual_information(a, b) == pytest.approx(
        normalised_mutual_information(b, a), abs=1e-12
    )
    assert normalised_mutual_information(a, (a * 5 + 2) % 6) == pytest.approx(1, abs=1e-12)


def test_what_chance_alone_would_give_is_taken_off(rng):
    """400 rows in 8 x 8 bins: without the correction independent columns would seem associated."""
    pairs = [(rng.integers(0, 8, 400), rng.integers(0, 8, 400)) for _ in range(100)]
    plain = np.mean(
        [normalized_mutual_info_score(a, b, average_method="geometric") for a, b in pairs]
    )
    assert plain > 0.025
    assert np.mean([normalised_mutual_information(a, b) for a, b in pairs]) < 0.005


def test_only_rows_with_both_cells_count(rng):
    a = rng.integers(0, 4, 1000)
    b = np.where(np.arange(1000) < 300, -1, a)
    assert normalised_mutual_information(a, b) == pytest.approx(1, abs=1e-12)
    assert np.isnan(normalised_mutual_information(a, np.full(1000, -1)))


def test_a_column_that_does_not_vary_has_no_association(rng):
    assert np.isnan(normalised_mutual_information(np.zeros(50, int), rng.integers(0, 4, 50)))


def test_mixed_columns_and_the_widest_pairs(rng):
    n = 1000
    group = rng.integers(0, 3, n)
    real = pl.DataFrame(
        {
            "group": np.array(["a", "b", "c"])[group],
            "size": group * 10 + rng.normal(size=n),
            "noise": rng.normal(size=n),
        }
    )
    shuffled = real.with_columns(pl.col("size").shuffle(seed=1))
    columns = list(infer_schema(Table(real)).columns)
    read = lambda frame: [read_column(Table(frame), column) for column in columns]  # noqa: E731
    found = associate(columns, read(real), read(shuffled))
    assert found.real[0, 1] > 0.6
    assert found.sampled[0, 1] < 0.05
    assert found.real[0, 2] < 0.05
    assert found.widest(1)[0][:2] == ("group", "size")
    assert found.widest(99)[0][2:] == (found.real[0, 1], found.sampled[0, 1])
    assert len(found.widest(99)) == 3
    assert associate(columns, None, read(real)).widest(5) == []
