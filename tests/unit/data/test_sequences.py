import numpy as np
import pytest

from quasistatic.data._sequences import read_sequences
from quasistatic.errors import DataError


@pytest.mark.parametrize(
    ("array", "kind", "n_states"),
    [
        (np.array([[True, False], [False, False]]), "binary", 2),
        (np.array([[0, 1, 1]], np.uint8), "binary", 2),
        (np.zeros((2, 3), np.int64), "binary", 2),
        (np.array([[0, 4], [2, 1]]), "categorical", 5),
        (np.array([[0.5, -1.0]]), "real", 0),
    ],
)
def test_kinds(tmp_path, array, kind, n_states):
    np.save(tmp_path / "x.npy", array)
    found = read_sequences(tmp_path / "x.npy")
    assert (found.kind, found.n_states) == (kind, n_states)
    cells = found.cells()
    np.testing.assert_array_equal(cells.value, array)
    assert cells.value.dtype == (np.float32 if kind == "real" else np.int32)
    assert cells.observed.all()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), r"shape \(3,\) is no table"),
        (np.zeros((0, 3)), "is no table"),
        (np.array([[-1, 0]]), "from -1 to 0"),
        (np.array([[0, 300]]), "from 0 to 300"),
        (np.array([[np.inf]]), "not finite"),
    ],
)
def test_bad_sequences(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(DataError, match=message) as error:
        read_sequences(tmp_path / "x.npy")
    assert str(tmp_path / "x.npy") in str(error.value)
