"""A fit of a table with constraints: that of its free columns."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from quasistatic.data.codec import check_columns
from quasistatic.data.columns.alternatives import Schemas
from quasistatic.data.constraints.tied import as_fitted, tie
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.errors import SchemaError
from quasistatic.fitted.flags import flags_of, some_rows
from quasistatic.fitted.holes import patterns_of
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.room import measured
from quasistatic.fitting.selection import fit_table
from quasistatic.fitting.settings import FitSettings
from quasistatic.fitting.training import FitEvent

__all__ = ["fit_constrained"]


def fit_constrained(
    table: AnyTable,
    schemas: Schemas,
    settings: FitSettings,
    constraints: Sequence[str] = (),
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    callback: Callable[[FitEvent], None] | None = None,
) -> Fitted:
    """`fit_table` of the free columns of a table; without constraints, of the table.

    Args:
        table: table of the rows to fit.
        schemas: schemas of the table's columns, with constraints or without.
        settings: settings of the fit.
        constraints: further constraints, as they are written (`data.constraints.language`).
        checkpoint: folder of the training checkpoints; None (default) keeps none.
        resume: whether to go on from the checkpoints (default False).
        callback: function that is told the progress after each evaluation; None (default) tells
            nobody.

    Raises:
        SchemaError: constraints that are none, contradict each other or go round in a circle.
        DataError: rows that a constraint does not allow.
    """
    check_columns(table, schemas.first)
    if isinstance(table, Table):
        tied = tie(table, schemas, constraints)
    elif constraints or schemas.first.constraints:
        raise SchemaError(
            "constraints are found out in memory, and the table does not fit into it",
            where=table.source,
            fix="leave them out, or fit on a part of the rows",
        )
    else:
        tied = None
    here = (table, schemas) if tied is None else (tied.table, tied.schemas)
    fitted = fit_table(*here, settings, checkpoint=checkpoint, resume=resume, callback=callback)
    if schemas.first.layout is None:
        missing: dict[str, Any] = {"missing": patterns_of(table, schemas.first.names)}
        given = _flags(table, schemas.first) if missing["missing"] else None
        missing |= {} if given is None else {"missing_given": given}
        fitted = replace(fitted, record=fitted.record | missing)
    if tied is None:
        return fitted
    ties = as_fitted(tied.ties, fitted.codec.schema)
    ties = measured(fitted.model, fitted.codec, ties, fitted.key())
    bound = fitted.record["validation_bound_nats"] - ties.log_share
    data = {"fingerprint": fingerprint(table), "columns": len(ties.schema.names)}
    record = fitted.record | {
        "data": fitted.record["data"] | data,
        "base_measure": ties.schema.base_measure(),
        "validation_bound_nats": bound,
    }
    return replace(fitted, record=record, ties=ties)


def _flags(table: AnyTable, schema: Schema) -> dict[str, Any] | None:
    """The regressions of the flags of missing cells."""
    some = table.take(some_rows(len(table))).held()
    return flags_of(read_as(some, schema).frame.select(schema.names))
