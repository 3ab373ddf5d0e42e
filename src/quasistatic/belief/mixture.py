r"""What is believed of x_0 where the reverse kernel is a mixture: a belief for each component, with
evidence of its own.

With the log-weights w_k of the components and the log-masses m_k that evidence has left of each,

    p(x_0|x_t) r(x_0) / Z = sum_k (w_k m_k / Z) b_k(x_0),      Z = sum_k w_k m_k :

evidence of closed form conditions a mixture exactly, dependence between columns included.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.belief.base import Belief
from quasistatic.typing import Array, Float, Key, State

__all__ = ["MixtureBelief"]


class MixtureBelief(eqx.Module):
    """A belief of a whole row, a mixture of beliefs with independent columns.

    Args:
        log_weights: normalised log-weights before the evidence, `[C]`.
        components: beliefs of the components, every array with a leading axis [C].
    """

    log_weights: Float[Array, " C"]
    components: Belief

    @property
    def log_mass(self) -> Float[Array, ""]:
        """log Z, the log-mass of the evidence so far, nats."""
        return jax.nn.logsumexp(self.log_weights + self.components.log_mass)

    @property
    def log_posterior(self) -> Float[Array, " C"]:
        """log-weights of the components given the evidence, normalised."""
        return jax.nn.log_softmax(self.log_weights + self.components.log_mass)

    def component(self, k: Array) -> Belief:
        """The belief of component k."""
        return jax.tree.map(lambda x: x[k], self.components)

    def sample(self, *, key: Key) -> State:
        """A draw of x_0."""
        which, what = jax.random.split(key)
        return self.component(jax.random.categorical(which, self.log_posterior)).sample(key=what)

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        """log-density of x_0, columns that are known left out, nats."""
        each = jax.vmap(lambda belief: belief.log_prob(x_0))(self.components)
        return jax.nn.logsumexp(self.log_posterior + each)

    def best(self) -> State:
        """One likely x_0: that of the heaviest component."""
        return self.component(jnp.argmax(self.log_posterior)).best()

    def collapsed(self) -> Belief:
        """A belief with independent columns of the same moments, or probabilities."""
        weights = jax.nn.softmax(self.log_posterior)
        parts = tuple(part.merged(weights) for part in self.components.parts)
        return Belief(parts, self.log_mass)
