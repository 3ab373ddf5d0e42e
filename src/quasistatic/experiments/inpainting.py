r"""Holes in held-out images (the paper's figure 5): a square window filled by twisted
sequential Monte Carlo, and by the 2015 recipe.

    log Z = log p(pixels outside the window),     E Z = Z for every number of particles,

so the mean of log Z over independent populations is below the true value in expectation; its
standard error is their standard deviation over the square root of their number. The draw that is
shown comes from a population chosen in proportion to its Z.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.experiments.experiment import Run, Trained
from quasistatic.experiments.figures.restored import restored_images
from quasistatic.model import DiffusionModel
from quasistatic.posterior import Observed, Recipe2015
from quasistatic.posterior.query import posterior_rows
from quasistatic.typing import Key, State

POPULATIONS = 4
"""Independent ones for every image."""


class Filled(NamedTuple):
    """Images with missing pixels, filled by both methods; NumPy.

    Args:
        smc: a draw from each posterior, `[N, D]`; given pixels as they were.
        recipe: a draw by the 2015 recipe, `[N, D]`.
        log_evidence: log Z of every population, `[N, POPULATIONS]`, nats, in the model's units.
        ess: effective sample size of every population at the end, `[N, POPULATIONS]`.
    """

    smc: np.ndarray
    recipe: np.ndarray
    log_evidence: np.ndarray
    ess: np.ndarray


def window(height: int, width: int) -> np.ndarray:
    """The missing pixels, bool `[height, width]`: the square in the middle, half as wide as the
    shorter side.

    Example:
        >>> int(window(16, 16).sum())
        64
    """
    side = min(height, width) // 2
    top, left = (height - side) // 2, (width - side) // 2
    hole = np.zeros((height, width), bool)
    hole[top : top + side, left : left + side] = True
    return hole


def fill(model: DiffusionModel, rows: Cells, *, particles: int, key: Key) -> Filled:
    """Fill the cells of whole rows that are not observed.

    Args:
        model: trained model of the rows.
        rows: cells `[N, D]`, some of them unobserved.
        particles: number of particles of each population.
        key: random key of all populations.
    """
    n = len(rows.value)
    smc_key, recipe_key, choice_key = jax.random.split(key, 3)
    repeated = Observed.of((rows.take(np.repeat(np.arange(n), POPULATIONS)),))
    found = posterior_rows(model, repeated, draws=1, particles=particles, key=smc_key)
    log_z = found.log_evidence.reshape(n, POPULATIONS)
    chosen = np.asarray(jax.random.categorical(choice_key, jnp.asarray(log_z, jnp.float32)))
    draws = np.asarray(found.draws[0]).reshape(n, POPULATIONS, -1)[np.arange(n), chosen]
    recipe = np.asarray(_recipe(model, Observed.of((rows,)), jax.random.split(recipe_key, n))[0])
    smc, recipe = (np.where(rows.observed, rows.value, drawn) for drawn in (draws, recipe))
    return Filled(smc, recipe, log_z, found.ess.reshape(n, POPULATIONS))


@eqx.filter_jit
def _recipe(model: DiffusionModel, evidence: Observed, keys: Key) -> State:
    return jax.vmap(lambda r, k: Recipe2015()(model, r, key=k))(evidence, keys)


def _numbers(values: np.ndarray) -> list[float | None]:
    """For JSON, which knows neither NaN nor infinity: None where a population was left without a
    particle.
    """
    return [float(x) if np.isfinite(x) else None for x in values]


def inpainted(run: Run, item: Trained, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Write `inpainting.png`, and return the entry `inpainting` of metrics.json.

    `log_evidence` and `stderr` are in bits per image (all of its pixels outside the window, in the
    unit of the likelihoods), one number an image, null where a population was left without a
    particle; `rms_smc`, `rms_2015` the root-mean-square differences from the original in the
    window, in the model's units, where the standard deviation of a pixel is 1 and two independent
    pixels differ by the square root of 2.

    Args:
        run: finished run; `sizes["restored"]` images and `sizes["particles"]` particles of each
            population are used.
        item: trained model that fills the window.
        shape: (channels, height, width) of an image.
    """
    n, particles = run.setting.sizes["restored"], run.setting.sizes["particles"]
    rows = run.data.test.take(slice(0, n))
    hole = window(*shape[1:])
    seen = np.broadcast_to(~hole, (len(rows.value), *shape)).reshape(rows.value.shape)
    holed = rows._replace(value=np.where(seen, rows.value, 0), observed=seen)
    found = fill(item.model, holed, particles=particles, key=jax.random.key(run.seed))
    n_seen = int(seen[0].sum())
    log_z = (found.log_evidence + run.data.log_volume * n_seen / seen.shape[1]) / math.log(2)
    stderr = log_z.std(axis=1, ddof=1) / math.sqrt(POPULATIONS)

    def rms(filled: np.ndarray) -> float:
        return float(np.sqrt(np.mean(np.square((filled - rows.value)[~seen]))))

    original, smc, recipe = (run.data.decode(x) for x in (rows.value, found.smc, found.recipe))
    notes = [
        f"log p of what is seen\n{z:.0f} ± {e:.0f} bits"
        for z, e in zip(log_z.mean(axis=1), stderr, strict=True)
    ]
    restored_images(
        {
            "original": original,
            "hole": original,
            "sequential Monte Carlo": smc,
            "2015 recipe": recipe,
        },
        run.folder / "inpainting.png",
        notes=notes,
        hole=hole,
        empty=("hole",),
    )
    return {
        "model": item.variant.name,
        "units": "bits per image",
        "pixels_seen": n_seen,
        "pixels_in_the_hole": seen.shape[1] - n_seen,
        "particles": particles,
        "populations": POPULATIONS,
        "log_evidence": _numbers(log_z.mean(axis=1)),
        "stderr": _numbers(stderr),
        "ess": found.ess.mean(axis=1).tolist(),
        "rms_smc": rms(found.smc),
        "rms_2015": rms(found.recipe),
    }
