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
import numpy as np

from quasistatic.bound.lower import WeightedBound
from quasistatic.compiled import QUICKLY
from quasistatic.errors import DataError
from quasistatic.forward import tabulated
from quasistatic.model import DiffusionModel
from quasistatic.posterior.evidence.base import AbstractEvidence, AllOf
from quasistatic.posterior.evidence.observed import Observed
from quasistatic.posterior.walks.ordered import OrderedWalk, is_absorbing
from quasistatic.posterior.walks.populations import Populations
from quasistatic.posterior.walks.twisted import Posterior, TwistedWalk
from quasistatic.rows import Row, in_chunks, joined, row_checksums, rows_at_once, take
from quasistatic.trajectory import sample_rows
from quasistatic.typing import Array, Key

__all__ = [
    "CHUNK",
    "COLLAPSED",
    "SHORT",
    "Beside",
    "Posteriors",
    "Walk",
    "evidence_of_rows",
    "impute_rows",
    "numbers_among_equals",
    "posterior_rows",
    "walk_of",
    "walk_rows",
]

CHUNK = 2048
"""Number of particles that walk at once."""

SHORT = 16
"""Steps of a walk without resampling, at most."""
_FEW, _MANY = 4, 8
"""Populations of a row: many where each of them has `_SIZE` particles."""
_SIZE = 16
"""Particles of each of many populations: draws of smaller ones are too much alike."""
COLLAPSED = 2.0
"""Fewer effective particles than this, and a row's draws say little."""

Walk = TwistedWalk | OrderedWalk | Populations


class Posteriors(NamedTuple):
    """Posteriors of N rows, NumPy; of one piece of evidence N is 1.

    Args:
        draws: n draws of each row, `[N, n, D]` per block, in the model's space.
        log_evidence: log Z of each row, `[N]` nats; `-inf` where the evidence is impossible (the
            draws then mean nothing), NaN where nothing had to be computed.
        stderr: standard error of `log_evidence`, `[N]` nats.
        ess: effective sample size of the last weights, `[N]`, at most `particles`.
        lowest_ess: lowest effective sample size of the walk, `[N]`.
        particles: number of particles behind the draws of a row.
    """

    draws: tuple[np.ndarray, ...]
    log_evidence: np.ndarray
    stderr: np.ndarray
    ess: np.ndarray
    lowest_ess: np.ndarray
    particles: int

    @property
    def impossible(self) -> np.ndarray:
        """Rows whose evidence no particle met, bool `[N]`."""
        return np.isneginf(self.log_evidence)

    @property
    def collapsed(self) -> np.ndarray:
        """Rows with fewer than `COLLAPSED` effective particles at the end, bool `[N]`."""
        return self.ess < COLLAPSED


class Beside(NamedTuple):
    """What is known of N rows beside their cells.

    Args:
        evidence: evidence of N rows.
        informed: rows of which it says something, bool `[N]`.
    """

    evidence: AbstractEvidence
    informed: np.ndarray

    def take(self, index: np.ndarray) -> "Beside":
        """That of some of the rows."""
        return Beside(take(self.evidence, index), self.informed[index])


def _evidence(rows: Row, beside: Beside | None) -> AbstractEvidence:
    """The evidence of the cells of rows, and of what is known beside them."""
    return Observed.of(rows) if beside is None else AllOf((Observed.of(rows), beside.evidence))


def posterior_rows(
    model: DiffusionModel,
    evidence: AbstractEvidence,
    *,
    draws: int,
    particles: int,
    key: Key,
    chunk: int = CHUNK,
) -> Posteriors:
    """Posteriors of the N rows of a table's evidence (every array of it has the leading axis N);
    equal rows get other draws.

    Args:
        model: model p.
        evidence: evidence of N rows.
        draws: number n of draws of each row, taken from its particles as `TwistedWalk` says.
        particles: number P of particles of each row, rounded up to whole populations; at least one
            for each draw walks.
        key: random key of all rows.
        chunk: number of particles that walk at once, at least those of one row (default 2048).
    """
    checksums = _checksums(evidence)
    walk, rows = walk_of(model, max(particles, draws), draws), jax.tree.map(np.asarray, evidence)
    return walk_rows(
        walk, model, rows, checksums, numbers_among_equals(checksums), key, chunk, shared=False
    )


def _checksums(evidence: AbstractEvidence) -> np.ndarray:
    """Checksums of the content of every row, uint32 `[N]`."""
    leaves = tuple(np.asarray(leaf) for leaf in jax.tree.leaves(evidence))
    if not leaves or len(leaves[0]) == 0:
        raise DataError("there is no row to condition on", fix="give at least one row")
    return row_checksums(leaves)


def walk_of(model: DiffusionModel, particles: int, draws: int) -> Walk:
    """The sampler for a row of a model. Its number of draws is an array: another one needs no other
    program.

    Particles that walk at most `SHORT` steps are not resampled: so early, promises of the model
    choose worse than final weights (`benchmarks/resampling.py`), and independent weights know their
    error. On longer walks there are several populations, `_FEW` or `_MANY` of them, whose spread is
    the error.
    """
    n = jax.device_put(np.int32(draws))
    if is_absorbing(model):
        return OrderedWalk(particles, n)
    if model.trajectory_length <= SHORT:
        return TwistedWalk(particles, n, threshold=0.0)
    runs = _FEW if particles < _MANY * _SIZE else _MANY
    return Populations(-(-particles // runs), runs, n)


def walk_rows(
    walk: Walk,
    model: DiffusionModel,
    evidence: AbstractEvidence,
    checksums: np.ndarray,
    numbers: np.ndarray,
    key: Key,
    chunk: int,
    *,
    shared: bool,
) -> Posteriors:
    """A population for each of N checksums and numbers, which are its random key.

    Args:
        walk: sampler for one row.
        model: model p.
        evidence: evidence of N rows, or of one row where it is shared.
        checksums: checksums of the rows' content, uint32 `[N]`.
        numbers: numbers of the rows, uint32 `[N]`.
        key: random key of all populations.
        chunk: number of particles that walk at once, at least those of one row.
        shared: whether all populations have one piece of evidence.
    """

    def program(index: np.ndarray) -> Posterior:
        here = evidence if shared else take(evidence, index)
        content, number = jax.device_put((checksums[index], numbers[index]))
        found = _walk_chunk(walk, model, here, content, number, key, shared)
        # A copy, not a view: the other places need not be kept until the last chunk.
        draws = (np.ascontiguousarray(np.asarray(x)[:, : int(walk.draws)]) for x in found.draws)
        return found._replace(draws=tuple(draws))

    n_rows = len(checksums)
    size = rows_at_once(model, n_rows, chunk, walks=walk.particles)
    whole: Any = joined(in_chunks(program, n_rows, size))
    log_evidence, variance, ess, lowest = (
        np.asarray(x, np.float64)
        for x in (whole.log_evidence, whole.variance, whole.ess, whole.lowest_ess)
    )
    return Posteriors(whole.draws, log_evidence, np.sqrt(variance), ess, lowest, walk.particles)


@eqx.filter_jit(compiler_options=QUICKLY)  # type: ignore[call-overload]
def _walk_chunk(
    walk: Walk,
    model: DiffusionModel,
    evidence: AbstractEvidence,
    checksums: Array,
    numbers: Array,
    key: Key,
    shared: bool,
) -> Posterior:
    model = tabulated(model)

    def one(r: AbstractEvidence, checksum: Array, number: Array) -> Posterior:
        return walk(model, r, key=jax.random.fold_in(jax.random.fold_in(key, checksum), number))

    return jax.vmap(one, in_axes=(None if shared else 0, 0, 0))(evidence, checksums, numbers)


def numbers_among_equals(values: np.ndarray) -> np.ndarray:
    """0 for the first of its kind, 1 for the second, ...; uint32 `[N]`."""
    order = np.argsort(values, kind="stable")
    ordered, place = values[order], np.arange(len(values))
    first = np.r_[True, ordered[1:] != ordered[:-1]]
    numbers = np.empty(len(values), np.uint32)
    numbers[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return numbers


def impute_rows(
    model: DiffusionModel,
    rows: Row,
    *,
    n_imputations: int,
    particles: int,
    key: Key,
    chunk: int = CHUNK,
    beside: Beside | None = None,
) -> Posteriors:
    """Draws of the missing cells given the observed ones. Rows without a hole cost nothing, rows
    without a cell are plain samples.

    The draws of one row come from its particles (`walk_of`): each is a draw of the posterior (as P
    grows), but two of them may share ancestors, which makes them a little more alike than
    independent draws.

    Args:
        model: model whose posterior is drawn from.
        rows: N rows with holes, one `Cells` [N, D] per block.
        n_imputations: number n of draws of each row.
        particles: number P of particles of each row.
        key: random key of all rows.
        chunk: number of particles that walk at once, at most (default 2048).
        beside: what is known of the rows beside their cells; None (default) is nothing.

    Returns:
        Whole rows, in which observed cells keep their value. The numbers of rows without a hole are
        NaN.
    """
    observed = np.concatenate([np.asarray(cells.observed) for cells in rows], axis=1)
    full, empty = observed.all(axis=1), ~observed.any(axis=1)
    if beside is not None:
        empty &= ~beside.informed
    # An atom's continuous cell is drawn too: nothing of it is decoded.
    draws = tuple(np.repeat(np.asarray(c.value)[:, None], n_imputations, axis=1) for c in rows)
    particles = max(particles, n_imputations)
    numbers = np.full((4, len(observed)), np.nan)
    holes = np.flatnonzero(~full & ~empty)
    if len(holes):
        taken = tuple(cells.take(holes) for cells in rows)
        found = posterior_rows(
            model,
            _evidence(taken, None if beside is None else beside.take(holes)),
            draws=n_imputations,
            particles=particles,
            key=jax.random.fold_in(key, 0),
            chunk=chunk,
        )
        _fill(draws, rows, holes, found.draws)
        numbers[:, holes] = found.log_evidence, found.stderr, found.ess, found.lowest_ess
    nothing = np.flatnonzero(empty)
    if len(nothing):
        drawn = sample_rows(model, len(nothing) * n_imputations, key=jax.random.fold_in(key, 1))
        shape = len(nothing), n_imputations, -1
        _fill(draws, rows, nothing, tuple(np.asarray(x).reshape(shape) for x in drawn))
        numbers[:, nothing] = np.array([0.0, 0.0, particles, particles])[:, None]
    return Posteriors(draws, *numbers, particles=particles)


def _fill(
    states: tuple[np.ndarray, ...], rows: Row, index: np.ndarray, draws: tuple[np.ndarray, ...]
) -> None:
    """Write the draws `[n_rows, n, D]` of some rows into the cells that are not observed."""
    for state, cells, drawn in zip(states, rows, draws, strict=True):
        there = np.asarray(cells.observed)[index][:, None]
        state[index] = np.where(there, state[index], drawn)


def evidence_of_rows(
    model: DiffusionModel,
    rows: Row,
    *,
    particles: int,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
    beside: Beside | None = None,
) -> WeightedBound:
    """Log-likelihood of the observed cells of every row, nats: a lower bound in expectation, as `E
    Z = p(observed cells)`.

    Equal rows get equal noise, so the result of a row depends neither on the other rows nor on
    their order.

    Args:
        model: model p.
        rows: N rows with holes, one `Cells` [N, D] per block.
        particles: number P of particles of each row.
        key: random key of all rows.
        chunk: number of particles that walk at once, at least those of one row (default 2048).
        identity: uint32 `[N]` that tells the rows' noise apart (default None: checksums of their
            content). Evidences of one row that are to be compared are given one identity: the
            errors that they have in common cancel in the difference.
        beside: what is known of the rows beside their cells; None (default) is nothing.
    """
    evidence = _evidence(rows, beside)
    checksums = _checksums(evidence) if identity is None else np.asarray(identity, np.uint32)
    walk, numbers = walk_of(model, particles, 1), np.zeros(len(checksums), np.uint32)
    found = walk_rows(
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
