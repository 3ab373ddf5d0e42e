"""How many rows go side by side."""

from types import SimpleNamespace

import pytest

from quasistatic.trajectory import rows_at_once


def of_width(n_columns: int) -> SimpleNamespace:
    return SimpleNamespace(forward=SimpleNamespace(n_columns=n_columns))


@pytest.mark.parametrize(
    ("n_columns", "n_rows", "walks", "size"),
    [
        (10, 1, 1, 64),
        (10, 64, 1, 64),
        (10, 65, 1, 128),
        (10, 5_000, 1, 1024),  # narrow: few sizes
        (784, 1, 1, 2),
        (784, 3, 1, 4),
        (784, 5_000, 1, 167),
        (10**6, 5_000, 1, 16),  # wide: no idle images
        (10, 1, 16, 4),
        (10, 5_000, 16, 64),
        (10, 5_000, 4096, 1),
        (784, 1, 16, 1),  # particles
    ],
)
def test_rows_at_once(n_columns, n_rows, walks, size):
    assert rows_at_once(of_width(n_columns), n_rows, 1024, walks=walks) == size
