"""Several networks that were trained apart, asked together (`model.ensemble`)."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key

__all__ = ["ConcatenatedNetwork", "EnsembleNetwork"]


class _AbstractMembers(AbstractNetwork):
    """Networks of equal sizes that get the same input."""

    members: tuple[AbstractNetwork, ...]

    def __check_init__(self) -> None:
        sizes = {(member.n_features, member.n_outputs) for member in self.members}
        if len(sizes) != 1:
            raise ValueError(f"an ensemble needs members of one size, not {sorted(sizes)}")

    @property
    def n_features(self) -> int:
        return self.members[0].n_features

    def _answers(
        self, features: Float[Array, " F"], time: Float[Array, ""], key: Key | None
    ) -> list[Float[Array, " P"]]:
        n = len(self.members)
        keys = [None] * n if key is None else jax.random.split(key, n)
        return [member(features, time, key=k) for member, k in zip(self.members, keys, strict=True)]


class EnsembleNetwork(_AbstractMembers):
    r"""The mean of the outputs of its members, which differ in their initial weights and in the
    noise of their training.

    Where outputs are logits (an absorbing block), or means of one variance, their mean makes the
    geometric mean of the reverse kernels, which is the likelier one: c = sum_x prod_i p_i(x)^{1/n}
    normalises it, and

        log (prod_i p_i(x)^{1/n} / c) = mean_i log p_i(x) - log c,    c <= 1

    by Hoelder's inequality.

    Elsewhere that is a rule of thumb.

    Args:
        members: networks of equal sizes.
    """

    def __init__(self, members: Sequence[AbstractNetwork]) -> None:
        self.members = tuple(members)

    @property
    def n_outputs(self) -> int:
        return self.members[0].n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        first, *others = self._answers(features, time, key)
        return sum(others, first) / len(self.members)


class ConcatenatedNetwork(_AbstractMembers):
    """The outputs of its members one after the other: the components of all of them.

    Args:
        members: networks of equal sizes.
    """

    def __init__(self, members: Sequence[AbstractNetwork]) -> None:
        self.members = tuple(members)

    @property
    def n_outputs(self) -> int:
        return sum(member.n_outputs for member in self.members)

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        return jnp.concatenate(self._answers(features, time, key))
