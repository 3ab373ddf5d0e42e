"""A table with its holes filled by draws given the cells that are there, or by one value from
several draws: the median of numbers, the most frequent category.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from quasistatic.config import require_whole
from quasistatic.data.columns.states import read_codes
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.errors import DataError, SettingError, warn
from quasistatic.fitted._extrapolation import warn_of_far_cells
from quasistatic.fitted.model import Fitted
from quasistatic.posterior.budget import MOST_PARTICLES, effort
from quasistatic.posterior.query import Posteriors
from quasistatic.typing import Key

__all__ = ["COLLAPSED", "Filled", "impute", "point_of", "refuse_impossible"]

COLLAPSED = 1.5
"""Fewer effective particles than this, and the draws of a row are one draw."""


class Filled(NamedTuple):
    """A table with its holes filled n times.

    Args:
        tables: filled tables, one for each imputation.
        posteriors: draws that the tables were made of, with `log_evidence` in the data's own units:
            `[N]` log of the probability (density) of the cells that are there, nats; NaN for rows
            without a hole.
    """

    tables: list[Table]
    posteriors: Posteriors


def impute(
    fitted: Fitted,
    table: Table,
    n_imputations: int = 5,
    point: bool = False,
    particles: int | None = None,
    steps: int | None = None,
    *,
    default_steps: int | None = None,
    key: Key,
) -> Filled:
    """The table with its holes filled by draws given the cells that are there.

    Observed cells are given back as they were. The draws of a row come from a few populations of
    particles: each is a draw of the posterior, two of them are a little more alike than independent
    ones. Equal rows get different draws.

    Args:
        fitted: model and codec.
        table: N rows with the columns of the model.
        n_imputations: number of filled tables (default 5).
        point: whether to give one table of medians and most frequent categories, of as many draws
            as there are particles, 128 at most (default False: draws).
        particles: number of particles per row; None takes `posterior.budget.effort`.
        steps: length of the best sub-schedule that is walked; None walks `default_steps` evenly
            spaced ones.
        default_steps: number of steps without `steps`; None takes `posterior.budget.effort`.
        key: random key of the draws.

    Raises:
        SettingError: `point` with several imputations, a number below 1, or steps out of range.
        DataError, SchemaError: rows that the model cannot encode, or that are impossible under it.
    """
    require_whole("n_imputations", n_imputations, 1)
    if particles is not None:
        require_whole("particles", particles, 1)
    if steps is not None:
        require_whole("steps", steps, 1)
    if point and n_imputations != 1:
        raise SettingError(
            "a point imputation is one table", fix="give n_imputations=1 with point=True"
        )
    codec, source = fitted.codec, table.source
    table = read_as(table, fitted.schema)
    encoded = fitted.encode(table)
    warn_of_far_cells(codec, encoded.rows, source, among=~encoded.whole)
    T, columns = fitted.model.trajectory_length, fitted.model.forward.n_columns
    worth = effort(int(np.count_nonzero(~encoded.whole)), columns, steps or T)
    particles = max(worth.particles if particles is None else particles, n_imputations)
    draws = min(particles, MOST_PARTICLES) if point else n_imputations
    model = fitted.among_particles(steps, default_steps or worth.steps)
    found = fitted.drawn(model, encoded, table, draws=draws, particles=particles, key=key)
    refuse_impossible(found.impossible, source)
    collapsed = np.count_nonzero(found.ess < COLLAPSED)
    if collapsed:
        warn(
            f"{source}: the particles of {collapsed} row(s) collapsed to one (lowest effective "
            f"number {np.nanmin(found.ess):.1f} of {particles}): their imputations are hardly "
            "different; more particles help"
        )
    decoded = [codec.decode([block[:, i] for block in found.draws]) for i in range(draws)]
    filled = [point_of(decoded, codec.schema)] if point else decoded
    if fitted.ties is not None:
        filled = [fitted.ties.kept(drawn, table) for drawn in filled]
    tables = [table.with_values(_kept(table.frame, drawn)) for drawn in filled]
    log_evidence = found.log_evidence + encoded.log_volume
    return Filled(tables, found._replace(log_evidence=log_evidence))


def refuse_impossible(impossible: np.ndarray, source: str) -> None:
    """Name the first row whose evidence no particle met.

    Args:
        impossible: bool flags `[N]` of the rows whose evidence no particle met.
        source: name of what the rows come from, for the message.

    Raises:
        DataError: there is such a row.
    """
    if impossible.any():
        raise DataError(
            f"{np.count_nonzero(impossible)} row(s) are impossible under the model: nothing is "
            "filled",
            where=f"{source}, row {np.argmax(impossible) + 1}",
            fix="check the values of this row, or ask for more particles",
        )


def point_of(draws: Sequence[pl.DataFrame], schema: Schema) -> pl.DataFrame:
    """The frame of medians and modes of frames of one shape; a median is one of the draws, so that
    it keeps to the lattice.

    Args:
        draws: frames with the columns of the schema and the same rows.
        schema: schema of the model's columns.
    """
    columns = []
    for column in schema.columns:
        name = column.name
        if column.is_discrete:
            codes = np.stack([read_codes(d[name], column, "draws")[0] for d in draws])
            counts = np.stack([(codes == k).sum(axis=0) for k in range(len(column.categories))])
            chosen = np.argmax(codes == np.argmax(counts, axis=0), axis=0)
        else:
            values = np.stack(
                [d[name].to_physical().cast(pl.Float64, strict=False).to_numpy() for d in draws]
            )
            chosen = np.argsort(values, axis=0, kind="stable")[len(draws) // 2]
        stacked = pl.concat([d[name] for d in draws])
        columns.append(stacked[chosen.astype(np.int64) * len(draws[0]) + np.arange(len(draws[0]))])
    return pl.DataFrame(columns)


def _kept(frame: pl.DataFrame, filled: pl.DataFrame) -> pl.DataFrame:
    """The frame with its nulls taken from `filled`; other columns and all observed cells stay as
    they are.
    """
    columns = []
    for name in filled.columns:
        there, drawn = frame[name], filled[name]
        columns.append(
            drawn
            if there.dtype == pl.Null
            else there.zip_with(there.is_not_null(), drawn.cast(there.dtype, strict=False))
        )
    return frame.with_columns(columns)
