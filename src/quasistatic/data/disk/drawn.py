"""Some rows of a table that is too large to be held, for what needs no more than some."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import polars as pl

from quasistatic.data.table import Table

__all__ = ["drawn_rows"]


def drawn_rows(pieces: Iterable[Table], most: int, seed: int) -> tuple[Table, int]:
    """The rows of a table in their order, and their number; of a table that comes in several
    pieces `most` of them, drawn without replacement: those with the smallest of independent random
    numbers.

    Args:
        pieces: pieces of the table, one at least.
        most: number of rows that are kept of several pieces, at most.
        seed: seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    kept: Table | None = None
    chances, n_rows = np.zeros(0), 0
    for piece in pieces:
        n_rows += len(piece)
        chances = np.concatenate([chances, rng.random(len(piece))])
        if kept is None:
            kept = piece
            continue
        first = np.sort(np.argsort(chances, kind="stable")[:most])
        frame = pl.concat([kept.frame, piece.frame])[first]
        kept, chances = replace(piece, frame=frame, text=None), chances[first]
    assert kept is not None
    return kept, n_rows
