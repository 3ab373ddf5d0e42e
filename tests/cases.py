"""Tables of constructors: every kernel, schedule and network has its line here, and every law runs over the lines.

Small on purpose: a discrete block has at most a few hundred joint states, so that its chain can be enumerated.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.forward import (
    AbsorbingDiffusion,
    CategoricalDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    LearnedSchedule,
    ProductDiffusion,
    SigmoidGaussianDiffusion,
    binomial_diffusion,
    cosine_schedule,
    linear_schedule,
)
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.network import MultiscaleNetwork, RBFNetwork, ResidualMLP, StepwisePerceptron, UNet

EVEN = [[1 / 2] * 2, [1 / 3] * 3, [1 / 4] * 4]
UNEVEN = [[0.8, 0.2], [0.6, 0.1, 0.3], [0.4, 0.3, 0.2, 0.1]]
BITS = [[0.5, 0.5], [0.7, 0.3], [0.98, 0.02], [0.1, 0.9]]
ACTIVITY = [p[1] for p in BITS]


def randomised(tree, seed: int, scale: float = 0.3):
    """The same tree with noise on all its floating-point arrays: a trained network, or a trained schedule."""
    rng = np.random.default_rng(seed)
    arrays, rest = eqx.partition(tree, eqx.is_inexact_array)
    noisy = jax.tree.map(lambda x: jnp.asarray(np.asarray(x) + scale * rng.standard_normal(x.shape), x.dtype), arrays)
    return eqx.combine(noisy, rest)


# T -> schedule
SCHEDULES = {
    "erasure": ErasureSchedule,
    "linear": linear_schedule,
    "cosine": cosine_schedule,
    "learned": lambda T: LearnedSchedule.init(T, np.array([9.0, 4.0])),
    "learned-random": lambda T: randomised(LearnedSchedule.init(T, np.array([9.0, 4.0])), 1, scale=1.0),
}

KERNELS = {
    "gaussian-linear": lambda: GaussianDiffusion(linear_schedule(40), 3),
    "gaussian-cosine": lambda: GaussianDiffusion(cosine_schedule(6), 2),
    "gaussian-erasure": lambda: GaussianDiffusion(ErasureSchedule(10), 1),
    "gaussian-learned": lambda: GaussianDiffusion(SCHEDULES["learned"](10), 2),
    "gaussian-learned-random": lambda: GaussianDiffusion(SCHEDULES["learned-random"](25), 2),
    "sigmoid-gaussian-learned": lambda: SigmoidGaussianDiffusion(SCHEDULES["learned-random"](10), 2),
    "binomial-half": lambda: binomial_diffusion(ErasureSchedule(8), [0.5] * 4),
    "binomial-mean": lambda: binomial_diffusion(ErasureSchedule(6), ACTIVITY, ACTIVITY),
    "binomial-cosine": lambda: binomial_diffusion(cosine_schedule(6), [0.5] * 4, ACTIVITY),
    "binomial-8-bits": lambda: binomial_diffusion(ErasureSchedule(4), [0.2] * 8),
    "heat-bath-uniform": lambda: CategoricalDiffusion(ErasureSchedule(6), pad_log_probs(EVEN), pad_log_probs(UNEVEN)),
    "heat-bath-marginal": lambda: CategoricalDiffusion(
        ErasureSchedule(6), pad_log_probs(UNEVEN), pad_log_probs(UNEVEN)
    ),
    "heat-bath-linear": lambda: CategoricalDiffusion(linear_schedule(40), pad_log_probs(EVEN), pad_log_probs(UNEVEN)),
    "absorbing": lambda: AbsorbingDiffusion(3, pad_log_probs(UNEVEN)),
    "absorbing-few-steps": lambda: AbsorbingDiffusion(2, pad_log_probs(BITS)),
    "absorbing-many-steps": lambda: AbsorbingDiffusion(7, pad_log_probs(UNEVEN)),
    "gaussian-x-absorbing": lambda: ProductDiffusion(
        (GaussianDiffusion(cosine_schedule(8), 1), AbsorbingDiffusion(8, pad_log_probs(UNEVEN[:2])))
    ),
    "gaussian-x-heat-bath": lambda: ProductDiffusion(
        (
            GaussianDiffusion(cosine_schedule(8), 1),
            CategoricalDiffusion(ErasureSchedule(8), pad_log_probs(EVEN[:2]), pad_log_probs(UNEVEN[:2])),
        )
    ),
}

DISCRETE = [name for name in KERNELS if not name.startswith(("gaussian", "sigmoid")) or "-x-" in name]
"""Names of the kernels with a discrete block."""

GAUSSIAN = [name for name in KERNELS if name not in DISCRETE and not name.startswith("sigmoid")]
"""Names of the Gaussian kernels whose reverse variance keeps to the corridor."""

# (number of features, number of outputs, key) -> network; the image networks take them for planes of 4 x 4 pixels.
NETWORKS = {
    "residual": lambda f, p, key: ResidualMLP(f, p, width=16, depth=2, key=key),
    "residual-deep": lambda f, p, key: ResidualMLP(f, p, width=5, depth=4, key=key),
    "residual-flat": lambda f, p, key: ResidualMLP(f, p, width=8, depth=0, key=key),
    "radial-basis": lambda f, p, key: RBFNetwork(f, p, trajectory_length=100, key=key),
    "stepwise": lambda f, p, key: StepwisePerceptron(f, p, trajectory_length=100, width=8, key=key),
    "multiscale": lambda f, p, key: MultiscaleNetwork(
        f, p, height=4, width=4, channels=4, layers=2, scales=2, dense=2, dense_width=8, key=key
    ),
    "multiscale-dense": lambda f, p, key: MultiscaleNetwork(
        f, p, height=4, width=4, channels=0, dense=2, dense_width=8, key=key
    ),
    "unet": lambda f, p, key: UNet(f, p, height=4, width=4, channels=4, key=key),
    "unet-pixels": lambda f, p, key: UNet(f, p, height=4, width=4, channels=3, depth=2, tile=1, key=key),
    "residual-dropout": lambda f, p, key: ResidualMLP(f, p, width=16, depth=2, dropout_rate=0.25, key=key),
}
