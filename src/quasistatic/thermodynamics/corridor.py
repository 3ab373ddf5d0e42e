r"""Entropy corridor of the reverse steps (paper, equation (24)), per block of columns, nats.

    H_q(X_t|X_{t-1}) + H_q(X_{t-1}|X_0) - H_q(X_t|X_0)  <=  H_q(X_{t-1}|X_t)  <=  H_q(X_t|X_{t-1})

The left side is the entropy of the bridge: who knows x_0 as well cannot be less certain. It always
holds. The right side needs H(X_{t-1}) <= H(X_t): noise must add entropy. It does where pi has the
largest entropy there is (uniform heat bath; Gaussian with columns of at most unit variance); not in
a heat bath towards uneven frequencies, and never in an absorbing process, whose end is certain. The
learned entropy, that of p(x_{t-1}|x_t), belongs between the two; closer to the left side the step
knows more of the data.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.belief import signal_left
from quasistatic.distribution import Normal, entropy
from quasistatic.forward.gaussian import FIRST_STEP_NARROWING
from quasistatic.model import DiffusionModel
from quasistatic.rows import Row
from quasistatic.trajectory import start
from quasistatic.typing import Array, Float, Key, Step

__all__ = ["Corridor", "is_continuous", "row_corridor"]


class Corridor(NamedTuple):
    """Entropies of the reverse steps t = 1..T, `[T, B]` for B blocks, nats a step; and what is left
    of the signal.

    Args:
        lower: entropy of the bridge. At t = 1 x_0 is certain: 0, and minus infinity for continuous
            columns, where the lowest that the reverse kernel can have stands instead.
        learned: entropy of p(x_{t-1}|x_t), mean over x_t.
        upper: entropy of q(x_t|x_{t-1}), mean over x_{t-1}.
        signal: alpha_bar_t, mean over the columns of the block: the share of the data not yet
            erased after step t.
    """

    lower: Float[Array, "T B"]
    learned: Float[Array, "T B"]
    upper: Float[Array, "T B"]
    signal: Float[Array, "T B"]


def row_corridor(model: DiffusionModel, row: Row, *, key: Key) -> Corridor:
    """One draw of a row's corridor: x_{t-1} and x_t from the forward process at every t; missing
    cells count for nothing.
    """
    forward = model.forward
    fill_key, walk_key = jax.random.split(key)
    begin = start(model.forward, row, key=fill_key)
    sizes = [x.shape[0] for x in begin.x_0]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]

    def per_block(columns: Float[Array, " D"]) -> Float[Array, " B"]:
        return jnp.stack(
            [jnp.sum(part) for part in jnp.split(jnp.where(begin.columns, columns, 0.0), ends[:-1])]
        )

    block = jnp.repeat(jnp.arange(len(sizes)), jnp.asarray(sizes), total_repeat_length=ends[-1])

    continuous = jnp.asarray(is_continuous(model))
    n_observed = jnp.maximum(per_block(jnp.ones(ends[-1])), 1.0)

    def step(_: None, t: Step) -> tuple[None, Corridor]:
        before_key, after_key = jax.random.split(jax.random.fold_in(walk_key, t))
        draw_key = jax.random.fold_in(after_key, 1)
        before, after = (
            forward.marginal(begin.x_0, jnp.asarray(t) - 1),
            forward.marginal(begin.x_0, t),
        )
        kernel = forward.kernel(before.sample(key=before_key), t)
        reverse = model.reverse_kernel(kernel.sample(key=after_key), begin.observed, t)
        upper = per_block(kernel.entropy())
        lower = upper + per_block(before.entropy()) - per_block(after.entropy())
        lower = jnp.where(
            continuous & (t == 1), upper - 0.5 * FIRST_STEP_NARROWING * n_observed, lower
        )
        blocks = zip(after.parts, forward.prior().parts, begin.x_0, strict=True)
        signal = per_block(jnp.concatenate([signal_left(*block) for block in blocks])) / n_observed
        of_blocks = [
            jnp.sum(entropy(reverse, begin.columns & (block == i), key=draw_key))
            for i in range(len(sizes))
        ]
        return None, Corridor(lower, jnp.stack(of_blocks), upper, signal)

    return jax.lax.scan(step, None, jnp.arange(1, model.trajectory_length + 1))[1]


def is_continuous(model: DiffusionModel) -> np.ndarray:
    """Which blocks are Gaussian, bool `[B]`."""
    prior = model.forward.prior()
    return np.array([isinstance(part, Normal) for part in prior.parts])
