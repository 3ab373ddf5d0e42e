r"""The 2015 recipe for posteriors (paper, section 2.5 and appendix C), kept for comparison: it is
biased for every T.

With `p~(x_t) ~ p(x_t) r(x_t)` each reverse kernel is multiplied with r of the *noisy* state,

    p~(x_{t-1}|x_t) ~ p(x_{t-1}|x_t) r(x_{t-1})^{share},

with share = 1, or (T - (t-1))/T (r grows as the noise goes), in closed form for Gaussian r, deltas,
intervals and tables of states (with c = p(1), d = r(1) = 1 - r(0) the Bernoulli formula `c d / (c d
+ (1-c)(1-d))`), by a mean shift for smooth r. But p(x_t) r(x_t) is not what the forward process
makes of p(x_0) r(x_0); nothing corrects the difference, and there is no evidence. Use `twisted.py`.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.belief import Belief, StateBelief, believe
from quasistatic.distribution import (
    AbstractDistribution,
    Categorical,
    Mixture,
    Product,
    RandomSubset,
)
from quasistatic.model import DiffusionModel
from quasistatic.posterior._guide import whole_row
from quasistatic.posterior.evidence.base import AbstractEvidence
from quasistatic.typing import Array, Key, State, Step

__all__ = ["Recipe2015"]

_Growth = Literal["constant", "linear"]
"""r in every step, or r^{(T-t)/T} at x_t."""


class Recipe2015(eqx.Module):
    """A draw of the recipe's x_0 for one row; call it with `(model, evidence, key=key)`.

    Args:
        growth: how the exponent of r grows along the walk (default "constant": not at all).
    """

    growth: _Growth = eqx.field(static=True, default="constant")

    def __call__(self, model: DiffusionModel, evidence: AbstractEvidence, *, key: Key) -> State:
        last = model.trajectory_length

        def step(x_t: State, t: Step) -> tuple[State, None]:
            grown = 1.0 - (jnp.asarray(t, jnp.float32) - 1.0) / last
            r = evidence if self.growth == "constant" else evidence.tempered(grown)
            kernel = model.reverse_kernel(x_t, whole_row(x_t), t)
            return _multiplied(kernel, r, key=jax.random.fold_in(key, t)), None

        x_last = model.forward.prior().sample(key=jax.random.fold_in(key, 0))
        return jax.lax.scan(step, x_last, jnp.arange(last, 0, -1))[0]


def _guided(kernel: Product, evidence: AbstractEvidence) -> Belief:
    plain = Belief.of(tuple(map(believe, kernel.parts)))
    return evidence.guide(evidence.condition(plain))


def _multiplied(kernel: Product | Mixture, evidence: AbstractEvidence, *, key: Key) -> State:
    """A draw of kernel times r; of an absorbing block, of which columns are revealed r says
    nothing.
    """
    if isinstance(kernel, Mixture):
        each = jax.vmap(lambda part: _guided(part, evidence).log_mass)(kernel.components)
        weights, _ = kernel.given(each)
        which = jax.random.categorical(jax.random.fold_in(key, 2**30), weights.log_weights)
        return _multiplied(kernel.component(which), evidence, key=key)
    belief = _guided(kernel, evidence)

    def of_block(i: int, part: AbstractDistribution, x: Array) -> Array:
        believed = belief.parts[i]
        if isinstance(part, RandomSubset) and isinstance(believed, StateBelief):
            values = Categorical(believed.log_probs)
            revealed = RandomSubset(part.current, part.candidates, part.count, values)
            return revealed.sample(key=jax.random.fold_in(key, 2**31 + i))
        return x

    drawn = belief.sample(key=key)
    return tuple(
        of_block(i, p, x) for i, (p, x) in enumerate(zip(kernel.parts, drawn, strict=True))
    )
