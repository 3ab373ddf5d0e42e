"""The one kind that all pixels, or all places of a sequence, have: decided by all of them
together.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from quasistatic.data.columns._atoms import find_atoms
from quasistatic.data.columns._dtypes import dtype_text
from quasistatic.data.columns._lattice import float_lattice, integer_lattice
from quasistatic.data.layout import Layout
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table
from quasistatic.errors import DataError, SchemaError


def infer_arranged(table: Table, layout: Layout, overrides: dict[str, Any] | None = None) -> Schema:
    """The schema of images or sequences: as many equal columns as there are pixels or places.

    Images of uint8 with two levels are binary, with more of them integers (in steps, if all are),
    of floats densities. Sequences of integers have the states 0 .. largest; floats are a density,
    or lie on a lattice if all of them do.

    Args:
        table: table of the training rows.
        layout: layout of the table, of images or sequences.
        overrides: what the user fixed about columns (default None); there is nothing to fix here.

    Raises:
        SchemaError: there are overrides, or missing cells.
        DataError: all pixels are equal.
    """
    if overrides is not None:
        raise SchemaError(
            "a schema names the columns of a table, not pixels or places",
            where=table.source,
            fix="leave it out",
        )
    values = table.frame.to_numpy()
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise SchemaError(
            "some cells are missing", where=table.source, fix="fit on whole images or sequences"
        )
    dtype = dtype_text(table.frame.dtypes[0])
    column = (
        _place(values, dtype) if layout.kind == "sequence" else _pixel(values, dtype, table.source)
    )
    return Schema(tuple(replace(column, name=name) for name in layout.names), (), table.container)


def _pixel(values: np.ndarray, dtype: str, source: str) -> Column:
    if values.min() == values.max():
        raise DataError("all pixels are equal", where=source, fix="give images that differ")
    if values.dtype.kind == "f":
        return Column("", "continuous", dtype)
    levels = np.flatnonzero(np.bincount(values.reshape(-1), minlength=256)).tolist()
    if len(levels) == 2:
        return Column("", "binary", dtype, categories=tuple(levels))
    lattice = integer_lattice(np.asarray(levels), values.size)
    return Column("", "integer", dtype, float(lattice.step), int(lattice.offset), lower=0.0)


def _place(values: np.ndarray, dtype: str) -> Column:
    if values.dtype.kind != "f":
        n_states = max(int(values.max()) + 1, 2)
        return Column(
            "",
            "binary" if n_states == 2 else "categorical",
            dtype,
            categories=tuple(range(n_states)),
        )
    flat = values.astype(np.float64).reshape(-1)
    lattice = float_lattice(
        np.unique(flat), len(flat), 2.0**-23 if dtype == "Float32" else 2.0**-52
    )
    if lattice is None:
        return Column("", "continuous", dtype, atoms=find_atoms(flat, None))
    lower = 0.0 if flat.min() >= 0 else None
    return Column(
        "", "continuous", dtype, *lattice, atoms=find_atoms(flat, lattice.step), lower=lower
    )
