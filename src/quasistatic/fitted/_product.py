"""What two fitted densities need to be multiplied: the same columns, and for a guide the same
space.
"""

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.errors import SchemaError
from quasistatic.fitted.likelihood import log_likelihood
from quasistatic.fitted.model import Fitted
from quasistatic.typing import State


def check_same_columns(schema: Schema, other: Schema) -> None:
    """Both tables have the same columns with the same values.

    Args:
        schema: schema of the columns of the one density.
        other: schema of the columns of the other density.

    Raises:
        SchemaError: the first column that differs.
    """
    if schema.constraints != other.constraints:
        raise SchemaError(
            f"the densities have different constraints: {list(schema.constraints)} and"
            f" {list(other.constraints)}",
            fix="fit both densities with one schema (`schema=m.schema_`)",
        )
    here, there = ({c.name: (c.kind, c.categories) for c in s.columns} for s in (schema, other))
    for name in [*here, *there]:
        if here.get(name) != there.get(name):
            what = (
                f"is {_words(here.get(name))} of the one and {_words(there.get(name))} of the other"
            )
            fix = "fit both densities with one schema (`schema=m.schema_`)"
            raise SchemaError(
                f"the densities have different columns: {what}", where=f"column {name!r}", fix=fix
            )


def _words(column: tuple[str, Any] | None) -> str:
    if column is None:
        return "no column"
    kind, categories = column
    return f"a {kind} column" + (f" with {len(categories)} categories" if categories else "")


def one_space(fitted: Fitted, other: Fitted) -> bool:
    """Whether a state means the same row in both, and a step the same share of the trajectory.

    Args:
        fitted: model and codec of the one density.
        other: model and codec of the other density.
    """
    here, there = (_space(f) for f in (fitted, other))
    return here == there


def _space(fitted: Fitted) -> tuple[Any, ...]:
    """All that gives a state its meaning."""
    codec, prior = fitted.codec, jax.eval_shape(fitted.model.forward.prior)
    columns = [
        replace(column, missing=0, constant=False, lower=None) for column in codec.schema.columns
    ]
    transforms = [transform.to_json() for transform in codec.transforms]
    shapes = [leaf.shape for leaf in jax.tree.leaves(prior)]
    return columns, transforms, jax.tree.structure(prior), shapes, fitted.model.trajectory_length


class LogDensity:
    """log of an unbiased estimate of p'(x), nats in the data's own units, of rows in the space of
    another model.

    Args:
        fitted: model whose states the rows are, and its codec.
        other: model and codec of the other density p'.
        trajectories: number of trajectories behind an estimate of p'(x).
    """

    def __init__(self, fitted: Fitted, other: Fitted, trajectories: int) -> None:
        self.fitted, self.other, self.trajectories = fitted, other, trajectories

    def __call__(self, x_0: State) -> np.ndarray:
        rows = Table(self.fitted.decode(x_0), "rows of the other density")
        found = log_likelihood(self.other, rows, "ais", self.trajectories, key=self.other.key())
        return found.lower
