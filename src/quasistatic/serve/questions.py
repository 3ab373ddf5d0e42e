"""The questions of the service: each an iterator of answers of which the last counts.

Long ones go through their rows a few at a time and give an unfinished answer, None, in between, so
that others are not kept waiting. The noise of a row is its own: how rows are taken together changes
nothing.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from quasistatic.data.table import Table
from quasistatic.fitted.imputation import impute
from quasistatic.fitted.likelihood import Likelihood, log_likelihood
from quasistatic.fitted.sampling import sample
from quasistatic.serve import declared
from quasistatic.serve.limits import Refused
from quasistatic.serve.reference import MOST_COLUMNS, Reference
from quasistatic.serve.subject import Subject, labels, plain, values_of

__all__ = ["about", "condition", "explain", "fill", "row_schema", "score", "some"]

_SCORED_AT_ONCE, _FILLED_AT_ONCE, _EXPLAINED_AT_ONCE = 64, 16, 4


def _rounded(number: int) -> int:
    """A power of two: a program is compiled for each number of particles that is asked for."""
    return 1 << (number - 1).bit_length()


def about(subject: Subject) -> dict[str, Any]:
    """What there is to know of the model before it is asked."""
    record = subject.fitted.record
    columns = [
        {
            "name": column.name,
            "kind": column.kind,
            "step": column.step,
            "unit": column.unit,
            "lower": column.lower,
            "upper": column.upper,
            "values": list(labels(column)) if column.is_discrete else None,
            "missing": column.missing,
        }
        for column in subject.schema.columns
    ]
    return {
        "model": subject.name,
        "columns": columns,
        "steps": subject.fitted.model.trajectory_length,
        "rows": record["data"]["rows"],
        "validation_bound_nats": record.get("validation_bound_nats"),
        "base_measure": subject.schema.base_measure(),
        "constraints": list(subject.schema.constraints),
    }


def row_schema(subject: Subject) -> dict[str, Any]:
    """The JSON Schema of a row of the model: its columns, and what their cells may be."""
    properties: dict[str, Any] = {}
    for column in subject.schema.columns:
        if column.is_discrete:
            properties[column.name] = {"enum": [*plain(values_of(column)), None]}
        elif column.is_temporal:
            properties[column.name] = {"type": ["string", "null"]}
        else:
            properties[column.name] = {"type": ["number", "null"]}
    told = "A row by column; null, or a column that is not named, is unknown."
    return {
        "type": "object",
        "description": told,
        "properties": properties,
        "additionalProperties": False,
    }


def _parts(table: Table, size: int) -> Iterator[Table]:
    for begin in range(0, len(table), size):
        yield table.take(np.arange(begin, min(begin + size, len(table))))


def score(reference: Reference, asked: declared.Score) -> Iterator[dict[str, Any] | None]:
    """The answer to `declared.Score`."""
    fitted, found = reference.subject.fitted, []
    table = reference.subject.table_of(asked.rows)
    n = None if asked.trajectories is None else _rounded(asked.trajectories)
    for part in _parts(table, _SCORED_AT_ONCE):
        key = fitted.key(asked.seed)
        found.append(log_likelihood(fitted, part, asked.method, n, key=key))
        yield None
    longest: Likelihood = max(found, key=lambda one: len(one.base_measure))
    lower = np.concatenate([one.lower for one in found])
    upper = stderr_upper = None
    if longest.upper is not None:
        upper = np.concatenate([one.upper for one in found])
        stderr_upper = np.concatenate([one.stderr_upper for one in found])
    yield {
        "log_p": lower,
        "stderr": np.concatenate([one.stderr for one in found]),
        "upper": upper,
        "stderr_upper": stderr_upper,
        "ess": np.concatenate([one.ess for one in found]),
        "mean": np.mean(lower),
        "unit": longest.unit,
        "base_measure": longest.base_measure,
        "meaning": longest.meaning,
    }


def some(reference: Reference, asked: declared.Sample) -> Iterator[dict[str, Any] | None]:
    """The answer to `declared.Sample`."""
    subject = reference.subject
    drawn = sample(subject.fitted, asked.n, key=subject.fitted.key(asked.seed))
    yield {"rows": subject.rows_of(drawn)}


def fill(reference: Reference, asked: declared.Impute) -> Iterator[dict[str, Any] | None]:
    """The answer to `declared.Impute`."""
    subject = reference.subject
    draws = 1 if asked.point else asked.draws
    tables: list[list[Any]] = [[] for _ in range(draws)]
    numbers: dict[str, list[Any]] = {"log_evidence": [], "stderr": [], "ess": []}
    for place, part in enumerate(_parts(subject.table_of(asked.rows), _FILLED_AT_ONCE)):
        # Draws of equal rows in different parts are to differ.
        key = subject.fitted.key(asked.seed + place)
        found = impute(subject.fitted, part, draws, asked.point, _rounded(asked.particles), key=key)
        for rows, filled in zip(tables, found.tables, strict=True):
            rows += subject.rows_of(filled)
        numbers["log_evidence"] += found.posteriors.log_evidence.tolist()
        numbers["stderr"] += found.posteriors.stderr.tolist()
        numbers["ess"] += found.posteriors.ess.tolist()
        yield None
    yield {"tables": tables, **numbers}


def condition(reference: Reference, asked: declared.Condition) -> Iterator[dict[str, Any] | None]:
    """The answer to `declared.Condition`."""
    subject = reference.subject
    found = subject.density.condition(subject.conditions(asked.given))
    drawn = found.draw(asked.n, random_state=asked.seed, particles=_rounded(asked.particles))
    yield {
        "log_evidence": found.log_evidence,
        "stderr": found.stderr,
        "ess": found.ess,
        "base_measure": found.base_measure,
        "rows": subject.rows_of(drawn),
    }


def explain(reference: Reference, asked: declared.Explain) -> Iterator[dict[str, Any] | None]:
    """The answer to `declared.Explain`."""
    if not reference.judges_cells:
        raise Refused(
            422,
            f"cells are judged one by one in rows of at most {MOST_COLUMNS} cells, not in images",
            fix="score the rows instead",
        )
    rows: list[dict[str, Any]] = []
    for part in _parts(reference.subject.table_of(asked.rows), _EXPLAINED_AT_ONCE):
        found = reference.conditionals(part, _rounded(asked.particles))
        surprise = reference.surprises(found.log_p)
        if surprise is None:
            raise Refused(
                503, "the model is being calibrated", fix="ask again later", retry_after=5
            )
        for i in range(len(part)):
            worst = None if np.isnan(surprise[i]).all() else found.names[np.nanargmax(surprise[i])]
            cells = {
                "log_p": found.log_p[i],
                "stderr": found.stderr[i],
                "surprise": surprise[i],
            }
            named = {n: dict(zip(found.names, plain(v), strict=True)) for n, v in cells.items()}
            rows.append({"blame": worst, **named})
        yield None
    yield {"rows": rows, "unit": "nats"}
