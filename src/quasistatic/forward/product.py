"""A product of processes, one per block: the forward process of a row with mixed columns."""

from collections.abc import Sequence
from itertools import accumulate

import jax.numpy as jnp

from quasistatic.distribution import Product
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.typing import Array, Bool, Float, State, Step


class ProductDiffusion(AbstractDiffusion):
    """Independent forward processes with one trajectory length; the blocks meet only in the
    network.

    States, and the `observed` flags of `features`, are tuples with one entry per block.
    """

    blocks: tuple[AbstractDiffusion, ...]

    def __init__(self, blocks: Sequence[AbstractDiffusion]) -> None:
        self.blocks = tuple(blocks)
        lengths = {block.trajectory_length for block in self.blocks}
        if len(lengths) != 1:
            raise ValueError(
                f"the blocks of a product need one trajectory length, got {sorted(lengths)}"
            )

    @property
    def trajectory_length(self) -> int:
        return self.blocks[0].trajectory_length

    @property
    def n_columns(self) -> int:
        return sum(block.n_columns for block in self.blocks)

    @property
    def n_features(self) -> int:
        return sum(block.n_features for block in self.blocks)

    @property
    def n_outputs(self) -> int:
        return sum(block.n_outputs for block in self.blocks)

    def prior(self) -> Product:
        return Product(tuple(block.prior() for block in self.blocks))

    def kernel(self, x: tuple[State, ...], t: Step, s: Step | None = None) -> Product:
        return Product(
            tuple(block.kernel(xi, t, s) for block, xi in zip(self.blocks, x, strict=True))
        )

    def marginal(self, x_0: tuple[State, ...], t: Step) -> Product:
        return Product(
            tuple(block.marginal(xi, t) for block, xi in zip(self.blocks, x_0, strict=True))
        )

    def bridge(
        self, x_t: tuple[State, ...], x_0: tuple[State, ...], t: Step, s: Step | None = None
    ) -> Product:
        return Product(
            tuple(
                block.bridge(xi, yi, t, s)
                for block, xi, yi in zip(self.blocks, x_t, x_0, strict=True)
            )
        )

    def reverse_kernel(
        self, raw: Float[Array, " P"], x_t: tuple[State, ...], t: Step, s: Step | None = None
    ) -> Product:
        ends = list(accumulate(block.n_outputs for block in self.blocks))
        raws = jnp.split(raw, ends[:-1])
        return Product(
            tuple(
                b.reverse_kernel(r, xi, t, s)
                for b, r, xi in zip(self.blocks, raws, x_t, strict=True)
            )
        )

    def features(
        self, x_t: tuple[State, ...], observed: tuple[Bool[Array, " D"], ...], t: Step
    ) -> Float[Array, " F"]:
        return jnp.concatenate(
            [b.features(xi, o, t) for b, xi, o in zip(self.blocks, x_t, observed, strict=True)]
        )
