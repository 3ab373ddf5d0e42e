"""Several networks that were trained apart, asked together (a deep ensemble, Lakshminarayanan et
al. 2017).
"""

from collections.abc import Sequence

import jax

from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key

__all__ = ["EnsembleNetwork", "as_ensemble"]


class EnsembleNetwork(AbstractNetwork):
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

    members: tuple[AbstractNetwork, ...]

    def __init__(self, members: Sequence[AbstractNetwork]) -> None:
        self.members = tuple(members)

    def __check_init__(self) -> None:
        sizes = {(member.n_features, member.n_outputs) for member in self.members}
        if len(sizes) != 1:
            raise ValueError(f"an ensemble needs members of one size, not {sorted(sizes)}")

    @property
    def n_features(self) -> int:
        return self.members[0].n_features

    @property
    def n_outputs(self) -> int:
        return self.members[0].n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        keys = (
            [None] * len(self.members) if key is None else jax.random.split(key, len(self.members))
        )
        first, *others = (
            member(features, time, key=k) for member, k in zip(self.members, keys, strict=True)
        )
        return sum(others, first) / len(self.members)


def as_ensemble(networks: Sequence[AbstractNetwork]) -> AbstractNetwork:
    """The networks asked together; one alone stays what it is."""
    return networks[0] if len(networks) == 1 else EnsembleNetwork(networks)
