"""Belief of discrete columns: a table of probabilities."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.belief.base import AbstractBelief
from quasistatic.data.cells import Cells
from quasistatic.distribution import Categorical
from quasistatic.numerics import LOG_ZERO
from quasistatic.typing import Array, Float, Int, Key

__all__ = ["StateBelief"]


class StateBelief(AbstractBelief):
    """Independent discrete columns; `log_probs` [D, K]."""

    log_probs: Float[Array, "D K"]

    def log_prob(self, x: Int[Array, " D"]) -> Float[Array, " D"]:
        return Categorical(self.log_probs).log_prob(x)

    def sample(self, *, key: Key) -> Int[Array, " D"]:
        return Categorical(self.log_probs).sample(key=key)

    def times(self, log_r: Float[Array, "D K"]) -> tuple[Self, Float[Array, " D"]]:
        """Times a table of the columns' states; the log-mass."""
        joint = jnp.maximum(self.log_probs + log_r, 2 * LOG_ZERO)
        log_mass = jax.nn.logsumexp(joint, axis=-1)
        possible = log_mass > 0.5 * LOG_ZERO
        log_probs = jnp.where(
            possible[:, None], jnp.maximum(joint - log_mass[:, None], LOG_ZERO), self.log_probs
        )
        return eqx.tree_at(lambda b: b.log_probs, self, log_probs), jnp.where(
            possible, log_mass, LOG_ZERO
        )

    def best(self) -> Int[Array, " D"]:
        """The mode."""
        return jnp.argmax(self.log_probs, axis=-1).astype(jnp.int32)

    def merged(self, weights: Float[Array, " C"]) -> Self:
        mixed = jnp.tensordot(weights, jnp.exp(self.log_probs), axes=1)
        log_probs = jnp.where(mixed > 0, jnp.log(jnp.maximum(mixed, 1e-37)), LOG_ZERO)
        return eqx.tree_at(lambda b: b.log_probs, self, log_probs)

    def observe(self, cells: Cells) -> tuple[Self, Float[Array, " D"]]:
        states = jnp.arange(self.log_probs.shape[1], dtype=jnp.int32)
        other = cells.observed[:, None] & (states[None, :] != cells.value[:, None])
        return self.times(jnp.where(other, LOG_ZERO, 0.0))

    def expand(self, log_r: Callable[[Array], Array], at: Int[Array, " D"]) -> Self:
        """Times r with one column in each of its states, the others where they are."""
        n_columns, n_states = self.log_probs.shape
        columns, states = jnp.arange(n_columns), jnp.arange(n_states, dtype=jnp.int32)
        table = jax.vmap(lambda d: jax.vmap(lambda k: log_r(at.at[d].set(k)))(states))(columns)
        table = table - jnp.max(table, axis=-1, keepdims=True)
        # Never to 0: a state that r forbids beside the others' present states may be right when
        # those change.
        return self.times(jnp.maximum(table, -10.0))[0]

    def between(
        self, at: Int[Array, " D"], proposed: Int[Array, " D"], share: Float[Array, ""]
    ) -> Int[Array, " D"]:
        return at
