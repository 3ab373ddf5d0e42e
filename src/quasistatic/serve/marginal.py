"""Where the likelihood of the known cells of a row lies among that of the same cells of the model's
own rows.
"""

from collections import OrderedDict
from collections.abc import Iterator

import numpy as np
import polars as pl

from quasistatic.data.table import Table
from quasistatic.fitted.likelihood import log_likelihood
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.ranks import Ranks, ranks_among

__all__ = ["MarginalRanks"]

_PARTICLES = 16
"""Particles of the evidence of each row, the asked one's too: equal errors spread both alike."""
_AT_ONCE = 64
_MOST = 64
"""Patterns of missing cells whose model rows are kept, the last ones asked for."""


class MarginalRanks:
    """Ranks among rows of the model with the same cells hidden, which are kept by the pattern.

    Args:
        fitted: model and codec.
        seed: seed of the evidences (default 0).
    """

    def __init__(self, fitted: Fitted, seed: int = 0) -> None:
        self._fitted, self._seed = fitted, seed
        self._known: OrderedDict[tuple[str, ...], list[np.ndarray]] = OrderedDict()

    def of(self, row: Table, rows: Table) -> Iterator[Ranks]:
        """The rank of a row with missing cells, among more rows from step to step. Its error has
        two parts: the number of rows, and the error of the row's own log-evidence.

        Args:
            row: table of one row, with a known cell.
            rows: whole rows of the model.

        Raises:
            DataError, SchemaError: a row that the model cannot score.
        """
        own = self._evidence(row)
        lower, stderr = (float(x[0]) for x in own)
        missing = tuple(n for n in self._fitted.schema.names if row.frame[n].null_count())
        parts = self._known.setdefault(missing, [])
        self._known.move_to_end(missing)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        for number, begin in enumerate(range(0, len(rows), _AT_ONCE)):
            if number == len(parts):
                some = rows.take(np.arange(begin, min(begin + _AT_ONCE, len(rows))))
                parts.append(self._evidence(_hidden(some, missing))[0])
            of_model = np.concatenate(parts[: number + 1])
            found = ranks_among(np.array([lower]), of_model)
            ends = ranks_among(lower + np.array([-1.0, 1.0]) * np.nan_to_num(stderr), of_model)
            spread = np.hypot(found.stderr, np.diff(ends.share) / 2)
            yield found._replace(stderr=spread)

    def _evidence(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        """log p of the known cells of each row, and its error, nats `[N]`."""
        key = self._fitted.key(self._seed)
        found = log_likelihood(self._fitted, table, "ais", _PARTICLES, key=key)
        return found.lower, found.stderr


def _hidden(table: Table, missing: tuple[str, ...]) -> Table:
    frame = table.frame
    nothing = (pl.lit(None, frame[n].dtype).alias(n) for n in missing)
    return table.with_values(frame.with_columns(nothing))
