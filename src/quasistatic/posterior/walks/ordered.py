r"""Posteriors of absorbing models: the known columns are revealed first, then the others one by
one, each given all before it.

An absorbing model is an autoregression in every order, so it can start where the known columns
stand and guess the others exactly as a network of conditionals does. That is a good proposal, but
not the joint: p(x_0) is the mean over *all* orders, of which the network's conditionals need not be
consistent. Importance weights correct it, in the space of x_0, the order of its guessing and one
forward trajectory of x_0:

    w = p^(x_0) r(x_0) / k~(x_0|order),     E p^(x_0) = p(x_0)  (`trajectory.log_weight`),

hence E w = E_p r, at one network evaluation for each unknown column and T for p^.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.belief import MixtureBelief, StateBelief
from quasistatic.data.cells import Cells
from quasistatic.distribution import RandomSubset
from quasistatic.model import DiffusionModel
from quasistatic.numerics import LOG_ZERO
from quasistatic.particles import init
from quasistatic.posterior._guide import guess
from quasistatic.posterior.evidence.base import AbstractEvidence
from quasistatic.posterior.walks.twisted import Posterior, finish
from quasistatic.trajectory import log_weight
from quasistatic.typing import Array, Bool, Float, Int, Key, State

__all__ = ["OrderedWalk", "is_absorbing"]


def is_absorbing(model: DiffusionModel) -> bool:
    """Whether the model is one absorbing block and nothing else."""
    parts = eqx.filter_eval_shape(model.forward.prior).parts
    return len(parts) == 1 and isinstance(parts[0], RandomSubset)


class OrderedWalk(eqx.Module):
    """The sampler for one row of an absorbing model; call it with `(model, evidence, key=key)`.

    Args:
        particles: number P of particles.
        draws: number n <= P of draws, taken as `TwistedWalk` takes them; as an array it is no part
            of the compiled program.
    """

    particles: int = eqx.field(static=True)
    draws: int | Int[Array, ""]

    def __call__(self, model: DiffusionModel, evidence: AbstractEvidence, *, key: Key) -> Posterior:
        walk_key, draw_key = jax.random.split(key)
        keys = jax.random.split(walk_key, self.particles)
        x_0, log_w = jax.vmap(lambda k: _guessed(model, evidence, key=k))(keys)
        return finish(init(x_0, jnp.zeros(self.particles)), x_0, log_w, self.draws, key=draw_key)


def _guessed(
    model: DiffusionModel, evidence: AbstractEvidence, *, key: Key
) -> tuple[State, Float[Array, ""]]:
    """One x_0 and its log-weight, nats."""
    (x,) = model.forward.prior().sample(key=key)
    n_columns, mask = x.shape[0], x[0]

    def believed(x: Int[Array, " D"]) -> tuple[Float[Array, "D K"], Float[Array, ""]]:
        """Conditionals of the columns with the evidence, at the step with so many masks."""
        n_masked = jnp.sum(x == mask)
        t = jnp.maximum(-(-n_masked * model.trajectory_length // n_columns), 1)
        found = guess(model, evidence, (x,), t)
        guided = found.guided
        (part,) = (guided.collapsed() if isinstance(guided, MixtureBelief) else guided).parts
        assert isinstance(part, StateBelief)
        return part.log_probs, found.conditioned.log_mass

    log_probs, log_mass = believed(x)
    values = jnp.argmax(log_probs, axis=-1).astype(jnp.int32)
    known = jnp.sum(log_probs > 0.5 * LOG_ZERO, axis=-1) == 1
    x = jnp.where(known, values, x)

    def unfinished(carry: tuple) -> Bool[Array, ""]:
        return jnp.any(carry[0] == mask)

    def reveal(carry: tuple) -> tuple:
        x, log_q, key = carry
        key, where_key, what_key = jax.random.split(key, 3)
        log_probs, _ = believed(x)
        d = jax.random.categorical(where_key, jnp.where(x == mask, 0.0, -jnp.inf))
        k = jax.random.categorical(what_key, log_probs[d]).astype(jnp.int32)
        return x.at[d].set(k), log_q + log_probs[d, k], key

    begin = x, jnp.zeros(()), jax.random.fold_in(key, 1)
    x_0, log_q, _ = jax.lax.while_loop(unfinished, reveal, begin)
    row = (Cells(x_0, jnp.ones(x_0.shape, bool)),)
    log_p = log_weight(model, row, key=jax.random.fold_in(key, 2))
    possible = log_mass > 0.5 * LOG_ZERO
    weight = jnp.where(possible, log_p + evidence.log_prob((x_0,)) - log_q, -jnp.inf)
    return (x_0,), weight
