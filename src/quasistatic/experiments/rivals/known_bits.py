"""Benches (a) and (b): samples of a Boltzmann machine that is known."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from quasistatic.errors import DataError
from quasistatic.experiments.rivals import contestants, machines, normalisers
from quasistatic.experiments.rivals.bench import Bench, Stage, normalised
from quasistatic.experiments.rivals.entry import Entry, averaged
from quasistatic.experiments.rivals.sizes import Sizes
from quasistatic.rivals import exact
from quasistatic.rivals.energy import starting_bias
from quasistatic.rivals.methods import learn, starting_energy

# name -> (method, how it finds Z by itself, settings)
_GLASS = {
    "exact": ("exact", "exact", {"l2": 1e-5}),
    "pseudolikelihood": ("pseudolikelihood", "ais", {"l2": 1e-5}),
    "mpf": ("mpf", "ais", {"l2": 1e-4}),
    "mpf-opposite": ("mpf-opposite", "ais", {"l2": 1e-4}),
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

    return normalised(known.train, known.test, truth, sizes, seed, tell, where, errors, 20)
