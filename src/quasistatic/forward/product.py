"""The forward process of a whole row: a product of processes, one per block of columns."""

from collections.abc import Sequence
from itertools import accumulate

import equinox as eqx
import jax.numpy as jnp

from quasistatic.distribution import Product
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.typing import Array, Bool, Float, State, Step

__all__ = ["ProductDiffusion"]


class ProductDiffusion(eqx.Module):
    """Independent forward processes with one trajectory length; the blocks meet only in the
    network.

    The methods are those of `AbstractDiffusion`, for a row: states, and the `observed` flags of
    `features`, are tuples with one entry per block, and distributions are products.

    Args:
        blocks: processes of the blocks, in the order of the row's blocks.
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
        """T."""
        return self.blocks[0].trajectory_length

    @property
    def n_columns(self) -> int:
        """D, of all blocks together."""
        return sum(block.n_columns for block in self.blocks)

    @property
    def n_features(self) -> int:
        """Length of the network's input."""
        return sum(block.n_features for block in self.blocks)

    @property
    def n_outputs(self) -> int:
        """Length of the network's output."""
        return sum(block.n_outputs for block in self.blocks)

    def prior(self) -> Product:
        """Equilibrium distribution pi."""
        return Product(tuple(block.prior() for block in self.blocks))

    def kernel(self, x: State, t: Step, s: Step | None = None) -> Product:
        """q(x_t given x_s = x)."""
        return Product(
            tuple(block.kernel(xi, t, s) for block, xi in zip(self.blocks, x, strict=True))
        )

    def marginal(self, x_0: State, t: Step) -> Product:
        """q(x_t given x_0)."""
        return Product(
            tuple(block.marginal(xi, t) for block, xi in zip(self.blocks, x_0, strict=True))
        )

    def bridge(self, x_t: State, x_0: State, t: Step, s: Step | None = None) -> Product:
        """q(x_s given x_t, x_0)."""
        return Product(
            tuple(
                block.bridge(xi, yi, t, s)
                for block, xi, yi in zip(self.blocks, x_t, x_0, strict=True)
            )
        )

    def independent(self) -> Product:
        """Independent columns, the data where no others are given."""
        return Product(tuple(block.independent() for block in self.blocks))

    def reverse_kernel(
        self,
        raw: Float[Array, " P"],
        x_t: State,
        t: Step,
        s: Step | None = None,
        data: Product | None = None,
    ) -> Product:
        """p(x_s given x_t) from the network's raw output of length `n_outputs`; for raw = 0 the
        reversal of `data`.
        """
        ends = list(accumulate(block.n_outputs for block in self.blocks))
        raws = jnp.split(raw, ends[:-1])
        parts = (None,) * len(self.blocks) if data is None else data.parts
        return Product(
            tuple(
                b.reverse_kernel(r, xi, t, s, d)
                for b, r, xi, d in zip(self.blocks, raws, x_t, parts, strict=True)
            )
        )

    def log_evidence(self, data: Product, x_t: State, t: Step) -> Float[Array, " D"]:
        """log E_{x_0 ~ data} q(x_t given x_0), nats per column."""
        return jnp.concatenate(
            [
                b.log_evidence(d, xi, t)
                for b, d, xi in zip(self.blocks, data.parts, x_t, strict=True)
            ]
        )

    def features(
        self, x_t: State, observed: tuple[Bool[Array, "..."], ...], t: Step
    ) -> Float[Array, " F"]:
        """Network input of length `n_features`."""
        return jnp.concatenate(
            [b.features(xi, o, t) for b, xi, o in zip(self.blocks, x_t, observed, strict=True)]
        )
