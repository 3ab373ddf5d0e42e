"""Between the states of discrete columns, padded to a matrix [D, K], and the network's vectors,
which hold only real states.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.numerics import LOG_ZERO
from quasistatic.typing import Array, ArrayLike, Bool, Float, Int


class StateLayout(eqx.Module):
    """Which entries of `[D, K]` are states: columns with fewer than K states leave the rest unused.

    Args:
        shape: shape (D, K): number of columns, and largest number of states of a column.
        used: flat positions of the states in `[D, K]`, or None when all are.
    """

    shape: tuple[int, int] = eqx.field(static=True)
    used: tuple[int, ...] | None = eqx.field(static=True)

    @classmethod
    def of(cls, log_probs: ArrayLike) -> "StateLayout":
        """The states with a probability above 0."""
        possible = np.asarray(log_probs) > LOG_ZERO / 2
        return cls(
            possible.shape, None if possible.all() else tuple(np.flatnonzero(possible).tolist())
        )

    @property
    def size(self) -> int:
        """Number of states of all columns together."""
        return self.shape[0] * self.shape[1] if self.used is None else len(self.used)

    @property
    def is_binary(self) -> bool:
        """Whether every column has two states."""
        return self.shape[1] == 2 and self.used is None

    def pack(self, table: Float[Array, "D K"]) -> Float[Array, " states"]:
        """The used entries."""
        flat = table.reshape(-1)
        return flat if self.used is None else flat[np.asarray(self.used)]

    def unpack(self, packed: Float[Array, " states"]) -> Float[Array, "D K"]:
        """The matrix with 0 in the unused entries."""
        if self.used is None:
            return packed.reshape(self.shape)
        return (
            jnp.zeros(self.shape[0] * self.shape[1])
            .at[np.asarray(self.used)]
            .set(packed)
            .reshape(self.shape)
        )

    def features(self, x: Int[Array, " D"], observed: Bool[Array, " D"]) -> Float[Array, " states"]:
        """One-hot codes; all zero for an unobserved column, and for a state that is none of the K
        (the mask).
        """
        return self.pack(jnp.where(observed[:, None], jax.nn.one_hot(x, self.shape[1]), 0.0))
