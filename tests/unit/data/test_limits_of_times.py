"""Limits of dates, times of day and durations: found like those of numbers, and held in the model's
space by the outer edges of the first and the last cell."""

from datetime import date, time, timedelta

import numpy as np
import polars as pl
import pytest

from quasistatic.data.codec import Codec
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.table import Table, from_frame

N = 600
RNG = np.random.default_rng(0)
FIRST = date(2024, 1, 1)
BOTH = ("lower", "upper")


def days(numbers: np.ndarray) -> list[date]:
    return [FIRST + timedelta(int(n)) for n in numbers]


def months(numbers: np.ndarray) -> list[date]:
    return [date(2020 + int(n) // 12, int(n) % 12 + 1, 1) for n in numbers]


HOURS = [time(int(h)) for h in np.minimum(RNG.poisson(3, N), 23)]
EVERY = {
    "capped": (days(np.minimum(RNG.integers(0, 120, N), 90)), (None, 19813), ("upper",)),
    "floored": (days(np.maximum(RNG.integers(-20, 100, N), 0)), (19723, None), ("lower",)),
    "free": (days(RNG.integers(0, 120, N)), (None, None), ()),
    "month": (months(np.minimum(RNG.integers(0, 40, N), 30)), (None, 630), ("upper",)),
    "hour": (HOURS, (0, 23), BOTH),
    "quarter": ([time(9, int(m)) for m in RNG.choice([0, 15, 30, 45], N)], (0, 1439), BOTH),
    "took": ([timedelta(minutes=int(m)) for m in RNG.poisson(1, N)], (0, None), ("lower",)),
    "number": (np.minimum(RNG.integers(0, 120, N), 90).tolist(), (0, 90), BOTH),
}


def codec_of(cells) -> Codec:
    table = from_frame(pl.DataFrame({"x": cells}))
    return fit_codec(table, infer_schema(table))


@pytest.mark.parametrize("name", EVERY)
def test_limits_of_times_are_found_and_the_cells_between_them_have_all_the_mass(name):
    cells, limits, held = EVERY[name]
    codec = codec_of(cells)
    column = codec.schema.columns[0]
    assert (column.lower, column.upper, column.held) == (*limits, held)
    if not held:
        assert codec.limits is None
        return
    low, high = codec.limits[:, 0]
    (encoded,) = codec.encode(Table(pl.DataFrame({"x": cells}), "the cells")).rows[:1]
    value, width = np.asarray(encoded.value[:, 0]), np.asarray(encoded.width[:, 0])
    assert not codec.beyond((encoded,)).any()
    if "lower" in held and name != "quarter":
        assert low == pytest.approx((value - width / 2).min(), abs=1e-5)
    if "upper" in held and name in ("capped", "month", "number"):
        assert high == pytest.approx((value + width / 2).max(), abs=1e-5)


def test_what_lies_beyond_the_limits_of_times_is_written_at_them():
    for name in ("capped", "month", "hour", "took"):
        cells, _, held = EVERY[name]
        codec = codec_of(cells)
        written = codec.decode([np.full((2, 1), [[-60.0], [60.0]], np.float32)])["x"]
        if "lower" in held:
            assert written[0] == min(cells)
        if name in ("capped", "month"):
            assert written[1] == max(cells)
    assert codec_of(HOURS).decode([np.full((1, 1), 60.0, np.float32)])["x"][0] == time(23)
