"""The sections that the page of every model has: columns and pairs, real against sampled."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from quasistatic.report import _tables as tables
from quasistatic.report._association import Association
from quasistatic.report._columns import Marginal
from quasistatic.report._wording import counted
from quasistatic.report.figures._dependence import SHOWN as SHOWN_IN_MATRIX
from quasistatic.report.figures._dependence import draw_matrices
from quasistatic.report.figures._marginals import draw_marginal
from quasistatic.report.findings import DataFindings

SHOWN_COLUMNS = 20
"""Columns whose distribution is drawn at most."""


def marginals_section(
    found: Sequence[Marginal], sampled: pl.DataFrame, data: DataFindings | None
) -> dict[str, Any]:
    """Columns one by one, those that differ most first.

    Args:
        found: marginals of the columns.
        sampled: frame of the sampled rows.
        data: findings on the data; None without data.
    """
    marginals = sorted(found, key=lambda m: -m.distance) if data is not None else list(found)
    shown = marginals[:SHOWN_COLUMNS]
    rest = len(marginals) - len(shown)
    return {
        "sampled": counted(sampled.height, "sampled row"),
        "real": data and counted(data.compared, "real row"),
        "shown": len(shown),
        "rest": rest,
        "pictures": [draw_marginal(m, number) for number, m in enumerate(shown)],
        "table": tables.marginal_table(marginals) if rest and data is not None else None,
    }


def dependence_section(association: Association | None, columns: int) -> dict[str, Any] | None:
    """Pairs of columns; None where there are none.

    Args:
        association: association of the first columns; None for one column, or images.
        columns: number of all columns.
    """
    if association is None:
        return None
    paired = len(association.names)
    return {
        "bins": association.bins,
        "columns": columns,
        "paired": paired,
        "shown": min(SHOWN_IN_MATRIX, paired),
        "pictures": draw_matrices(association),
        "table": tables.pair_table(association),
    }
