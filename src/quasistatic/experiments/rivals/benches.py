"""The four benches: what is run on which data."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

from quasistatic.errors import DataError
from quasistatic.experiments import spiral
from quasistatic.experiments.rivals import contestants, machines, normalisers
from quasistatic.experiments.rivals.entry import Entry, averaged, timed
from quasistatic.experiments.rivals.sizes import Sizes
from quasistatic.rivals import exact
from quasistatic.rivals.energy import starting_bias
from quasistatic.rivals.graph import complete
from quasistatic.rivals.methods import learn, starting_energy
from quasistatic.rivals.network_energy import NetworkEnergy, network_energy
from quasistatic.rivals.score_matching import Loss, denoising, fit
from quasistatic.rivals.score_matching import exact as hyvarinen

Stage = Callable[[str], None]
_HIDDEN = 16
_BLUR = 0.05
_GRID = np.linspace(-3.5, 3.5, 701)


class Bench(NamedTuple):
    """What a bench found.

    Args:
        name: name of the bench.
        title: one line on the data.
        entries: lines of the methods.
        claims: what is said of log Z of the known machine; empty where there is none.
        log_z: its exact log Z, nats; None where there is none.
        truth: log p of the test rows under the truth, nats per row; None if unknown.
        published: errors of couplings and correlations by method, where they are of this size.
    """

    name: str
    title: str
    entries: list[Entry]
    claims: list[normalisers.Claim]
    log_z: float | None
    truth: float | None
    published: Mapping[str, tuple[float, float]] = MappingProxyType({})


# name -> (method, how it finds Z by itself, settings)
_GLASS = {
    "exact": ("exact", "exact", {"l2": 1e-5}),
    "pseudolikelihood": ("pseudolikelihood", "ais", {"l2": 1e-5}),
    "mpf": ("mpf", "ais", {"l2": 1e-4}),
    "ratio": ("ratio", "ais", {"l2": 1e-5}),
    "cd-1": ("cd", "ais", {}),
    "cd-10": ("cd", "ais", {"k": 10}),
    "pcd": ("centred-pcd", "ais", {}),
    "mean-field": ("mean-field", "mean-field", {}),
    "tap": ("tap", "tap", {}),
    "bethe": ("bethe", "bethe", {}),
}


def glass(sizes: Sizes, seed: int, tell: Stage) -> Bench:
    """Bench (a): spin glasses of several seeds, their couplings learned by every method."""
    found: dict[str, list[Entry]] = {}
    truths, first = [], machines.glass(sizes.side, seed)
    for number in range(sizes.seeds):
        known = _glass(sizes, seed + number)
        truths.append(float(np.mean(exact.log_prob(known.truth, known.test))))
        for entry in _energies(known, sizes, seed + number, tell, f"glass {number + 1}"):
            found.setdefault(entry.method, []).append(entry)
    tell("glass: what is said of log Z")
    bias = np.zeros(sizes.side**2)
    said = normalisers.claims(
        first, bias, paths=sizes.paths, steps=sizes.steps, repetitions=sizes.repetitions
    )
    title = f"{_title_of_glass(sizes)}, mean of {sizes.seeds} seed(s)"
    entries = [averaged(entries) for entries in found.values()]
    published = machines.PUBLISHED if sizes.side == machines.PUBLISHED_SIDE else {}
    log_z, log_p = exact.log_partition(first), float(np.mean(truths))
    return Bench("glass", title, entries, said, log_z, log_p, published)


def glass_models(sizes: Sizes, seed: int, tell: Stage) -> Bench:
    """Bench (a) for models that are normalised by themselves, on the first of the spin glasses."""
    known = _glass(sizes, seed)
    truth = float(np.mean(exact.log_prob(known.truth, known.test)))
    entries = _models(known, truth, sizes, seed, tell, "glass-models")
    return Bench("glass-models", f"{_title_of_glass(sizes)}, the first", entries, [], None, truth)


def bits(sizes: Sizes, seed: int, tell: Stage) -> Bench:
    """Bench (b): samples of the Boltzmann machine of real bits."""
    try:
        name, rows = "nltcs", machines.nltcs()
    except DataError:
        name, rows = "penguins as bits", machines.penguins()
    truth = machines.of_bits(rows)
    known = machines.known(truth, sizes.known_rows, sizes.test, seed)
    log_p = float(np.mean(exact.log_prob(truth, known.test)))
    entries = _energies(known, sizes, seed, tell, "bits")
    entries += _models(known, log_p, sizes, seed, tell, "bits")
    bias = np.asarray(starting_bias(jnp.asarray(known.train.mean(axis=0)), len(known.train)))
    tell("bits: what is said of log Z")
    said = normalisers.claims(
        truth, bias, paths=sizes.paths, steps=sizes.steps, repetitions=sizes.repetitions
    )
    title = (
        f"complete Boltzmann machine of {name}, {truth.sites} bits, "
        f"{sizes.known_rows:,} exact samples"
    )
    return Bench("bits", title, entries, said, exact.log_partition(truth), log_p)


def digits(sizes: Sizes, seed: int, tell: Stage) -> Bench:
    """Bench (c): restricted machines on scikit-learn's 8 x 8 digits, a pixel being 1 above half of
    its range. The truth is unknown.
    """
    pixels, _ = load_digits(return_X_y=True)
    rows = (np.asarray(pixels) >= 8).astype(np.float32)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))]
    train, test = rows[:1400], rows[1400:]
    start = starting_energy("rbm", train, complete(64), _HIDDEN, seed)
    entries, last = [], start
    for name, method, settings in (
        ("cd-1", "cd", {}),
        ("pcd", "pcd", {}),
        ("centred-pcd", "centred-pcd", {}),
    ):
        tell(f"digits: {name}")
        entry, last = contestants.energy_entry(
            f"restricted machine, {name}",
            lambda method=method, settings=settings: learn(
                "rbm", method, start, train, updates=2 * sizes.updates, seed=seed, **settings
            ),
            test,
            None,
            paths=sizes.paths,
            steps=sizes.steps,
            seed=seed,
        )
        entries.append(entry)
    bias = np.asarray(starting_bias(jnp.asarray(train.mean(axis=0)), len(train)))
    tell("digits: what is said of log Z")
    said = normalisers.claims(
        last, bias, paths=sizes.paths, steps=sizes.steps, repetitions=sizes.repetitions
    )
    entries += _normalised(train, test, None, sizes, seed, tell, "digits", lambda draw: {}, 40)
    title = f"8 x 8 binary digits, {len(train):,} images, {_HIDDEN} hidden bits"
    return Bench("digits", title, entries, said, exact.log_partition(last), None)


def roll(sizes: Sizes, seed: int, tell: Stage) -> Bench:
    """Bench (d): the Swiss roll, an energy by score matching beside diffusion."""
    train, test = spiral.sample(sizes.roll_rows, 3 * seed), spiral.sample(sizes.test, 3 * seed + 1)
    truth = float(np.mean(spiral.log_density(test)))
    entries = [
        _score_matched(name, loss, train, test, truth, sizes, seed, tell)
        for name, loss in (
            ("score matching", hyvarinen),
            (f"denoising score matching, noise {_BLUR}", denoising(_BLUR)),
        )
    ]
    tell("roll: diffusion")
    entries.append(
        contestants.diffusion_entry(
            train, test, truth, sizes.diffusion, trajectories=sizes.trajectories, seed=seed
        )
    )
    return Bench("roll", f"Swiss roll, {sizes.roll_rows:,} rows", entries, [], None, truth)


BENCHES: dict[str, Callable[[Sizes, int, Stage], Bench]] = {
    "glass": glass,
    "glass-models": glass_models,
    "bits": bits,
    "digits": digits,
    "roll": roll,
}


def _glass(sizes: Sizes, seed: int) -> machines.Known:
    return machines.known(machines.glass(sizes.side, seed), sizes.rows, sizes.test, seed)


def _title_of_glass(sizes: Sizes) -> str:
    return f"spin glass on a {sizes.side} x {sizes.side} lattice, {sizes.rows:,} exact samples"


def _energies(
    known: machines.Known, sizes: Sizes, seed: int, tell: Stage, where: str
) -> list[Entry]:
    """All methods that learn the couplings of a known machine."""
    truth = float(np.mean(exact.log_prob(known.truth, known.test)))
    start = starting_energy("boltzmann", known.train, known.truth.graph, 1, seed)

    def errors(estimate: Any) -> dict[str, float]:
        return machines.errors(known, estimate)

    entries = []
    for name, (method, own, settings) in _GLASS.items():
        tell(f"{where}: {name}")
        chains = {"updates": sizes.updates, "seed": seed} if "cd" in method else {}
        entry, _ = contestants.energy_entry(
            name,
            lambda m=method, s={**settings, **chains}: learn(
                "boltzmann", m, start, known.train, **s
            ),
            known.test,
            truth,
            own=own,
            errors=errors,
            paths=sizes.paths,
            steps=sizes.steps,
            seed=seed,
        )
        entries.append(entry)
    return entries


def _models(
    known: machines.Known, truth: float, sizes: Sizes, seed: int, tell: Stage, where: str
) -> list[Entry]:
    """Models that are normalised by themselves, on samples of a known machine."""

    def errors(draw: Any) -> dict[str, float]:
        return machines.errors(known, draw)

    return _normalised(known.train, known.test, truth, sizes, seed, tell, where, errors, 20)


def _normalised(
    train: np.ndarray,
    test: np.ndarray,
    truth: float | None,
    sizes: Sizes,
    seed: int,
    tell: Stage,
    where: str,
    errors: contestants.Errors,
    components: int,
) -> list[Entry]:
    """Variational Bayes and diffusion."""
    tell(f"{where}: variational Bayes")
    mixture = contestants.mixture_entry(
        train, test, truth, components=components, errors=errors, seed=seed
    )
    encoder = contestants.autoencoder_entry(
        train, test, truth, updates=sizes.updates, draws=200, errors=errors, seed=seed
    )
    tell(f"{where}: diffusion")
    diffusion = contestants.diffusion_entry(
        train, test, truth, sizes.diffusion, trajectories=sizes.trajectories, errors=errors,
        seed=seed,
    )  # fmt: skip
    return [mixture, encoder, diffusion]


def _score_matched(
    name: str,
    loss: Loss,
    train: np.ndarray,
    test: np.ndarray,
    truth: float,
    sizes: Sizes,
    seed: int,
    tell: Stage,
) -> Entry:
    """A network energy; Z by the sum over a grid."""
    tell(f"roll: {name}")
    first, later = jax.random.split(jax.random.key(seed))
    rows = jnp.asarray(train, jnp.float32)
    energy, fit_seconds = timed(
        lambda: jax.block_until_ready(
            fit(
                loss, network_energy(2, 64, key=first), rows, updates=sizes.score_updates, key=later
            )
        )
    )
    mesh = np.stack(np.meshgrid(_GRID, _GRID), axis=-1).reshape(-1, 2)
    on_grid = _weights(energy, mesh)
    log_z = float(np.logaddexp.reduce(on_grid) + 2 * np.log(_GRID[1] - _GRID[0]))
    weights, score_seconds = timed(lambda: _weights(energy, test))
    value = float(np.mean(weights)) - log_z
    return Entry(
        name, "by quadrature", False, value, False, truth - value, None, None,
        fit_seconds, None, score_seconds * 1000 / len(test), "no", {},
    )  # fmt: skip


def _weights(energy: NetworkEnergy, rows: np.ndarray) -> np.ndarray:
    of_rows = jax.jit(lambda energy, x: jax.lax.map(energy.log_weight, x, batch_size=4096))
    return np.asarray(of_rows(energy, jnp.asarray(rows, jnp.float32)), np.float64)
