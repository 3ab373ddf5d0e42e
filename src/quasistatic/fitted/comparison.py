r"""Several models on the rows of one table: paired differences of log p, and how far samples are
from the rows.

Two models are compared row by row: `mean_n [log p(x_n) - log p'(x_n)]`, whose standard error is
that of the differences, mostly far below the errors of the two means. The numbers must be of one
base measure. Of samples beside rows two distances are told, 0 where they agree:

- of columns: the mean over columns of the Kolmogorov distance of numbers, the total variation of
  states;
- of pairs: the root mean square difference of the correlations of all columns (numbers by their
  ranks among the rows, states one column each); two samples of n rows of one distribution are about
  `sqrt(2 / n)` apart.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.fitted.likelihood import Likelihood, mean_and_stderr

__all__ = ["Distance", "Pair", "check_measures", "distance", "paired"]


class Pair(NamedTuple):
    """A model beside the first one, nats per row.

    Args:
        mean: mean log p of the rows.
        stderr: standard error of `mean` over the rows.
        difference: mean difference from the first model; above 0 where this one is likelier.
        difference_stderr: standard error of `difference`, of the paired rows.
    """

    mean: float
    stderr: float
    difference: float
    difference_stderr: float


class Distance(NamedTuple):
    """How far samples are from rows.

    Args:
        columns: mean distance of the columns' distributions, 0 to 1.
        pairs: root mean square difference of the correlations.
        chance: what `pairs` is about for two samples of one distribution.
    """

    columns: float
    pairs: float
    chance: float


def check_measures(likelihoods: Mapping[str, Likelihood]) -> None:
    """Refuse log-likelihoods that are of different base measures.

    Args:
        likelihoods: log-likelihood of the rows by the model's name, two at least.

    Raises:
        SettingError: naming two models and their measures.
    """
    (first, found), *others = likelihoods.items()
    for name, other in others:
        if other.base_measure != found.base_measure:
            raise SettingError(
                f"{first} and {name} cannot be compared: their numbers are of different base "
                f"measures.\n  {first}: {found.base_measure}\n  {name}: {other.base_measure}",
                fix="fit them on one table, with one schema (`--schema`)",
            )


def paired(likelihoods: Mapping[str, Likelihood]) -> dict[str, Pair]:
    """Every model beside the first.

    Args:
        likelihoods: log-likelihood of the same rows by the model's name, two at least.

    Raises:
        SettingError: the base measures differ.
    """
    check_measures(likelihoods)
    first = next(iter(likelihoods.values())).lower
    return {
        name: Pair(found.mean, found.mean_stderr, *mean_and_stderr(found.lower - first))
        for name, found in likelihoods.items()
    }


def distance(schema: Schema, rows: Table, samples: Table) -> Distance:
    """How far samples are from rows, by columns and by pairs of columns.

    Args:
        schema: schema of the columns.
        rows: rows of the data; missing cells count for nothing.
        samples: rows that a model generated.
    """
    of_columns, parts = [], []
    for column in schema.columns:
        real, drawn = (_numbers(table.frame[column.name], column) for table in (rows, samples))
        here, there = real[~np.isnan(real)], drawn[~np.isnan(drawn)]
        if column.is_discrete:
            states = np.unique(np.concatenate([here, there]))
            shares = [np.array([np.mean(x == s) for s in states]) for x in (here, there)]
            of_columns.append(0.5 * float(np.abs(shares[0] - shares[1]).sum()))
            parts += [(real == state, drawn == state) for state in states[1:]]
        else:
            grid = np.sort(np.concatenate([here, there]))
            ranks = [np.searchsorted(np.sort(x), grid, "right") / len(x) for x in (here, there)]
            of_columns.append(float(np.abs(ranks[0] - ranks[1]).max()))
            order = np.sort(here)
            parts.append(tuple(np.searchsorted(order, x) for x in (real, drawn)))
    real, drawn = (np.stack([part[k] for part in parts], axis=1).astype(float) for k in (0, 1))
    gap = _correlations(real) - _correlations(drawn)
    pairs = gap[np.triu_indices(len(gap), 1)]
    chance = np.sqrt(1.0 / len(real) + 1.0 / len(drawn))
    of_pairs = float(np.sqrt(np.mean(pairs**2))) if len(pairs) else 0.0
    return Distance(float(np.mean(of_columns)), of_pairs, float(chance))


def _numbers(series: pl.Series, column: Column) -> np.ndarray:
    """A column as float64, missing cells NaN: states by their place in the schema."""
    if column.is_discrete:
        place = {str(value): n for n, value in enumerate(column.categories)}
        return np.array([np.nan if v is None else place.get(str(v), -1) for v in series], float)
    physical = series.to_physical() if series.dtype.is_temporal() else series
    return physical.cast(pl.Float64, strict=False).to_numpy()


def _correlations(x: np.ndarray) -> np.ndarray:
    """Correlations of the columns; 0 with a constant one."""
    centred = x - x.mean(axis=0)
    scale = np.sqrt(np.mean(centred**2, axis=0))
    safe = np.where(scale > 0, scale, 1.0)
    return (centred / safe).T @ (centred / safe) / len(x)
