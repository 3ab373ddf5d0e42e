"""The codec of a table: transforms and frequencies from its rows."""

import numpy as np

from quasistatic.data.cells import Cells, EncodedTable
from quasistatic.data.codec import Codec, check_columns
from quasistatic.data.columns._coordinates import atom_codes, read_on_lattice
from quasistatic.data.columns.transform import Choice, fit_transform
from quasistatic.data.disk.cells import encode_on_disk, in_slices
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.images._pixels import fit_pixels
from quasistatic.data.layout import are_images
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table

__all__ = ["fit_and_encode", "fit_codec"]


def fit_codec(table: AnyTable, schema: Schema, transform: Choice = "auto") -> Codec:
    """The codec of a schema, its transforms and marginals fitted on the observed cells of the
    training table.
    """
    return fit_and_encode(table, schema, transform)[0]


def fit_and_encode(
    table: AnyTable, schema: Schema, transform: Choice = "auto"
) -> tuple[Codec, EncodedTable]:
    """The codec of `fit_codec`, and the training table as it encodes it."""
    check_columns(table, schema)
    if isinstance(table, Table):
        table = read_as(table, schema)
    codec = _without_frequencies(table, schema, transform)
    encoded = codec.encode(table) if isinstance(table, Table) else encode_on_disk(codec, table)
    widths, marginals = codec.typical_width, ()
    if codec.numbers is not None and not are_images(schema.layout):
        widths = _typical_widths(encoded.rows[codec.numbers])
    if codec.states is not None:
        marginals = _marginals(encoded.rows[codec.states], codec.n_states)
    return Codec(schema, codec.transforms, marginals, widths), encoded


def _without_frequencies(table: AnyTable, schema: Schema, transform: Choice) -> Codec:
    """The codec but for what is counted among encoded rows: marginals, and widths of a table."""
    n_columns = len(schema.columns)
    if are_images(schema.layout):
        if schema.columns[0].is_discrete:
            return Codec(schema, (), (), np.zeros(0))
        assert isinstance(table, Table)
        scaling, width = fit_pixels(table, schema)
        return Codec(schema, (scaling,) * n_columns, (), np.full(n_columns, width))
    transforms = []
    for column in schema.columns:
        if not column.is_discrete:
            held = read_as(table.holding(column.name), schema)
            coordinate, observed = read_on_lattice(held, column)
            kept = coordinate[observed & (atom_codes(coordinate, observed, column) == 0)]
            # With too few away from the atoms nothing would tell where such values lie.
            if len(kept) < max(20, 0.1 * len(table)):
                kept = coordinate[observed]
            transforms.append(fit_transform(kept, 1.0 if column.has_lattice else None, transform))
    return Codec(schema, tuple(transforms), (), np.zeros(len(transforms)))


def _typical_widths(block: Cells) -> np.ndarray:
    n_columns = block.value.shape[1]
    if block.width is None:
        return np.zeros(n_columns)
    widths = []
    for j in range(n_columns):
        parts = (np.asarray(part.width)[:, j] for part in in_slices(block))
        used = np.concatenate([width[width > 0] for width in parts])
        widths.append(np.median(used) if len(used) else 0.0)
    return np.array(widths, dtype=np.float64)


def _marginals(block: Cells, n_states: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    counts = [np.zeros(k, np.int64) for k in n_states]
    for part in in_slices(block):
        columns = zip(counts, part.value.T, part.observed.T, strict=True)
        for count, value, observed in columns:
            count += np.bincount(value[observed], minlength=len(count))
    return tuple((count + 0.5) / (count.sum() + 0.5 * len(count)) for count in counts)
