"""Bounds of a whole table (`rows.map_rows`)."""

import numpy as np

from quasistatic.bound.terms import Terms, bound_terms
from quasistatic.model import DiffusionModel
from quasistatic.rows import CHUNK, Row, map_rows
from quasistatic.trajectory import log_weight
from quasistatic.typing import Key

__all__ = ["evaluate_log_weights", "evaluate_terms"]


def evaluate_terms(
    model: DiffusionModel,
    rows: Row,
    *,
    repetitions: int,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> Terms:
    """Independent draws of K's terms, each `[N, repetitions]`, nats.

    Args:
        model: model p of the rows.
        rows: table of N rows, blocks [N, D], at least one row.
        repetitions: number of draws of a row.
        key: random key of the whole table.
        chunk: number of (row, draw) pairs evaluated at once, at most (default 1024).
        identity: uint32 `[N]` that tells the rows' noise apart (default None: checksums of their
            content; see `rows.map_rows`).
    """
    found = map_rows(bound_terms, model, rows, repetitions, key=key, chunk=chunk, identity=identity)
    return Terms(*found)


def evaluate_log_weights(
    model: DiffusionModel,
    rows: Row,
    *,
    trajectories: int,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> np.ndarray:
    """Log-weights `[N, trajectories]` of independent forward trajectories, nats.

    Args:
        model: model p of the rows.
        rows: table of N rows, blocks [N, D], at least one row.
        trajectories: number of trajectories of a row.
        key: random key of the whole table.
        chunk: number of trajectories held at once, at most (default 1024).
        identity: uint32 `[N]` that tells the rows' noise apart (default None: checksums of their
            content; see `rows.map_rows`).
    """
    return map_rows(log_weight, model, rows, trajectories, key=key, chunk=chunk, identity=identity)
