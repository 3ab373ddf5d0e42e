"""Bench (d): the Swiss roll, an energy by score matching beside diffusion."""

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.experiments import spiral
from quasistatic.experiments.rivals import contestants
from quasistatic.experiments.rivals.bench import Bench, Stage
from quasistatic.experiments.rivals.entry import Entry, timed
from quasistatic.experiments.rivals.sizes import Sizes
from quasistatic.rivals.network_energy import NetworkEnergy, network_energy
from quasistatic.rivals.score_matching import Loss, denoising, fit
from quasistatic.rivals.score_matching import exact as hyvarinen

_BLUR = 0.05
_GRID = np.linspace(-3.5, 3.5, 701)
_AS_IN_THE_PAPER = {"model": "diffusion", "trajectory_length": 40, "components": 1}
_PAPER_NAME = "diffusion, 40 steps as in the paper"


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
    for name, own in (("diffusion", {}), (_PAPER_NAME, _AS_IN_THE_PAPER)):
        tell(f"roll: {name}")
        entries.append(
            contestants.diffusion_entry(
                train, test, truth, sizes.diffusion | own,
                trajectories=sizes.trajectories, seed=seed, name=name,
            )
        )  # fmt: skip
    return Bench("roll", f"Swiss roll, {sizes.roll_rows:,} rows", entries, [], None, truth)


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
