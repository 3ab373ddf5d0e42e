"""Columns with noise on them: which ones, and the cells they would be without it."""

from collections.abc import Collection

import numpy as np
import polars as pl

from quasistatic.data.codec import Codec
from quasistatic.data.columns.numbers import as_numbers, check_finite
from quasistatic.errors import SettingError


def of_all_numbers(codec: Codec, sigma: float) -> dict[str, float]:
    """The same sigma for every column of numbers.

    Raises:
        SettingError: there is none.
    """
    numbers = [c.name for c in codec.continuous if c.kind != "datetime"]
    if not numbers:
        raise SettingError(
            "the model has no column of numbers to remove noise from",
            fix="ask for imputations instead",
        )
    return dict.fromkeys(numbers, float(sigma))


def on_lattice(
    frame: pl.DataFrame, source: str, codec: Codec, noisy: Collection[str]
) -> pl.DataFrame:
    """The frame with noisy numbers at the nearest point of their column's lattice, where noise has
    moved them off it.

    Raises:
        SchemaError, DataError: cells that are no numbers, or infinite.
    """
    moved = {}
    for column in codec.continuous:
        if (
            column.name not in noisy
            or column.name not in frame.columns
            or column.step is None
            or column.unit
        ):
            continue
        numbers = as_numbers(frame[column.name], f"{source}, column {column.name!r}")
        check_finite(numbers, source)
        values = numbers.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        snapped = np.rint((values - column.offset) / column.step) * column.step + column.offset
        moved[column.name] = pl.Series(column.name, snapped).fill_nan(None)
    return frame.with_columns(moved.values())
