r"""A row of the model's space in the units of the table, in JAX: what a user's log r sees. The
NumPy form is `data.codec`.

Every transform is a monotone rational-quadratic spline (`data.columns.transform`; a straight line
is one of two knots), with the inverse

    theta = 2 rise / (qb + sqrt(qb^2 + 4 qa rise)),
    qa = 1 - a + rise (a + b - 2),   qb = a - rise (a + b - 2).
"""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.codec import Codec
from quasistatic.data.columns.transform import TAIL, Affine
from quasistatic.typing import Array, Float, State

__all__ = ["DecodedRow", "Units"]


class Units(eqx.Module):
    """The way back from z to the values of the continuous columns; float32, without rounding to the
    lattice.

    Args:
        x: knots of each column's coordinate, `[Dc, n]`, the last one repeated as padding.
        z: knots of each column's z, `[Dc, n]`, padded as x is.
        slope: dz/dx at the knots, `[Dc, n]`.
        step: factor of each column, `[Dc]`: value = offset + step * coordinate.
        offset: offset of each column, `[Dc]`.
    """

    x: Float[Array, "Dc n"]
    z: Float[Array, "Dc n"]
    slope: Float[Array, "Dc n"]
    step: Float[Array, " Dc"]
    offset: Float[Array, " Dc"]

    @classmethod
    def of(cls, codec: Codec) -> Self:
        """The curves of a codec's continuous columns."""
        splines = []
        for t in codec.transforms:
            if isinstance(t, Affine):
                splines.append(([t.mean - t.sd, t.mean + t.sd], [-1.0, 1.0], [1 / t.sd, 1 / t.sd]))
            else:
                splines.append((t.x, t.z, t.slope))
        longest = max((len(x) for x, _, _ in splines), default=2)

        def table(part: int) -> np.ndarray:
            padded = [
                np.pad(np.asarray(s[part], np.float64), (0, longest - len(s[part])), "edge")
                for s in splines
            ]
            return np.asarray(padded, np.float32).reshape(len(splines), longest)

        columns = codec.continuous
        step = np.asarray([c.step if c.has_lattice else 1.0 for c in columns], np.float32)
        offset = np.asarray([c.offset if c.has_lattice else 0.0 for c in columns], np.float32)
        return cls(*map(jnp.asarray, (table(0), table(1), table(2), step, offset)))

    def values(self, z: Float[Array, " Dc"]) -> Float[Array, " Dc"]:
        """Values in the columns' own units; increasing and differentiable in z."""
        return self.offset + self.step * jax.vmap(_inverse)(
            z, *map(jnp.asarray, (self.x, self.z, self.slope))
        )


def _inverse(z: Array, x_knots: Array, z_knots: Array, slope: Array) -> Array:
    excess = jnp.clip(jnp.abs(z) - TAIL, 0.0, 80.0)
    z = jnp.where(excess > 0, jnp.sign(z) * (TAIL + jnp.expm1(excess)), z)
    last = jnp.argmax(z_knots)  # the first of the repeated ones
    k = jnp.clip(jnp.searchsorted(z_knots, z, side="right") - 1, 0, last - 1)
    x0, z0, h, r = x_knots[k], z_knots[k], x_knots[k + 1] - x_knots[k], z_knots[k + 1] - z_knots[k]
    a, b = slope[k] * h / r, slope[k + 1] * h / r
    rise = jnp.clip((z - z0) / r, 0.0, 1.0)
    bend = rise * (a + b - 2.0)
    qa, qb = 1.0 - a + bend, a - bend
    theta = 2.0 * rise / (qb + jnp.sqrt(jnp.maximum(qb * qb + 4.0 * qa * rise, 1e-12)))
    inside = x0 + jnp.clip(theta, 0.0, 1.0) * h
    below = x_knots[0] + (z - z_knots[0]) / slope[0]
    above = x_knots[last] + (z - z_knots[last]) / slope[last]
    return jnp.where(z < z_knots[0], below, jnp.where(z > z_knots[last], above, inside))


class DecodedRow(eqx.Module):
    """A state of the model as a dict of its columns: numbers in their own units, categories as
    their number in the schema.

    Args:
        units: curves of the continuous columns.
        codec: codec of the table.
    """

    units: Units
    codec: Codec = eqx.field(static=True)

    def __call__(self, x_0: State) -> dict[str, Array]:
        """Name -> scalar; datetimes as a number in the column's unit since 1970; a number within
        its column's limits; an atom has its exact value.
        """
        codec, decoded = self.codec, list(x_0)
        if codec.numbers is not None:
            decoded[codec.numbers] = self.units.values(x_0[codec.numbers])
        row = {}
        for column in codec.schema.columns:
            (block, j), *atom = codec.places(column.name)
            row[column.name] = decoded[block][j]
            if column.lower is not None or column.upper is not None:
                row[column.name] = jnp.clip(decoded[block][j], column.lower, column.upper)
            for place in atom:
                known = jnp.asarray((0.0, *column.atoms), jnp.float32)
                code = x_0[place.block][place.index]
                row[column.name] = jnp.where(code > 0, known[code], row[column.name])
        return row
