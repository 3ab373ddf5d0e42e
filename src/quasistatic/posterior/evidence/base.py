r"""The contract of evidence r(x_0), for ONE row (a table's evidence has a leading axis [N] on every
array, and is mapped by `vmap`).

The posterior is `p~(x_0) ~ p(x_0) r(x_0)` (paper, section 2.5); its normaliser E_p r is the
evidence of the model, and where r is a delta or the interval of a cell, the likelihood of that
cell. What a sampler needs of r is

| method | what |
|---|---|
| `log_prob(x_0)` | log r(x_0), nats |
| `condition(belief)` | the belief times r, exactly, if that is a belief again |
| `guide(belief)` | the belief times about r, where `condition` could not: proposal and twist |
| `log_residual(x_0)` | log of what `condition` left of r: 0, or log r |
| `tempered(share)` | r^share, for the 2015 recipe |

Two abstract classes settle which: `AbstractClosedEvidence` has a closed form,
`AbstractOpenEvidence` has none; what `guide` promises, weights correct. A state x_0 is a tuple with
one array [D] per block.

To add one:

- write a final subclass of either in a file of its own in this folder;
- export it in `posterior/__init__.py`;
- add its line to `EVIDENCE` in `tests/cases.py`: every law of the posterior is then tested on it.
"""

import abc
from typing import Self

import equinox as eqx
import jax.numpy as jnp

from quasistatic.belief import Belief
from quasistatic.typing import Array, Float, State

__all__ = ["AbstractClosedEvidence", "AbstractEvidence", "AbstractOpenEvidence", "AllOf"]


class AbstractEvidence(eqx.Module):
    """What is known of a row x_0 beyond the model: a factor r(x_0) >= 0."""

    @abc.abstractmethod
    def log_prob(self, x_0: State) -> Float[Array, ""]:
        """log r(x_0), nats; `LOG_ZERO` or less where r = 0. Of a delta: 0 at its place.

        Args:
            x_0: state x_0 of a row, one array [D] per block.
        """

    @abc.abstractmethod
    def condition(self, belief: Belief) -> Belief:
        """The belief times r if that is closed, its `log_mass` grown by log E r."""

    @abc.abstractmethod
    def guide(self, belief: Belief) -> Belief:
        """The belief times about r, if `condition` does nothing; its `log_mass` grown by about log
        E r.
        """

    @abc.abstractmethod
    def log_residual(self, x_0: State) -> Float[Array, ""]:
        """log of the factor of r that `condition` leaves out."""

    @abc.abstractmethod
    def tempered(self, share: Float[Array, ""]) -> "AbstractEvidence":
        """r^share, 0 < share <= 1; a delta or an interval is its own power."""


class AbstractClosedEvidence(AbstractEvidence):
    """Evidence whose product with a belief is a belief."""

    def guide(self, belief: Belief) -> Belief:
        return belief

    def log_residual(self, x_0: State) -> Float[Array, ""]:
        return jnp.zeros(())


class AbstractOpenEvidence(AbstractEvidence):
    """Evidence whose product with a belief is none: it guides, and the weight has the rest."""

    def condition(self, belief: Belief) -> Belief:
        return belief

    def log_residual(self, x_0: State) -> Float[Array, ""]:
        return self.log_prob(x_0)


class AllOf(AbstractEvidence):
    """The product of any evidence; deltas and cells come first, so that what follows sees them.

    Example:
        >>> from quasistatic.posterior import AllOf, Range
        >>> adult = Range.of(low=[18.0], high=[jnp.inf])
        >>> working = AllOf((adult, Range.of(low=[-jnp.inf], high=[65.0])))
        >>> float(working.log_prob((jnp.array([40.0]),)))
        0.0

    Args:
        parts: factors of r, whose product is taken.
    """

    parts: tuple[AbstractEvidence, ...]

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        return sum((part.log_prob(x_0) for part in self.parts), jnp.zeros(()))

    def condition(self, belief: Belief) -> Belief:
        for part in self.parts:
            belief = part.condition(belief)
        return belief

    def guide(self, belief: Belief) -> Belief:
        for part in self.parts:
            belief = part.guide(belief)
        return belief

    def log_residual(self, x_0: State) -> Float[Array, ""]:
        return sum((part.log_residual(x_0) for part in self.parts), jnp.zeros(()))

    def tempered(self, share: Float[Array, ""]) -> Self:
        return type(self)(tuple(part.tempered(share) for part in self.parts))
