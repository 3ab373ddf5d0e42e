"""The report of an energy: what it is, log Z and how it was found, log p of the data, columns and
pairs real against sampled.

An energy has no trajectory, so there is neither certificate nor work nor ledger.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from quasistatic.data.codec import check_columns
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.estimator.energy import EnergyDensity
from quasistatic.fitted.energy import MEANINGS, log_likelihood, sample
from quasistatic.fitted.likelihood import Likelihood, mean_and_stderr
from quasistatic.report import _tables as tables
from quasistatic.report._association import Association, compare
from quasistatic.report._columns import Marginal
from quasistatic.report._html import rendered
from quasistatic.report._sections import dependence_section, marginals_section
from quasistatic.report._wording import counted, nats, plain
from quasistatic.report.figures._sandwich import draw_scores
from quasistatic.report.findings import DataFindings, Limits
from quasistatic.report.headline import Side
from quasistatic.rivals.methods import METHODS

__all__ = ["EnergyFindings", "find_energy", "mean_sides", "render_energy"]

_NAMES = {"boltzmann": "A Boltzmann machine", "rbm": "A restricted Boltzmann machine"}


@dataclass(frozen=True)
class EnergyFindings:
    """All numbers of the report of an energy.

    Args:
        name: name of the model folder.
        density: fitted energy that the report is about.
        seed: seed of the sampled rows.
        data: findings on the data; None without data.
        likelihood: log p of whole rows of the data, the ones compared; None without any.
        generated: log p of sampled rows.
        sampled: frame of rows that the energy generated.
        marginals: marginal of each column.
        association: association of the first columns; None for a single one.
    """

    name: str
    density: EnergyDensity
    seed: int
    data: DataFindings | None
    likelihood: Likelihood | None
    generated: Likelihood
    sampled: pl.DataFrame
    marginals: tuple[Marginal, ...]
    association: Association | None


def find_energy(
    density: EnergyDensity,
    table: Table | None,
    *,
    name: str,
    data_name: str = "",
    n_rows: int | None = None,
    seed: int = 0,
    limits: Limits | None = None,
) -> EnergyFindings:
    """Everything that the report says of an energy.

    Args:
        density: fitted energy.
        table: table of the data to hold against it; None for the energy alone.
        name: name of the model, for the page.
        data_name: name of the data, for the page (default: empty).
        n_rows: number of rows of the data that `table` was drawn from; None (default): it is all.
        seed: seed of everything random (default 0).
        limits: limits on the numbers of rows and columns; None (default) for those of a table.

    Raises:
        DataError: a table without rows.
        SchemaError: columns or categories that are not the model's.
    """
    limits, fitted = limits or Limits(), density.fitted_
    real = data = likelihood = None
    if table is not None:
        if len(table) == 0:
            raise DataError("there are no rows to report on", where=table.source)
        check_columns(table, fitted.schema)
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.permutation(len(table))[: limits.compared])
        real, whole = table.take(chosen), np.flatnonzero(fitted.whole_rows(table))
        seen = fingerprint(table) == density.manifest_["data"]["fingerprint"]
        counts = len(table), len(table) - len(whole), len(real)
        data = DataFindings(data_name, *counts, seen, None, n_rows or len(table))
        likelihood = log_likelihood(fitted, table.take(whole)) if len(whole) else None
    n = limits.generated if real is None else max(len(real), limits.generated)
    drawn = sample(fitted, n, seed=seed)
    columns = list(fitted.schema.columns)
    marginals, association = compare(columns, real, drawn, limits.paired)
    return EnergyFindings(
        name,
        density,
        seed,
        data,
        likelihood,
        log_likelihood(fitted, drawn),
        drawn.frame,
        marginals,
        association,
    )


def mean_sides(likelihood: Likelihood) -> list[Side]:
    """Mean log p: one number where Z is exact, both sides where it is from two."""
    unit = likelihood.unit
    if likelihood.method == "none":
        return [Side(nats(likelihood.mean, likelihood.mean_stderr), f"{unit}, unnormalised")]
    if likelihood.upper is None:
        return [Side(nats(likelihood.mean, likelihood.mean_stderr), f"{unit}, Z summed exactly")]
    upper = mean_and_stderr(likelihood.upper)
    return [
        Side(nats(likelihood.mean, likelihood.mean_stderr), f"{unit}, lower side"),
        Side(nats(*upper), f"{unit}, upper side (asymptotic)"),
    ]


def render_energy(found: EnergyFindings) -> str:
    """The page of a report of an energy: the same findings give the same text.

    Args:
        found: everything that the page says.
    """
    manifest, data, density = found.density.manifest_, found.data, found.density
    rows = counted(manifest["data"]["rows"], "row")
    likelihood = found.likelihood
    context = {
        "model": plain(found.name),
        "images": False,
        "what": _NAMES[density.energy],
        "method": METHODS[density.method].meaning,
        "fitted": {"rows": rows, "columns": counted(len(density.schema_.columns), "column")},
        "version_fitted": manifest["versions"]["quasistatic"],
        "data": data and {"name": plain(data.name), "rows": counted(data.total, "row")},
        "sides": [] if likelihood is None else mean_sides(likelihood),
        "scored": likelihood and counted(len(likelihood.lower), "row"),
        "meaning": MEANINGS[found.generated.method],
        "notices": _notices(found),
        "measure": plain(found.generated.base_measure),
        "schema": tables.schema_table(density.schema_),
        "marginals": marginals_section(found.marginals, found.sampled, data),
        "dependence": dependence_section(found.association, len(found.marginals)),
        "scores": draw_scores(
            found.generated.lower, None if likelihood is None else likelihood.lower
        ),
        "normaliser": tables.normaliser_table(manifest["normaliser"]),
        "kind": manifest["normaliser"]["kind"],
        "told": tables.values_table("What the method itself reports", "", manifest["told"]),
        "origin": tables.origin_tables(manifest, density.get_params(deep=False)),
    }
    return rendered("energy.html.jinja", context)


def _notices(found: EnergyFindings) -> list[str]:
    data = found.data
    if data is None:
        return [
            "No data were given: give DATA, best of rows that the energy was not fitted on, to see"
            " their log p, and real columns and pairs against sampled ones."
        ]
    said = data.of_a_part(found.seed)
    if data.seen:
        said.append(
            "These data are the table that the energy was fitted on, which flatters its likelihood."
            " For a judgement, give rows that it has not seen."
        )
    if data.holes:
        said.append(
            f"{data.holes:,} of {counted(data.rows, 'row')} have missing cells and get no log p: an"
            " energy has none of parts of a row."
        )
    if data.compared < data.rows:
        said.append(
            f"Columns and pairs are compared on {data.compared:,} of the {data.rows:,} rows, drawn"
            f" at random (seed {found.seed})."
        )
    return said
