"""What can be asked of a fitted energy: the likelihood of rows, with the normaliser that was taken,
and new rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from quasistatic.compiled import require_own_process
from quasistatic.data.codec import Codec
from quasistatic.data.memory import require_rows
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.errors import DataError, SchemaError, SettingError
from quasistatic.fitted.likelihood import Likelihood
from quasistatic.fitted.sampling import SOURCE
from quasistatic.rivals.energy import AbstractBinaryEnergy
from quasistatic.rivals.exact import log_weights
from quasistatic.rivals.normaliser import Normaliser, draw

__all__ = ["MEANINGS", "FittedEnergy", "bits_of", "check_bits", "log_likelihood", "sample"]

MEANINGS = {
    "exact": "log p(row), Z summed exactly",
    "ais": "log p(row) from below, log Z by annealed importance sampling from above",
    "none": "unnormalised: log phi(row) without log Z, comparable within this model alone",
}


@dataclass(frozen=True)
class FittedEnergy:
    """An energy of bits with all that is needed to use and to store it.

    Args:
        energy: energy that was learned.
        codec: map between the columns of a table and the bits.
        normaliser: log Z that was found after the fit.
        settings: settings of energy and method, in JSON types.
        record: record of where the model comes from, in JSON types.
    """

    energy: AbstractBinaryEnergy
    codec: Codec
    normaliser: Normaliser
    settings: dict[str, Any]
    record: dict[str, Any]

    @property
    def schema(self) -> Schema:
        """The columns."""
        return self.codec.schema

    def whole_rows(self, table: Table) -> np.ndarray:
        """Which rows have no missing cell in the columns of the model, bool `[N]`.

        Args:
            table: table of N rows.
        """
        return read_as(table, self.schema).whole(self.schema.names)


def check_bits(schema: Schema) -> None:
    """Refuse columns that are no bits.

    Args:
        schema: schema of the table.

    Raises:
        SchemaError: naming the first of them.
    """
    for column in schema.columns:
        if not column.is_discrete or len(column.categories) > 2:
            raise SchemaError(
                f"the column is {column.kind}, and an energy of bits takes binary columns alone",
                where=f"column {column.name!r}",
                fix="leave it out, or fit with --model diffusion",
            )


def bits_of(codec: Codec, table: Table) -> np.ndarray:
    """The rows as bits, float32 `[N, D]`.

    Args:
        codec: codec of binary columns.
        table: table of N rows.

    Raises:
        DataError: no row, or a missing cell.
        SchemaError: other columns or categories than the codec's.
    """
    if len(table) == 0:
        raise DataError("there are no rows", where=table.source)
    cells = codec.encode(table).rows[0]
    if not cells.observed.all():
        row, column = np.argwhere(~cells.observed)[0]
        raise DataError(
            "the cell is missing, and an energy has no likelihood of parts of a row",
            where=f"{table.source}, row {row + 1}, column {codec.block_names[column]!r}",
            fix="fill or drop these rows, or fit with --model diffusion",
        )
    return cells.value.astype(np.float32)


def log_likelihood(fitted: FittedEnergy, table: Table) -> Likelihood:
    """log p of every row, nats, with the normaliser of the fit.

    Args:
        fitted: energy and codec.
        table: N rows with the columns of the model, without missing cells.

    Raises:
        DataError, SchemaError: rows that the model cannot score.
    """
    require_own_process()
    found = fitted.normaliser
    weights = log_weights(fitted.energy, bits_of(fitted.codec, table))
    n = len(weights)
    two_sided = found.kind == "ais"
    measure = fitted.schema.base_measure()
    return Likelihood(
        lower=weights - found.upper,
        stderr=np.full(n, found.stderr_upper),
        ess=np.full(n, np.nan),
        method=found.kind,
        trajectories=0,
        steps=0,
        base_measure=measure if found.kind != "none" else f"unnormalised weights on: {measure}",
        meaning=MEANINGS[found.kind],
        upper=weights - found.lower if two_sided else None,
        stderr_upper=np.full(n, found.stderr_lower) if two_sided else None,
        upper_kind="asymptotic" if two_sided else None,
    )


def sample(fitted: FittedEnergy, n_samples: int = 1, *, seed: int = 0) -> Table:
    """New rows, exact where sums are within reach, else of Gibbs chains.

    Args:
        fitted: energy and codec.
        n_samples: number of rows (default 1).
        seed: seed of the rows (default 0).

    Raises:
        SettingError: a negative number of rows.
        DataError: more rows than there is memory for.
    """
    require_own_process()
    if not isinstance(n_samples, int | np.integer) or n_samples < 0:
        raise SettingError(f"n_samples = {n_samples!r} must be a whole number, not negative")
    require_rows(int(n_samples), len(fitted.codec.schema.names))
    bias = np.asarray(fitted.record["starting_bias"])
    rows = draw(fitted.energy, bias, max(int(n_samples), 1), seed)[: int(n_samples)]
    return fitted.codec.table_of((rows.astype(np.int32),), SOURCE)
