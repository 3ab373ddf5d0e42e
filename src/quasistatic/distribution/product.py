"""A distribution of a whole row whose blocks are independent."""

from itertools import accumulate

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.distribution.block import AbstractDistribution, Normal
from quasistatic.typing import Array, Bool, Float, Key, State

__all__ = ["Product"]


class Product(eqx.Module):
    """A distribution of a whole row: independent blocks, one distribution each.

    A state is the tuple of the blocks' states; columns are concatenated in the order of the blocks.
    Where `columns` are given, flags bool [D] over all columns, the others are summed out: they
    contribute 0.
    """

    parts: tuple[AbstractDistribution, ...]

    def whole(self) -> "Product":
        """Without the limits of x_0."""
        parts = (part.whole() if isinstance(part, Normal) else part for part in self.parts)
        return Product(tuple(parts))

    def sample(self, *, key: Key) -> State:
        """One draw."""
        keys = jax.random.split(key, len(self.parts))
        return tuple(part.sample(key=k) for part, k in zip(self.parts, keys, strict=True))

    def log_prob(self, x: State, columns: Bool[Array, " D"] | None = None) -> Float[Array, " D"]:
        """Log-density or log-probability of `x`, nats per column."""
        return _only(columns, self._log_probs(x))

    def log_prob_of_row(
        self, x: State, columns: Bool[Array, " D"] | None = None
    ) -> Float[Array, ""]:
        """Sum of `log_prob`, nats: in less time, as the columns of the blocks are not joined."""
        return _total(columns, self._log_probs(x))

    def log_cell(
        self,
        x: State,
        width: tuple[Float[Array, "..."] | None, ...] | None,
        columns: Bool[Array, " D"] | None = None,
    ) -> Float[Array, " D"]:
        """Log-mass of the data cells of the given widths around `x`, nats per column."""
        return _only(columns, self._log_cells(x, width))

    def log_cell_of_row(
        self,
        x: State,
        width: tuple[Float[Array, "..."] | None, ...] | None,
        columns: Bool[Array, " D"] | None = None,
    ) -> Float[Array, ""]:
        """Sum of `log_cell`, nats."""
        return _total(columns, self._log_cells(x, width))

    def kl(self, other: "Product", columns: Bool[Array, " D"] | None = None) -> Float[Array, " D"]:
        """KL(self || other), nats per column."""
        return _only(columns, [p.kl(q) for p, q in zip(self.parts, other.parts, strict=True)])

    def entropy(self) -> Float[Array, " D"]:
        """Entropy, nats per column."""
        return jnp.concatenate([part.entropy() for part in self.parts])

    def _log_probs(self, x: State) -> list[Array]:
        return [part.log_prob(xi) for part, xi in zip(self.parts, x, strict=True)]

    def _log_cells(
        self, x: State, width: tuple[Float[Array, "..."] | None, ...] | None
    ) -> list[Array]:
        widths = (None,) * len(self.parts) if width is None else width
        cells = zip(self.parts, x, widths, strict=True)
        return [part.log_cell(xi, w) for part, xi, w in cells]


def _only(columns: Bool[Array, " D"] | None, blocks: list[Array]) -> Float[Array, " D"]:
    """The blocks' terms of the given columns, 0 for the others."""
    terms = jnp.concatenate(blocks)
    return terms if columns is None else jnp.where(columns, terms, 0.0)


def _total(columns: Bool[Array, " D"] | None, blocks: list[Array]) -> Float[Array, ""]:
    """The sum of `_only`."""
    ends = list(accumulate(len(block) for block in blocks))
    flags = [True] * len(blocks) if columns is None else jnp.split(columns, ends[:-1])
    return sum(
        (jnp.sum(jnp.where(flag, x, 0.0)) for flag, x in zip(flags, blocks, strict=True)),
        start=jnp.zeros(()),
    )
