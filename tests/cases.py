"""Tables of constructors: every kernel, schedule and network has its line here, and every law runs
over the lines.

Small on purpose: a discrete block has at most a few hundred joint states, so that its chain can be
enumerated."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.cells import Cells
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
from quasistatic.network import (
    ConcatenatedNetwork,
    EnsembleNetwork,
    InterleavedNetwork,
    MultiscaleNetwork,
    RBFNetwork,
    ResidualMLP,
    StepwisePerceptron,
    UNet,
)
from quasistatic.posterior import (
    AllOf,
    Function,
    Linear,
    Measured,
    Noisy,
    Observed,
    Range,
    Soft,
    Within,
)
from quasistatic.posterior.decode import Units
from quasistatic.rivals.boltzmann import machine
from quasistatic.rivals.graph import complete, graph_of, lattice
from quasistatic.rivals.restricted import restricted

EVEN = [[1 / 2] * 2, [1 / 3] * 3, [1 / 4] * 4]
UNEVEN = [[0.8, 0.2], [0.6, 0.1, 0.3], [0.4, 0.3, 0.2, 0.1]]
BITS = [[0.5, 0.5], [0.7, 0.3], [0.98, 0.02], [0.1, 0.9]]
ACTIVITY = [p[1] for p in BITS]


def randomised(tree, seed: int, scale: float = 0.3):
    """The same tree with noise on all its floating-point arrays: a trained network, or a trained
    schedule."""
    rng = np.random.default_rng(seed)
    arrays, rest = eqx.partition(tree, eqx.is_inexact_array)
    noisy = jax.tree.map(
        lambda x: jnp.asarray(np.asarray(x) + scale * rng.standard_normal(x.shape), x.dtype), arrays
    )
    return eqx.combine(noisy, rest)


# T -> schedule
SCHEDULES = {
    "erasure": ErasureSchedule,
    "linear": linear_schedule,
    "cosine": cosine_schedule,
    "learned": lambda T: LearnedSchedule.init(T, np.array([9.0, 4.0])),
    "learned-random": lambda T: randomised(
        LearnedSchedule.init(T, np.array([9.0, 4.0])), 1, scale=1.0
    ),
}

KERNELS = {
    "gaussian-linear": lambda: GaussianDiffusion(linear_schedule(40), 3),
    "gaussian-cosine": lambda: GaussianDiffusion(cosine_schedule(6), 2),
    "gaussian-erasure": lambda: GaussianDiffusion(ErasureSchedule(10), 1),
    "gaussian-learned": lambda: GaussianDiffusion(SCHEDULES["learned"](10), 2),
    "gaussian-learned-random": lambda: GaussianDiffusion(SCHEDULES["learned-random"](25), 2),
    "gaussian-fourier-learned": lambda: GaussianDiffusion(SCHEDULES["learned-random"](12), 2, 3),
    "sigmoid-gaussian-learned": lambda: SigmoidGaussianDiffusion(
        SCHEDULES["learned-random"](10), 2
    ),
    "binomial-half": lambda: binomial_diffusion(ErasureSchedule(8), [0.5] * 4),
    "binomial-mean": lambda: binomial_diffusion(ErasureSchedule(6), ACTIVITY, ACTIVITY),
    "binomial-cosine": lambda: binomial_diffusion(cosine_schedule(6), [0.5] * 4, ACTIVITY),
    "binomial-8-bits": lambda: binomial_diffusion(ErasureSchedule(4), [0.2] * 8),
    "heat-bath-uniform": lambda: CategoricalDiffusion(
        ErasureSchedule(6), pad_log_probs(EVEN), pad_log_probs(UNEVEN)
    ),
    "heat-bath-marginal": lambda: CategoricalDiffusion(
        ErasureSchedule(6), pad_log_probs(UNEVEN), pad_log_probs(UNEVEN)
    ),
    "heat-bath-linear": lambda: CategoricalDiffusion(
        linear_schedule(40), pad_log_probs(EVEN), pad_log_probs(UNEVEN)
    ),
    "absorbing": lambda: AbsorbingDiffusion(3, pad_log_probs(UNEVEN)),
    "absorbing-few-steps": lambda: AbsorbingDiffusion(2, pad_log_probs(BITS), paired=True),
    "absorbing-many-steps": lambda: AbsorbingDiffusion(7, pad_log_probs(UNEVEN)),
    "gaussian-x-absorbing": lambda: ProductDiffusion(
        (GaussianDiffusion(cosine_schedule(8), 1), AbsorbingDiffusion(8, pad_log_probs(UNEVEN[:2])))
    ),
    "gaussian-x-heat-bath": lambda: ProductDiffusion(
        (
            GaussianDiffusion(cosine_schedule(8), 1),
            CategoricalDiffusion(
                ErasureSchedule(8), pad_log_probs(EVEN[:2]), pad_log_probs(UNEVEN[:2])
            ),
        )
    ),
}


def process(name: str) -> ProductDiffusion:
    """The process of a row with the kernel of that name: a product, of one block or more."""
    kernel = KERNELS[name]()
    return kernel if isinstance(kernel, ProductDiffusion) else ProductDiffusion((kernel,))


DISCRETE = [
    name for name in KERNELS if not name.startswith(("gaussian", "sigmoid")) or "-x-" in name
]
"""Names of the kernels with a discrete block."""

GAUSSIAN = [name for name in KERNELS if name not in DISCRETE and not name.startswith("sigmoid")]
"""Names of the Gaussian kernels whose reverse variance keeps to the corridor."""

# (number of features, number of outputs, key) -> network; the image networks take them for planes
# of 4 x 4 pixels, those of components, which have log-weights besides, of 1 x 2.
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
    "unet-pixels": lambda f, p, key: UNet(
        f, p, height=4, width=4, channels=3, depth=2, tile=1, key=key
    ),
    "unet-padded": lambda f, p, key: UNet(f, p, height=2, width=8, channels=4, key=key),
    "unet-pixel-layer": lambda f, p, key: UNet(
        f, p, height=4, width=4, channels=4, pixel_planes=5, key=key
    ),
    "unet-dense": lambda f, p, key: UNet(
        f, p, height=4, width=4, channels=3, coarse_depth=2, tile=1, dense=8, dense_depth=2, key=key
    ),
    "unet-components": lambda f, p, key: UNet(
        f, p, height=1, width=2, channels=4, tile=1, components=16, rank=4, key=key
    ),
    "interleaved": lambda f, p, key: InterleavedNetwork(
        UNet(f, p, height=4, width=4, channels=4, key=key), 2
    ),
    "interleaved-components": lambda f, p, key: InterleavedNetwork(
        UNet(f, p, height=1, width=2, channels=4, components=16, rank=4, key=key), 16, components=16
    ),
    "ensemble": lambda f, p, key: EnsembleNetwork(
        [ResidualMLP(f, p, width=8, key=k) for k in jax.random.split(key, 3)]
    ),
    "concatenated": lambda f, p, key: ConcatenatedNetwork(
        [ResidualMLP(f, p // 2, width=8, key=k) for k in jax.random.split(key, 2)]
    ),
    "residual-components": lambda f, p, key: ResidualMLP(
        f, p, width=8, depth=1, components=2, rank=4, key=key
    ),
    "residual-dropout": lambda f, p, key: ResidualMLP(
        f, p, width=16, depth=2, dropout_rate=0.25, key=key
    ),
}


def _states(value, observed):
    """A block of discrete cells."""
    return Cells(np.array(value, np.int32), np.array(observed))


def _numbers(value, observed, width):
    """A block of continuous cells."""
    return Cells(np.array(value, np.float32), np.array(observed), np.array(width, np.float32))


HINT = np.array([[1.0, 3.0, 0.5, 1.0], [0.2, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 4.0]])
"""r of the states of three columns; the columns of a kernel with fewer states use the first
ones."""
CONFUSION = np.array(
    [[[0.8, 0.2, 0.0, 0.0], [0.3, 0.7, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]] * 3
)


def _pair(x):
    """A smooth r of two discrete columns together, and NaN (r = 0) for one state of the third."""
    (x,) = x
    return jnp.where(
        x[2] == 2, jnp.nan, jnp.where(x[0] == 1, 0.8, 0.0) * jnp.where(x[1] == 2, 2.0, -0.5)
    )


def _bump(x):
    """Student-t about 1, without gradient at 0."""
    (x,) = x
    return -jnp.log1p(jnp.square(x[0] - 1.0)) - 0.3 * jnp.abs(x[0])


def _curve(x):
    """A measurement through a curve that is steep about 0."""
    (x,) = x
    return -0.5 * jnp.square((x[0] + 1.5 * jnp.tanh(3.0 * x[0]) - 1.2) / 0.3)


def _f(x):
    return np.array(x, np.float32)


BENT = Units(
    *map(
        jnp.asarray,
        (
            _f([[-4.0, -2.0, 2.0, 4.0]]),
            _f([[-3.0, -0.5, 0.5, 3.0]]),
            _f([[0.9, 0.4, 0.4, 0.9]]),
            _f([1.0]),
            _f([0.2]),
        ),
    )
)
"""A column whose values are sparse in the middle."""


def _first_block(x, rounded):
    """The numbers of a row, which lie on no lattice."""
    return x[0]


def _sum_of_mixed(x, rounded):
    """A number less a state."""
    return x[0] - jnp.where(x[1][0] == 1, 0.5, 0.0)[None]


def _mixed(x):
    """r of a number and a state together."""
    return -0.5 * jnp.square(x[0][0] - jnp.where(x[1][0] == 1, 1.0, -0.5))


# name -> (kernel, evidence of one row)
EVIDENCE = {
    "observed-states": (
        "heat-bath-uniform",
        lambda: Observed.of((_states([1, 0, 2], [True, False, True]),)),
    ),
    "observed-masked": (
        "absorbing",
        lambda: Observed.of((_states([1, 0, 2], [True, False, True]),)),
    ),
    "observed-cell": ("gaussian-erasure", lambda: Observed.of((_numbers([0.4], [True], [0.5]),))),
    "observed-wide-cell": (
        "gaussian-erasure",
        lambda: Observed.of((_numbers([1.5], [True], [3.0]),)),
    ),
    "observed-number-of-mixed": (
        "gaussian-x-absorbing",
        lambda: Observed.of((_numbers([0.7], [True], [0.0]), _states([0, 0], [False, False]))),
    ),
    "observed-state-of-mixed": (
        "gaussian-x-heat-bath",
        lambda: Observed.of((_numbers([0.0], [False], [0.0]), _states([1, 0], [True, False]))),
    ),
    "noisy": ("gaussian-erasure", lambda: Noisy.of([0.9], 0.5)),
    "noisy-of-mixed": ("gaussian-x-absorbing", lambda: Noisy.of([-0.8], 0.7)),
    "linear": ("gaussian-erasure", lambda: Linear.of([[1.0], [-0.5]], [0.8, 0.1], [0.6, 1.0])),
    "soft": ("heat-bath-uniform", lambda: Soft.of(HINT)),
    "soft-masked": ("absorbing-many-steps", lambda: Soft.of(HINT)),
    "confused": (
        "heat-bath-marginal",
        lambda: Soft.confused([1, 0, 0], CONFUSION, where=[True, False, True]),
    ),
    "flipped": ("binomial-mean", lambda: Soft.flipped([1, 0, 1, 1], 0.2)),
    "range": ("gaussian-erasure", lambda: Range.of([0.31], [1.09])),
    "half-line": ("gaussian-erasure", lambda: Range.of([1.21], [np.inf])),
    "within": (
        "gaussian-erasure",
        lambda: Within(_first_block, _f([0.31]), _f([1.09]), _f([0.2])),
    ),
    "within-solved": (
        "gaussian-x-heat-bath",
        lambda: Within(_sum_of_mixed, _f([0.31]), _f([1.09]), _f([0.2]), pivot=0),
    ),
    "function": ("gaussian-erasure", lambda: Function(_bump)),
    "function-without-gradient": ("gaussian-erasure", lambda: Function(_bump, guided=False)),
    "function-of-a-curve": ("gaussian-erasure", lambda: Function(_curve)),
    "measured": (
        "gaussian-erasure",
        lambda: Measured(_f([0.7]), _f([0.4]), np.array([True]), BENT),
    ),
    "function-of-states": ("heat-bath-uniform", lambda: Function(_pair)),
    "function-of-masked": ("absorbing", lambda: Function(_pair)),
    "function-of-mixed": ("gaussian-x-heat-bath", lambda: Function(_mixed)),
    "product": (
        "gaussian-erasure",
        lambda: AllOf((Range.of([-0.51], [1.41]), Noisy.of([0.9], 0.8), Function(_bump))),
    ),
    "product-of-mixed": (
        "gaussian-x-absorbing",
        lambda: AllOf(
            (Soft.of(HINT[:2, :3], block=1), Range.of([-1.01], [0.81]), Function(_mixed))
        ),
    ),
}

# Energies of few bits, for enumeration.
ENERGIES = {
    "lattice": randomised(machine(lattice(2, 3)), 1, 0.8),
    "complete": randomised(machine(complete(5)), 2, 0.6),
    "tree": randomised(machine(graph_of(6, [(0, 1), (0, 4), (4, 2), (4, 3), (1, 5)])), 3, 0.9),
    "two parts": randomised(machine(graph_of(5, [(0, 3), (1, 4)])), 4, 1.0),
    "restricted": randomised(restricted(jnp.zeros(5), 3, key=jax.random.key(0)), 5, 0.8),
    "more hidden": randomised(restricted(jnp.zeros(3), 4, key=jax.random.key(1)), 6, 0.8),
}
MACHINES = [name for name in ENERGIES if name not in ("restricted", "more hidden")]
