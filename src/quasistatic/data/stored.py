"""A codec's JSON: the types of its parts, and whether they fit together."""

from typing import Annotated, Any, Literal, TypedDict

import numpy as np

from quasistatic.data.columns._proof import prove
from quasistatic.data.columns.transform import Affine
from quasistatic.data.layout import are_images
from quasistatic.records import Misfit, Within, check

__all__ = ["check_codec", "check_parts"]

_Positive = Annotated[float, Within(5e-324, 1e300)]
_Numbers = Annotated[list[float], Within(2, 10_000)]


class _AffineJson(TypedDict):
    type: Literal["affine"]
    mean: float
    sd: _Positive


class _SplineJson(TypedDict):
    type: Literal["spline"]
    x: _Numbers
    z: _Numbers
    slope: Annotated[list[_Positive], Within(2, 10_000)]


class _CodecJson(TypedDict):
    """`Codec` in JSON."""

    schema: dict[str, Any]
    transforms: list[_AffineJson | _SplineJson]
    marginals: list[Annotated[list[Annotated[float, Within(5e-324, 1)]], Within(1, 10**6)]]
    typical_width: list[Annotated[float, Within(0, 1e6)]]


def check_codec(data: Any) -> None:
    """Refuse JSON that is no codec's.

    Args:
        data: data in JSON types.

    Raises:
        Misfit: naming what is not as it is declared.
    """
    check(_CodecJson, data)


def check_parts(codec: Any) -> None:
    """Refuse a codec whose parts do not fit together.

    Args:
        codec: codec with the schema, the transforms, the marginals and the widths of a file.

    Raises:
        Misfit: numbers of parts that differ, or a transform that does not increase.
        SchemaError: a column that cannot be written.
    """
    prove(codec.schema)
    columns = codec.schema.columns
    n_numbers = sum(not column.is_discrete for column in columns)
    if not columns:
        raise Misfit("the schema has no columns")
    if len(codec.transforms) != n_numbers or len(codec.typical_width) != n_numbers:
        raise Misfit(
            f"{n_numbers} columns of numbers, {len(codec.transforms)} transforms and"
            f" {len(codec.typical_width)} widths"
        )
    if tuple(map(len, codec.marginals)) != tuple(codec.n_states):
        raise Misfit("the frequencies are not those of the columns' states")
    if any(abs(float(np.sum(marginal)) - 1) > 1e-6 for marginal in codec.marginals):
        raise Misfit("frequencies do not sum to 1")
    shared = slice(0, 1 if are_images(codec.schema.layout) else None)
    for transform in codec.transforms[shared]:
        if not isinstance(transform, Affine):
            _check_knots(np.asarray(transform.x), np.asarray(transform.z), len(transform.slope))


def _check_knots(x: np.ndarray, z: np.ndarray, n_slopes: int) -> None:
    if not len(x) == len(z) == n_slopes or np.any(np.diff(x) <= 0) or np.any(np.diff(z) <= 0):
        raise Misfit("a spline does not increase from knot to knot")
