r"""Held-out images with noise of their own variance (the paper's figure for CIFAR-10): y = x + e, e
~ N(0, 1), signal to noise 1.

The posterior mean is estimated by twisted sequential Monte Carlo. Under a model of independent
pixels, N(0, 1) each, the posterior mean is y / 2, whose error is the square root of 1/2.
"""

from typing import Any

import jax
import numpy as np

from quasistatic.experiments.experiment import Run, Trained
from quasistatic.experiments.figures.restored import restored_images
from quasistatic.posterior import Noisy
from quasistatic.posterior.query import posterior_rows

SIGMA = 1.0
"""Of the noise, in the model's units: the pixels have unit variance."""


def denoised(run: Run, item: Trained) -> dict[str, Any]:
    """Write `denoising.png`, and return the entry `denoising` of metrics.json.

    Root-mean-square errors in units of the pixels' standard deviation: of the noisy images, of half
    of them, of the posterior mean, and of one draw of the posterior.

    Args:
        run: finished run of an experiment with continuous pixels; `sizes["restored"]` images and
            `sizes["particles"]` particles of each are used.
        item: trained model whose posterior it is.
    """
    n, particles = run.setting.sizes["restored"], run.setting.sizes["particles"]
    original = np.asarray(run.data.test.value[:n])
    noise_key, walk_key = jax.random.split(jax.random.key(run.seed))
    noisy = original + SIGMA * np.asarray(jax.random.normal(noise_key, original.shape))
    # As many draws as particles: their mean is the weighted mean, but for the weights' rounding.
    found = posterior_rows(
        item.model, Noisy.of(noisy, SIGMA), draws=particles, particles=particles, key=walk_key
    )
    draws = np.asarray(found.draws[0])
    mean = draws.mean(axis=1)

    def rmse(x: np.ndarray) -> float:
        return float(np.sqrt(np.mean(np.square(x - original))))

    pictures = {"noisy": noisy, "posterior mean": mean, "a draw": draws[:, 0], "original": original}
    restored_images(
        {name: run.data.decode(x) for name, x in pictures.items()}, run.folder / "denoising.png"
    )
    return {
        "model": item.variant.name,
        "sigma": SIGMA,
        "images": len(original),
        "particles": particles,
        "ess": float(np.mean(found.ess)),
        "rmse_noisy": rmse(noisy),
        "rmse_half": rmse(noisy / (1.0 + SIGMA**2)),
        "rmse_mean": rmse(mean),
        "rmse_draw": rmse(draws[:, 0]),
    }
