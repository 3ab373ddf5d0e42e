"""Table <-> blocks of cells, with the exact log-volume; see docs/architecture.md, "A row".

log p(row, the data's units) = log p(cells, the model's units) + log_volume
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from quasistatic.data.cells import Cells, EncodedTable
from quasistatic.data.columns._coordinates import (
    at_atoms,
    atom_codes,
    read_on_lattice,
    to_z,
    z_limits,
)
from quasistatic.data.columns.numbers import write_numbers
from quasistatic.data.columns.states import read_codes, write_codes
from quasistatic.data.columns.transform import Transform, transform_from_json
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.images._pixels import read_pixels, round_pixels, write_pixels
from quasistatic.data.layout import are_images
from quasistatic.data.reading import read_as, table_of
from quasistatic.data.schema import Column, Schema
from quasistatic.data.stored import check_codec, check_parts
from quasistatic.data.table import Table
from quasistatic.errors import SchemaError

__all__ = ["Codec", "Place", "check_columns"]


class Place(NamedTuple):
    """Where a column lies in a row.

    Args:
        block: number of the block.
        index: number of the cell in the block.
    """

    block: int
    index: int


@dataclass(frozen=True)
class Codec:
    """The fitted map between tables and blocks.

    Numbers (the continuous columns) share the first block, if there are any. States share the last
    one: the discrete columns, then the atoms, which say at which atom of its column a number is, 0
    where at none. Ask `numbers`, `states` and `places` for them.

    Args:
        schema: schema of the table's columns.
        transforms: transform of each continuous column, from its coordinate (see `numbers`) to z.
        marginals: state frequencies of each discrete column in training, with +1/2 for each state.
        typical_width: float `[Dc]`, median z-width of the cells; 0 for a density.
    """

    schema: Schema
    transforms: tuple[Transform, ...]
    marginals: tuple[np.ndarray, ...]
    typical_width: np.ndarray

    @cached_property
    def continuous(self) -> tuple[Column, ...]:
        """The schema's columns in the block of numbers."""
        return tuple(c for c in self.schema.columns if not c.is_discrete)

    @cached_property
    def discrete(self) -> tuple[Column, ...]:
        """The schema's columns in the block of states; the atoms follow them there."""
        return tuple(c for c in self.schema.columns if c.is_discrete)

    @cached_property
    def with_atoms(self) -> tuple[Column, ...]:
        """The continuous columns that have atoms."""
        return tuple(c for c in self.continuous if c.atoms)

    @property
    def numbers(self) -> int | None:
        """The block of the numbers, None where there are none."""
        return 0 if self.continuous else None

    @property
    def states(self) -> int | None:
        """The block of the states, None where there are none."""
        if not self.discrete and not self.with_atoms:
            return None
        return 1 if self.continuous else 0

    def places(self, name: str) -> tuple[Place, ...]:
        """Where a column of the schema lies in a row: the place of its number, and of its atom if
        it has atoms; or the place of its state.

        Args:
            name: name of the column.

        Raises:
            KeyError: the schema has no such column.
        """
        return self._places[name]

    @cached_property
    def _places(self) -> dict[str, tuple[Place, ...]]:
        found: dict[str, tuple[Place, ...]] = {c.name: () for c in self.schema.columns}
        for block, columns in (
            (self.numbers, self.continuous),
            (self.states, (*self.discrete, *self.with_atoms)),
        ):
            for index, column in enumerate(columns):
                found[column.name] += (Place(block or 0, index),)
        return found

    def without(self, rows: Sequence[Cells], names: Iterable[str]) -> tuple[Cells, ...]:
        """The blocks with all cells of some columns hidden; a number's atom too.

        Args:
            rows: blocks `[N, D]` of encoded rows.
            names: names of the columns whose cells are hidden.
        """
        masks = [np.array(cells.observed) for cells in rows]
        for name in names:
            for block, index in self.places(name):
                masks[block][:, index] = False
        return tuple(cells._replace(observed=mask) for cells, mask in zip(rows, masks, strict=True))

    @property
    def continuous_names(self) -> tuple[str, ...]:
        """Names of the cells of the block of numbers."""
        return tuple(c.name for c in self.continuous)

    @property
    def discrete_names(self) -> tuple[str, ...]:
        """Names of the cells of the block of states; "NAME = atom" says at which atom of NAME a
        cell is.
        """
        return tuple(c.name for c in self.discrete) + tuple(
            f"{c.name} = atom" for c in self.with_atoms
        )

    @property
    def block_names(self) -> tuple[str, ...]:
        """Names of all cells of a row by flat index, the continuous ones first."""
        return self.continuous_names + self.discrete_names

    @property
    def n_states(self) -> tuple[int, ...]:
        """Number of states of each cell of the block of states."""
        return _n_states(self.schema)

    @cached_property
    def limits(self) -> np.ndarray | None:
        """Limits of the numbers' z that the model holds, lower and upper, float32 `[2, Dc]`,
        infinite for none; None where no column has any, and of images.
        """
        if are_images(self.schema.layout):
            return None
        pairs = zip(self.continuous, self.transforms, strict=True)
        found = np.array([z_limits(*pair) for pair in pairs], np.float32)
        return found.T if np.isfinite(found).any() else None

    def beyond(self, rows: Sequence[Cells]) -> np.ndarray:
        """Which rows have a number beyond a limit that the model holds, bool `[N]`: their
        probability is 0.

        Args:
            rows: blocks `[N, D]` of encoded rows.
        """
        if self.limits is None or self.numbers is None:
            return np.zeros(len(rows[0].value), bool)
        cells, (low, high) = rows[self.numbers], self.limits
        out = cells.observed & ((cells.value < low) | (cells.value > high))
        return np.any(out if cells.filler is None else out & ~cells.filler, axis=1)

    def encode(self, table: Table) -> EncodedTable:
        """Blocks and log-volume of a table that has the schema's columns, in any order.

        Values off a lattice go to the nearest cell, with a warning.

        Raises:
            SchemaError: columns or categories that the schema does not know, or cells of another
                kind.
            DataError: infinities.
        """
        check_columns(table, self.schema)
        table = read_as(table, self.schema)
        if are_images(self.schema.layout):
            cells, log_volume = read_pixels(
                table, self.schema, self.transforms[0] if self.transforms else None
            )
            return EncodedTable((cells,), log_volume)
        log_volume = np.zeros(len(table))
        blocks = []
        atom_states, atom_observed = [], []
        if self.continuous:
            parts = []
            for column, transform in zip(self.continuous, self.transforms, strict=True):
                coordinate, observed = read_on_lattice(table, column)
                at_atom = atom_codes(coordinate, observed, column)
                used = observed & (at_atom == 0)
                value, width, volume = to_z(coordinate, used, column, transform)
                log_volume += volume
                parts.append((value, observed, width, at_atom > 0))
                if column.atoms:
                    atom_states.append(at_atom)
                    atom_observed.append(observed)
            value, observed, width, filler = (
                np.stack(part, axis=1) for part in zip(*parts, strict=True)
            )
            has_lattice = any(c.has_lattice for c in self.continuous)
            blocks.append(
                Cells(
                    value,
                    observed,
                    width if has_lattice else None,
                    filler if self.with_atoms else None,
                )
            )
        if self.states is not None:
            coded = [read_codes(table.frame[c.name], c, table.source) for c in self.discrete]
            codes = np.stack([code for code, _ in coded] + atom_states, axis=1).astype(np.int32)
            blocks.append(
                Cells(codes, np.stack([mask for _, mask in coded] + atom_observed, axis=1))
            )
        return EncodedTable(tuple(blocks), log_volume)

    def decode(self, rows: Sequence[Any]) -> pl.DataFrame:
        """The table of blocks: the schema's columns, order and dtypes.

        Args:
            rows: one entry per block, `Cells` or only their values `[N, D]`; cells that are not
                observed become missing.
        """
        blocks = [block if isinstance(block, Cells) else Cells(block, None) for block in rows]
        values = [np.asarray(block.value) for block in blocks]
        masks = [None if block.observed is None else np.asarray(block.observed) for block in blocks]
        if are_images(self.schema.layout):
            return write_pixels(
                values[0], masks[0], self.schema, self.transforms[0] if self.transforms else None
            )
        transforms = dict(zip(self.continuous_names, self.transforms, strict=True))
        series: dict[str, pl.Series] = {}
        for column in self.schema.columns:
            (block, j), *atom = self.places(column.name)
            cells = values[block][:, j]
            if column.is_discrete:
                written = write_codes(cells, column)
            else:
                with np.errstate(over="ignore"):  # clipped to the dtype by write_numbers
                    coordinate = transforms[column.name].inverse(cells.astype(np.float64))
                for place in atom:
                    codes = values[place.block][:, place.index]
                    coordinate = at_atoms(coordinate, codes, column)
                written = write_numbers(coordinate, column)
            series[column.name] = _masked(written, masks[block], j)
        return pl.DataFrame(series)

    def table_of(self, rows: Sequence[Any], source: str) -> Table:
        """The table of blocks, in the form of the table that was fitted.

        Args:
            rows: one entry per block, as for `decode`.
            source: name of the rows, for messages.
        """
        return table_of(self.decode(rows), self.schema, source)

    def settle(self, rows: Sequence[Any]) -> EncodedTable:
        """The cells that generated values fall into: those of the table they decode to.

        Pixels keep to the lattice, but not to the levels that an image can hold: a level of -1 has
        a cell like any other.
        """
        if are_images(self.schema.layout) and self.transforms:
            frame = round_pixels(np.asarray(rows[0]), self.schema, self.transforms[0])
        else:
            frame = self.decode(rows)
        return self.encode(Table(frame, "generated rows"))

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `from_json` gives back an equal codec. What pixels share is stored
        once.
        """
        shared = slice(0, 1 if are_images(self.schema.layout) else None)
        return {
            "schema": self.schema.to_json(),
            "transforms": [transform.to_json() for transform in self.transforms[shared]],
            "marginals": [marginal.tolist() for marginal in self.marginals],
            "typical_width": self.typical_width[shared].tolist(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Codec":
        """Inverse of `to_json`.

        Raises:
            Misfit, SchemaError: no codec, or its parts do not fit together.
        """
        check_codec(data)
        schema = Schema.from_json(data["schema"])
        transforms = tuple(transform_from_json(item) for item in data["transforms"])
        widths = np.asarray(data["typical_width"], dtype=np.float64)
        marginals = tuple(np.asarray(item, dtype=np.float64) for item in data["marginals"])
        if are_images(schema.layout):
            transforms, widths = (
                transforms * len(schema.columns),
                np.tile(widths, len(schema.columns)),
            )
        codec = cls(schema, transforms, marginals, widths)
        check_parts(codec)
        return codec


def check_columns(table: AnyTable, schema: Schema) -> None:
    """Refuse a table whose columns are not the schema's; columns that the schema left out may be
    there.

    Raises:
        SchemaError: naming missing and unexpected columns, or images of another size.
    """
    if schema.layout is not None and table.layout not in (None, schema.layout):
        raise SchemaError(
            f"these are {table.layout.words}; the model was fitted on {schema.layout.words}",
            where=table.source,
            fix="give data of that size and kind, or fit another model",
        )
    known, given = schema.names, table.names
    allowed = {item.name for item in schema.left_out} | set(known)
    missing = [name for name in known if name not in set(given)]
    unexpected = [name for name in given if name not in allowed]
    if schema.layout is not None and (missing or unexpected):
        raise SchemaError(
            f"its {len(given)} columns are not those of the model: {schema.layout.words}",
            where=table.source,
            fix=(
                "give images or sequences of that shape: an array, an image_table or a"
                " sequence_table"
            ),
        )
    if missing or unexpected:
        parts = [f"missing column(s): {', '.join(map(repr, missing))}"] if missing else []
        parts += [f"unexpected column(s): {', '.join(map(repr, unexpected))}"] if unexpected else []
        raise SchemaError(
            f"the columns are not those of the model; {'; '.join(parts)}",
            where=table.source,
            fix=(
                f"the model has {', '.join(map(repr, schema.names))}; rename or drop columns to"
                " match"
            ),
        )


def _n_states(schema: Schema) -> tuple[int, ...]:
    states = [len(c.categories) for c in schema.columns if c.is_discrete]
    return tuple(
        states + [1 + len(c.atoms) for c in schema.columns if not c.is_discrete and c.atoms]
    )


def _masked(series: pl.Series, mask: np.ndarray | None, j: int) -> pl.Series:
    if mask is None or mask[:, j].all():
        return series
    return pl.select(pl.when(pl.Series(mask[:, j])).then(series)).to_series()
