import numpy as np
import pytest

from quasistatic.data.rows import epoch_batches, split_validation


@pytest.mark.parametrize(("n", "size"), [(10, 3), (12, 4), (5, 16), (1, 1), (1, 8)])
def test_every_batch_is_full_and_every_row_is_there(n, size):
    batches = epoch_batches(n, size, seed=3, epoch=2)
    assert batches.dtype == np.int32
    assert batches.shape == (-(-n // size), size)
    assert set(batches.ravel().tolist()) == set(range(n))
    assert sorted(batches.ravel()[:n].tolist()) == list(range(n))


def test_a_batch_depends_on_seed_and_epoch_only():
    first = epoch_batches(100, 10, 0, 0)
    assert np.array_equal(first, epoch_batches(100, 10, 0, 0))
    assert not np.array_equal(first, epoch_batches(100, 10, 0, 1))
    assert not np.array_equal(first, epoch_batches(100, 10, 1, 0))


@pytest.mark.parametrize(
    ("n", "fraction", "expected"), [(100, 0.2, 20), (10, 0.0, 0), (2, 0.01, 1), (3, 0.99, 2)]
)
def test_split(n, fraction, expected):
    train, valid = split_validation(n, fraction, seed=1)
    assert len(valid) == expected
    assert sorted([*train, *valid]) == list(range(n))
    assert np.array_equal(valid, split_validation(n, fraction, seed=1)[1])


def test_bad_arguments():
    with pytest.raises(ValueError, match="positive"):
        epoch_batches(0, 5, 0, 0)
    with pytest.raises(ValueError, match="fraction"):
        split_validation(5, 1.0, 0)
