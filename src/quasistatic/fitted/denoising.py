"""The posterior mean of columns that were measured with Gaussian noise."""

from collections.abc import Collection, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from quasistatic.config import require_whole
from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec
from quasistatic.data.columns.numbers import as_numbers, check_finite
from quasistatic.data.constraints.language import Comparison
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.reading import read_as
from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.fitted._extrapolation import warn_of_far_cells
from quasistatic.fitted.imputation import refuse_impossible
from quasistatic.fitted.model import Fitted
from quasistatic.posterior import AbstractEvidence, AllOf, Measured, Observed
from quasistatic.posterior.decode import Units
from quasistatic.posterior.query import posterior_rows
from quasistatic.typing import Key

__all__ = ["denoise"]


def denoise(
    fitted: Fitted,
    table: Table,
    sigma: Mapping[str, float] | float,
    n_draws: int = 64,
    particles: int = 64,
    *,
    key: Key,
) -> Table:
    """The table with its noisy columns replaced by their posterior mean, given all cells of their
    row; missing cells of these columns are filled in the same way.

    Args:
        fitted: model and codec.
        table: N rows with the columns of the model.
        sigma: standard deviation of the Gaussian noise of each noisy column, in its units; one
            number stands for all columns of numbers (the pixels of an image, say).
        n_draws: number of draws behind each mean (default 64).
        particles: number of particles per row, at least `n_draws` are taken (default 64).
        key: random key of the draws.

    Raises:
        SettingError: sigma <= 0, an unknown column, or one without numbers or in a constraint.
        DataError, SchemaError: rows that the model cannot encode, or that are impossible under it.
    """
    require_whole("n_draws", n_draws, 1)
    require_whole("particles", particles, 1)
    codec, source = fitted.codec, table.source
    table = read_as(table, fitted.schema)
    sigma = sigma if isinstance(sigma, Mapping) else _of_all_numbers(codec, sigma)
    if fitted.ties is not None:
        _refuse_tied(fitted.ties, sigma)
    free = fitted.free(table)
    rows = codec.encode(Table(_on_lattice(free, codec, sigma), source)).rows
    evidence = _noisy_rows(codec, rows, free.frame, sigma)
    warn_of_far_cells(codec, rows, source)
    found = posterior_rows(
        fitted.model, evidence, draws=n_draws, particles=max(particles, n_draws), key=key
    )
    refuse_impossible(found.impossible, source)
    decoded = [codec.decode([block[:, i] for block in found.draws]) for i in range(n_draws)]
    means = [
        pl.Series(name, np.mean([d[name].cast(pl.Float64).to_numpy() for d in decoded], axis=0))
        for name in sigma
    ]
    return table.with_values(table.frame.with_columns(means))


def _refuse_tied(ties: Ties, sigma: Collection[str]) -> None:
    """Refuse noise on columns that a constraint ties to others: what is measured with noise breaks
    it.
    """
    forms = [one.form for one in ties.statements if isinstance(one, Comparison)]
    tied = {name for form in forms if len(form.terms) > 1 for name in form.names}
    tied |= {name for one in ties.combinations for name in one.members}
    if noisy := sorted(tied & set(sigma)):
        raise SettingError(
            f"the constraints tie {noisy[0]!r} to other columns, and noise on it breaks them",
            fix="name noisy columns that are in no constraint, or fit without it",
        )


def _of_all_numbers(codec: Codec, sigma: float) -> dict[str, float]:
    """The same sigma for every column of numbers."""
    numbers = [c.name for c in codec.continuous if not c.is_temporal]
    if not numbers:
        raise SettingError(
            "the model has no column of numbers to remove noise from",
            fix="ask for imputations instead",
        )
    return dict.fromkeys(numbers, float(sigma))


def _on_lattice(table: Table, codec: Codec, noisy: Collection[str]) -> pl.DataFrame:
    """The frame with noisy numbers at the nearest point of their column's lattice, where noise has
    moved them off it.
    """
    frame, source, moved = table.frame, table.source, {}
    for column in codec.continuous:
        if (
            column.name not in noisy
            or column.name not in frame.columns
            or column.step is None
            or column.unit
        ):
            continue
        numbers = as_numbers(frame[column.name], f"{source}, column {column.name!r}")
        check_finite(numbers, source)
        values = numbers.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        snapped = np.rint((values - column.offset) / column.step) * column.step + column.offset
        moved[column.name] = pl.Series(column.name, snapped).fill_nan(None)
    return frame.with_columns(moved.values())


def _noisy_rows(
    codec: Codec, rows: tuple[Cells, ...], frame: pl.DataFrame, sigma: Mapping[str, float]
) -> AbstractEvidence:
    """Evidence of all rows: noisy columns as measurements, the others as they are."""
    for name, value in sigma.items():
        if name not in codec.continuous_names or codec.schema.column(name).is_temporal:
            fix = f"numbers are {', '.join(map(repr, codec.continuous_names))}"
            raise SettingError(
                f"sigma is given for {name!r}, which is no column of numbers of the model", fix=fix
            )
        if not (np.isfinite(value) and value > 0):
            raise SettingError(f"sigma of {name!r} is {value!r}; it must be positive")
    if not sigma:
        raise SettingError("no column is noisy", fix="give sigma={'column': standard deviation}")
    noisy = np.array([name in sigma for name in codec.continuous_names])
    z = rows[codec.places(next(iter(sigma)))[0].block]
    seen = z.observed & noisy
    values = np.stack(
        [
            frame[n].cast(pl.Float64, strict=False).fill_null(0.0).to_numpy()
            for n in codec.continuous_names
        ],
        1,
    )
    known = codec.without(rows, sigma)  # at which atom a noisy cell is, is not known either
    widths = np.array([sigma.get(name, 1.0) for name in codec.continuous_names], np.float32)
    units = Units.of(codec)
    repeated = jax.tree.map(
        lambda x: np.broadcast_to(np.asarray(x), (len(values), *x.shape)), units
    )
    measured = Measured(
        jnp.asarray(values, jnp.float32),
        jnp.broadcast_to(widths, values.shape),
        jnp.asarray(seen),
        repeated,
    )
    return AllOf((Observed.of(known), measured))
