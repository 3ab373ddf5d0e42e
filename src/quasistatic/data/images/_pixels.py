"""Pixels <-> cells: all pixels of all images are one column, scaled by one constant."""

import math

import numpy as np
import polars as pl

from quasistatic.data.cells import Cells
from quasistatic.data.columns._coordinates import to_z
from quasistatic.data.columns.numbers import lattice_error, write_numbers
from quasistatic.data.columns.states import write_codes
from quasistatic.data.columns.transform import Affine, Transform
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.errors import SchemaError, warn

CHUNK = 2**22
"""Pixels taken at once: what they need on the way is not kept."""


def fit_pixels(table: Table, schema: Schema) -> tuple[Affine, float]:
    """`z = (x - mean) / sd` of the coordinates of all pixels, and the z-width of a grey level; 0
    for a density.

    The variance is that of the pixels with that of an even distribution within the cells, as in
    `images.PixelScale`.
    """
    column, pixels = schema.columns[0], table.frame.select(schema.names).to_numpy()
    mean, variance = (
        float(np.mean(pixels, dtype=np.float64)),
        float(np.var(pixels, dtype=np.float64)),
    )
    if column.step is None:
        return Affine(mean, math.sqrt(variance)), 0.0
    sd = math.sqrt(variance / column.step**2 + 1 / 12)
    return Affine((mean - column.offset) / column.step, sd), 1 / sd


def read_pixels(
    table: Table, schema: Schema, transform: Transform | None
) -> tuple[Cells, np.ndarray]:
    """Cells `[N, D]` and log-volume `[N]` of a table of images.

    Args:
        table: table of images, with the schema's columns.
        schema: schema of images.
        transform: transform of the grey levels; None for binary images.

    Raises:
        SchemaError: a level that a binary model does not know.
    """
    column = schema.columns[0]
    pixels = table.frame.select(schema.names).to_numpy()
    observed = ~np.isnan(pixels) if pixels.dtype.kind == "f" else np.ones(pixels.shape, bool)
    if transform is None:
        return Cells(_codes(pixels, observed, schema, table.source), observed), np.zeros(
            len(pixels)
        )
    value, log_volume = np.empty(pixels.shape, np.float32), np.empty(len(pixels))
    width = np.empty(pixels.shape, np.float32) if column.has_lattice else None
    between, size = 0, max(CHUNK // pixels.shape[1], 1)
    for begin in range(0, len(pixels), size):
        rows = slice(begin, begin + size)
        x = np.where(observed[rows], pixels[rows], 0.0).astype(np.float64)
        if column.step is not None:
            x = (x - column.offset) / column.step
            between += np.count_nonzero(np.abs(x - np.rint(x)) > lattice_error(column, x))
            x = np.rint(x)
        value[rows], widths, volume = to_z(x, observed[rows], column, transform)
        log_volume[rows] = volume.sum(axis=1)
        if width is not None:
            width[rows] = widths
    if between:
        warn(
            f"{table.source}: {between} pixel(s) lie between two grey levels and count as the"
            " nearest one"
        )
    return Cells(value, observed, width), log_volume


def _codes(pixels: np.ndarray, observed: np.ndarray, schema: Schema, source: str) -> np.ndarray:
    levels = np.asarray(schema.columns[0].categories)
    codes = np.clip(np.searchsorted(levels, pixels), 0, len(levels) - 1)
    unknown = observed & (levels[codes] != pixels)
    if unknown.any():
        row, place = np.argwhere(unknown)[0]
        raise SchemaError(
            f"the pixel {schema.names[place]} of image {row + 1} is {pixels[row, place]:g}; the"
            f" model knows the levels {', '.join(map(str, levels))} alone",
            where=source,
            fix="threshold the images as those that were fitted",
        )
    return np.where(observed, codes, 0).astype(np.int32)


def round_pixels(values: np.ndarray, schema: Schema, transform: Transform) -> pl.DataFrame:
    """The table of values `[N, D]` as floats: at the nearest level where there are levels, without
    limits.
    """
    column, x = schema.columns[0], transform.inverse(values.astype(np.float64))
    x = x if column.step is None else np.rint(x) * column.step + column.offset
    return pl.from_numpy(x, schema=list(schema.names), orient="row")


def write_pixels(
    values: np.ndarray, observed: np.ndarray | None, schema: Schema, transform: Transform | None
) -> pl.DataFrame:
    """The table of values or codes `[N, D]`, clipped to the levels there are; pixels that are not
    observed are missing.
    """
    column, flat = schema.columns[0], values.reshape(-1)
    if transform is None:
        series = write_codes(flat, column)
    else:
        with np.errstate(over="ignore"):  # clipped to the dtype
            series = write_numbers(transform.inverse(flat.astype(np.float64)), column)
    frame = pl.from_numpy(
        series.to_numpy().reshape(values.shape), schema=list(schema.names), orient="row"
    )
    if observed is None or observed.all():
        return frame
    return frame.with_columns(
        pl.when(pl.Series(observed[:, j])).then(pl.col(name)).alias(name)
        for j, name in enumerate(schema.names)
    )
