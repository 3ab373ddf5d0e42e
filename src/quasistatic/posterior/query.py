r"""Posteriors of whole tables, in chunks of rows: memory grows neither with T nor with the number
of rows.

All of them are of the joint model of all cells: the network is told that every cell exists, and the
missing ones are summed over by the sampler. (The chain over the observed cells alone,
`bound.evaluate` on rows with holes, is a likelihood too, but of the marginal that the network
learned for that set of columns; the two agree only as far as the network is consistent.)

The random key of a row is made from its evidence, so results depend neither on the other rows nor
on their order; equal rows get different draws by their number among their equals.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.bound.evaluate import row_checksums
from quasistatic.bound.lower import WeightedBound
from quasistatic.compiled import QUICKLY, forget_programs_if_crowded
from quasistatic.errors import DataError
from quasistatic.model import DiffusionModel
from quasistatic.posterior.evidence import AbstractEvidence
from quasistatic.posterior.observed import Observed
from quasistatic.posterior.ordered import OrderedWalk, is_absorbing
from quasistatic.posterior.smc import Posterior, TwistedWalk
from quasistatic.trajectory import Row, rows_at_once, sample_rows
from quasistatic.typing import Array, Key, State

CHUNK = 2048
"""Particles walking at once."""

COLLAPSED = 2.0
"""Fewer effective particles than this, and a row's draws say little."""


Walk = TwistedWalk | OrderedWalk


class RowPosteriors(NamedTuple):
    """Posteriors of N rows, NumPy.

    Args:
        draws: `[N, n, D]` per block, the n draws of each row.
        log_evidence: `[N]` log Z, nats; `-inf` where the evidence is impossible.
        stderr: `[N]` its standard error (from the families within the run), nats.
        ess: `[N]` effective sample size of the last weights.
        lowest_ess: `[N]` the lowest on the way.
    """

    draws: State
    log_evidence: np.ndarray
    stderr: np.ndarray
    ess: np.ndarray
    lowest_ess: np.ndarray

    @property
    def impossible(self) -> np.ndarray:
        """Rows whose evidence no particle met, bool `[N]`."""
        return ~np.isfinite(self.log_evidence)

    @property
    def collapsed(self) -> np.ndarray:
        """Rows with fewer than `COLLAPSED` effective particles at the end, bool `[N]`."""
        return self.ess < COLLAPSED


def posterior_rows(
    model: DiffusionModel,
    evidence: AbstractEvidence,
    *,
    draws: int,
    particles: int,
    key: Key,
    chunk: int = CHUNK,
) -> RowPosteriors:
    """Posteriors of the N rows of a table's evidence (every array of it has the leading axis N);
    equal rows get other draws.

    Args:
        model: the model.
        evidence: of the rows.
        draws: taken from the particles of each row; see `TwistedWalk`.
        particles: P, at least one for each draw.
        key: random key.
        chunk: particles that walk at once, at least those of one row.
    """
    checksums = _checksums(evidence)
    walk, rows = _walk(model, max(particles, draws), draws), jax.tree.map(np.asarray, evidence)
    return _walked(
        walk, model, rows, checksums, _numbers_among_equals(checksums), key, chunk, shared=False
    )


def _checksums(evidence: AbstractEvidence) -> np.ndarray:
    """Of the content of every row, uint32 `[N]`."""
    leaves = tuple(np.asarray(leaf) for leaf in jax.tree.leaves(evidence))
    if not leaves or len(leaves[0]) == 0:
        raise DataError("there is no row to condition on", fix="give at least one row")
    return row_checksums((leaves,))  # type: ignore[arg-type]


def _walk(model: DiffusionModel, particles: int, draws: int) -> Walk:
    """An array as the number of draws: another one needs no other program."""
    return (OrderedWalk if is_absorbing(model) else TwistedWalk)(
        particles, jnp.asarray(draws, jnp.int32)
    )


def _walked(
    walk: Walk,
    model: DiffusionModel,
    evidence: AbstractEvidence,
    checksums: np.ndarray,
    numbers: np.ndarray,
    key: Key,
    chunk: int,
    *,
    shared: bool,
) -> RowPosteriors:
    """Populations for all checksums and numbers, their evidence row by row or one that they
    share.
    """
    forget_programs_if_crowded()
    n_rows = len(checksums)
    size = rows_at_once(model, n_rows, chunk, walks=walk.particles)
    parts = []
    for begin in range(0, n_rows, size):
        index = np.minimum(np.arange(begin, begin + size), n_rows - 1)
        taken = (
            evidence
            if shared
            else jax.tree.map(lambda x, index=index: jnp.asarray(x[index]), evidence)
        )
        labels = jnp.asarray(checksums[index]), jnp.asarray(numbers[index])
        found = _walk_rows(walk, model, taken, *labels, key, shared)
        found = jax.tree.map(lambda x, n=min(size, n_rows - begin): np.asarray(x)[:n], found)
        # A copy, not a view: the other places need not be kept until the last chunk.
        draws = jax.tree.map(lambda x: np.ascontiguousarray(x[:, : int(walk.draws)]), found.draws)
        parts.append(found._replace(draws=draws))
    whole: Posterior = jax.tree.map(lambda *xs: np.concatenate(xs), *parts)
    log_evidence, variance, ess, lowest = (
        np.asarray(x, np.float64)
        for x in (whole.log_evidence, whole.variance, whole.ess, whole.lowest_ess)
    )
    return RowPosteriors(whole.draws, log_evidence, np.sqrt(variance), ess, lowest)


@eqx.filter_jit(compiler_options=QUICKLY)  # type: ignore[call-overload]
def _walk_rows(
    walk: Walk,
    model: DiffusionModel,
    evidence: AbstractEvidence,
    checksums: Array,
    numbers: Array,
    key: Key,
    shared: bool,
) -> Posterior:
    def one(r: AbstractEvidence, checksum: Array, number: Array) -> Posterior:
        return walk(model, r, key=jax.random.fold_in(jax.random.fold_in(key, checksum), number))

    return jax.vmap(one, in_axes=(None if shared else 0, 0, 0))(evidence, checksums, numbers)


def _numbers_among_equals(values: np.ndarray) -> np.ndarray:
    """0 for the first of its kind, 1 for the second, ...; uint32 `[N]`."""
    order = np.argsort(values, kind="stable")
    ordered, place = values[order], np.arange(len(values))
    first = np.r_[True, ordered[1:] != ordered[:-1]]
    numbers = np.empty(len(values), np.uint32)
    numbers[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return numbers


class Imputed(NamedTuple):
    """A table with its holes filled n times, NumPy.

    Args:
        states: `[n, N, D]` per block, whole rows in the model's space; observed cells keep their
            value.
        log_evidence: `[N]` log-likelihood of the observed cells, nats; NaN for rows that have no
            hole (nothing was computed).
        ess: `[N]` effective number of particles, NaN likewise.
    """

    states: State
    log_evidence: np.ndarray
    ess: np.ndarray


def impute_rows(
    model: DiffusionModel,
    rows: Row,
    *,
    n_imputations: int,
    particles: int,
    key: Key,
    chunk: int = CHUNK,
) -> Imputed:
    """Draws of the missing cells given the observed ones. Rows without a hole cost nothing, rows
    without a cell are plain samples.

    The imputations of one row come from one population of particles: each is a draw of the
    posterior (as P grows), but two of them may share ancestors, which makes them a little more
    alike than independent draws.

    Args:
        model: the model.
        rows: a table with holes.
        n_imputations: draws of each row.
        particles: P.
        key: random key.
        chunk: particles that walk at once.
    """
    observed = np.concatenate([np.asarray(cells.observed) for cells in rows], axis=1)
    full, empty = observed.all(axis=1), ~observed.any(axis=1)
    # An atom's continuous cell is drawn too: nothing of it is decoded.
    states: list[Any] = [
        np.repeat(np.asarray(cells.value)[None], n_imputations, axis=0) for cells in rows
    ]
    log_evidence, ess = np.full((2, len(observed)), np.nan)
    holes = np.flatnonzero(~full & ~empty)
    if len(holes):
        taken = tuple(cells.take(holes) for cells in rows)
        found = posterior_rows(
            model,
            Observed.of(taken),
            draws=n_imputations,
            particles=particles,
            key=jax.random.fold_in(key, 0),
            chunk=chunk,
        )
        log_evidence[holes], ess[holes] = found.log_evidence, found.ess
        _fill(states, rows, holes, found.draws)
    nothing = np.flatnonzero(empty)
    if len(nothing):
        drawn = sample_rows(model, len(nothing) * n_imputations, key=jax.random.fold_in(key, 1))
        shaped = tuple(x.reshape(len(nothing), n_imputations, -1) for x in drawn)
        _fill(states, rows, nothing, shaped)
        log_evidence[nothing], ess[nothing] = 0.0, particles
    return Imputed(tuple(states), log_evidence, ess)


def _fill(states: list[Any], rows: Row, index: np.ndarray, draws: State) -> None:
    for state, cells, drawn in zip(states, rows, draws, strict=True):
        there = np.asarray(cells.observed)[index][None]
        state[:, index] = np.where(there, state[:, index], np.moveaxis(np.asarray(drawn), 1, 0))


def evidence_of_rows(
    model: DiffusionModel,
    rows: Row,
    *,
    particles: int,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> WeightedBound:
    """Log-likelihood of the observed cells of every row, nats: a lower bound in expectation, as `E
    Z = p(observed cells)`.

    Equal rows get equal noise, so the result of a row depends neither on the other rows nor on
    their order.

    Args:
        model: the model.
        rows: a table with holes.
        particles: P.
        key: random key.
        chunk: particles that walk at once, at least those of one row.
        identity: uint32 `[N]` that tells the rows' noise apart, by default made of their content.
            Evidences of one row that are to be compared are given one identity: the errors that
            they have in common cancel in the difference.
    """
    evidence = Observed.of(rows)
    checksums = _checksums(evidence) if identity is None else np.asarray(identity, np.uint32)
    walk, numbers = _walk(model, particles, 1), np.zeros(len(checksums), np.uint32)
    found = _walked(
        walk,
        model,
        jax.tree.map(np.asarray, evidence),
        checksums,
        numbers,
        key,
        chunk,
        shared=False,
    )
    return WeightedBound(found.log_evidence, found.stderr, found.ess)


class Conditioned(NamedTuple):
    """Draws of one posterior, NumPy.

    Args:
        states: `[n, D]` per block.
        log_evidence: log Z, nats; `-inf` if the evidence is impossible (no states then).
        stderr: of log_evidence, from the spread of the populations, nats.
        ess: effective number of particles of all populations together.
        particles: their number.
    """

    states: State
    log_evidence: float
    stderr: float
    ess: float
    particles: int


def condition_rows(
    model: DiffusionModel,
    evidence: AbstractEvidence,
    n_rows: int,
    *,
    key: Key,
    particles: int = 64,
    populations: int = 8,
) -> Conditioned:
    """`n_rows` draws of the posterior of one evidence, exactly that many (none if the evidence is
    impossible), and log Z.

    Independent populations are run, at least so many that there are two particles for each draw;
    the draws are shared out among the populations in proportion to their Z, so that the bias of one
    small population is that of all particles together.

    Args:
        model: the model.
        evidence: of one row (no leading axis).
        n_rows: how many.
        key: random key.
        particles: P of one population.
        populations: at least this many.
    """
    runs = max(populations, -(-2 * n_rows // particles))
    same, numbers = np.zeros(runs, np.uint32), np.arange(runs, dtype=np.uint32)
    walk = _walk(model, particles, particles)
    found = _walked(walk, model, evidence, same, numbers, key, CHUNK, shared=True)
    log_z = found.log_evidence
    alive = np.isfinite(log_z)
    if not alive.any():
        return Conditioned(
            jax.tree.map(lambda x: x[0, :0], found.draws), -np.inf, np.nan, 0.0, runs * particles
        )
    highest = log_z[alive].max()
    z = np.where(alive, np.exp(np.where(alive, log_z, highest) - highest), 0.0)
    seed = np.asarray(jax.random.key_data(jax.random.fold_in(key, 1)))
    rng = np.random.default_rng(seed.tolist())
    comb = (np.arange(n_rows) + rng.random()) / max(n_rows, 1)
    run = np.searchsorted(np.cumsum(z) / z.sum(), comb).clip(0, runs - 1)
    place = _numbers_among_equals(run) % particles
    order = rng.permutation(n_rows)
    states = jax.tree.map(lambda x: x[run[order], place[order]], found.draws)
    ess = float(z.sum() ** 2 / np.sum(z[alive] ** 2 / found.ess[alive]))
    stderr = float(z.std(ddof=1) / z.mean() / np.sqrt(runs)) if runs > 1 else float(found.stderr[0])
    return Conditioned(states, float(np.log(z.mean()) + highest), stderr, ess, runs * particles)
