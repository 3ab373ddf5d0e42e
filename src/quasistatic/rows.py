"""Rows of tables, and THE map over them: in chunks, so that memory grows neither with T nor with
the number of rows.

The random key of a draw is made of the row's *identity* and the number of the draw. By default the
identity is a checksum of the row's content, so that a result depends neither on the other rows nor
on their order, and equal rows have equal errors, which the error of a mean over rows has to know.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import numpy as np

from quasistatic.compiled import forget_programs_if_crowded, require_own_process
from quasistatic.data.cells import Cells
from quasistatic.errors import DataError
from quasistatic.forward import tabulated
from quasistatic.model import DiffusionModel
from quasistatic.threads import ahead
from quasistatic.typing import Array, Key

__all__ = [
    "CHUNK",
    "Row",
    "evaluate_pairs",
    "in_chunks",
    "iterate_rows",
    "joined",
    "map_rows",
    "row_checksums",
    "row_numbers",
    "rows_at_once",
    "take",
]

Row = tuple[Cells, ...]
"""A row of data (or a table of them): the cells of every block."""

CHUNK = 1024
"""Number of (row, draw) pairs evaluated at once, at most."""
_CELLS_AT_ONCE = 2**17
"""Wide rows go in smaller chunks: a network of images needs some kilobytes for each cell."""
_FEWEST_ROWS, _FEWEST_CELLS = 64, 2**11
"""Fewer rows than 64 go as 64, if they are narrow: that costs less than another program for their
number."""


def rows_at_once(model: DiffusionModel, n_rows: int, most: int, *, walks: int = 1) -> int:
    """How many rows go side by side: `most` states, or fewer if the rows are wide.

    Fewer rows make a smaller chunk, a power of two: programs are compiled for a number of rows, and
    few numbers mean few of them.

    Args:
        model: model whose rows they are; it knows their width.
        n_rows: number of rows.
        most: number of states held at once, at most.
        walks: number of states of each row (default 1).
    """
    room = min(most, max(_CELLS_AT_ONCE // model.forward.n_columns, 16)) // walks
    fewest = min(_FEWEST_ROWS, _FEWEST_CELLS // model.forward.n_columns) // walks
    return min(max(room, 1), 1 << (max(n_rows, fewest, 1) - 1).bit_length())


def row_checksums(rows: Any) -> np.ndarray:
    """CRC-32 of every row's content, uint32 `[N]`.

    Args:
        rows: table of N rows, blocks [N, D], or any tree of arrays with the leading axis N.
    """
    parts = [np.asarray(part) for part in jax.tree.leaves(rows)]
    if not parts:
        return np.zeros(0, np.uint32)
    n_rows = parts[0].shape[0]
    content = [
        np.ascontiguousarray(part.reshape(n_rows, -1)).view(np.uint8).reshape(n_rows, -1)
        for part in parts
    ]
    packed = np.concatenate(content, axis=1)
    return np.fromiter((zlib.crc32(row) for row in packed), np.uint32, n_rows)


def row_numbers(rows: Any) -> np.ndarray:
    """An identity of its own for each row, equal or not, uint32 `[N]`: where a mean over the rows
    counts, and its error is their spread.

    Args:
        rows: table of N rows, blocks [N, D], or any tree of arrays with the leading axis N.
    """
    return np.arange(len(jax.tree.leaves(rows)[0]), dtype=np.uint32)


def take(rows: Any, index: np.ndarray) -> Any:
    """Some rows of a tree of NumPy arrays, on the device."""
    return jax.tree.map(lambda x: jax.device_put(x[index]), rows)


def in_chunks(program: Callable[[np.ndarray], Any], n: int, size: int) -> Iterator[Any]:
    """`program(index)` for the items 0 .. n - 1, `size` at a time; results are trees of NumPy
    arrays with one entry per item of the chunk.

    Every chunk has one shape: the last is filled up with the last item, and cut afterwards. After
    the first, with which the program is compiled, some are evaluated at once (`threads.ahead`).

    Args:
        program: function of an int array `[size]` of items, to arrays with that leading axis.
        n: number of items.
        size: number of items at once.
    """
    require_own_process()
    forget_programs_if_crowded()

    def chunk(begin: int) -> Any:
        found = program(np.minimum(np.arange(begin, begin + size), n - 1))
        return jax.tree.map(lambda x: np.asarray(x)[: n - begin], found)

    begins = range(0, n, size)
    yield from map(chunk, begins[:1])
    yield from ahead(chunk, begins[1:])


def joined(parts: Iterator[Any]) -> Any:
    """Chunks (at least one) as one tree of arrays."""
    return jax.tree.map(lambda *xs: np.concatenate(xs), *parts)


def map_rows(
    function: Callable,
    model: DiffusionModel,
    rows: Row,
    draws: int,
    *,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> Any:
    """`function(model, row, key=key)`, a tree of scalars, for all rows and draws: NumPy `[N,
    draws]`, float64.

    Args:
        function: function of one row: hashable, or a module of Equinox.
        model: model that is passed to the function.
        rows: table of N rows, blocks [N, D], at least one row.
        draws: number of independent draws of a row.
        key: random key of the whole table.
        chunk: number of (row, draw) pairs evaluated at once, at most (default 1024).
        identity: uint32 `[N]` that tells the rows' noise apart (default None: the checksums of
            their content, so that equal rows get equal noise). Rows whose errors have to be
            independent are given numbers of their own, `row_numbers`.

    Raises:
        DataError: there is no row.
    """
    identity = row_checksums(rows) if identity is None else np.asarray(identity, np.uint32)
    n_pairs = len(identity) * draws
    if n_pairs == 0:
        raise DataError("there is no row to evaluate", fix="give at least one row")

    def program(pairs: np.ndarray) -> Any:
        return _evaluate(function, model, rows, identity, pairs // draws, pairs % draws, key)

    parts = in_chunks(program, n_pairs, rows_at_once(model, n_pairs, chunk))
    return jax.tree.map(lambda x: x.reshape(-1, draws), _doubles(joined(parts)))


def iterate_rows(
    function: Callable,
    model: DiffusionModel,
    rows: Row,
    draws: int,
    *,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> Iterator[Any]:
    """`function(model, row, key=key)`, a tree of arrays, for all rows and draws, a few whole rows
    at a time: NumPy `[n, draws, ...]`, float64, n rows in each part.

    Draws have the keys that they have in `map_rows`.

    Args:
        function: function of one row: hashable, or a module of Equinox.
        model: model that is passed to the function.
        rows: table of N rows, blocks [N, D].
        draws: number of independent draws of a row.
        key: random key of the whole table.
        chunk: number of (row, draw) pairs evaluated at once, at least those of one row (default
            1024).
        identity: uint32 `[N]` that tells the rows' noise apart, as in `map_rows`.
    """
    identity = row_checksums(rows) if identity is None else np.asarray(identity, np.uint32)

    def program(index: np.ndarray) -> Any:
        row, draw = np.repeat(index, draws), np.tile(np.arange(draws), len(index))
        found = _evaluate(function, model, rows, identity, row, draw, key)
        return jax.tree.map(
            lambda x: np.reshape(np.asarray(x), (len(index), draws, *x.shape[1:])), found
        )

    size = rows_at_once(model, len(identity), chunk, walks=draws)
    for part in in_chunks(program, len(identity), size):
        yield _doubles(part)


def _doubles(tree: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x, np.float64), tree)


def _evaluate(
    function: Callable,
    model: DiffusionModel,
    rows: Row,
    identity: np.ndarray,
    row: np.ndarray,
    draw: np.ndarray,
    key: Key,
) -> Any:
    """The pairs (row, draw) of one chunk."""
    who, number = jax.device_put((identity[row], draw.astype(np.uint32)))
    return evaluate_pairs(function, model, take(rows, row), who, number, key)


@eqx.filter_jit
def evaluate_pairs(
    function: Callable, model: DiffusionModel, rows: Row, identity: Array, draw: Array, key: Key
) -> Any:
    """`function(model, row, key=key)` of (row, draw) pairs `[n]`; the key of a pair is made of
    `identity` and `draw`.
    """
    model = tabulated(model)

    def one(row: Row, who: Array, number: Array) -> Any:
        return function(model, row, key=jax.random.fold_in(jax.random.fold_in(key, who), number))

    return jax.vmap(one)(rows, identity, draw)
