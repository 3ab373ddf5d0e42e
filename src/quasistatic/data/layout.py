"""How a row of equal columns is arranged: the pixels of an image, the places of a sequence."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard

import numpy as np

from quasistatic.data.door import ordinary
from quasistatic.errors import SchemaError
from quasistatic.records import Misfit, Within, check, parse_json, shown

__all__ = ["Layout", "LayoutKind", "are_images", "layout_of_folder"]


LayoutKind = Literal["images", "sequence"]
_MOST_COLUMNS = 2**20
_COLOURS = {1: ("",), 3: ("r", "g", "b")}


@dataclass(frozen=True)
class Layout:
    """The arrangement of D columns that are all of one kind.

    Args:
        kind: kind of the arrangement, "images" or "sequence".
        shape: shape of a row: (channels, height, width), one channel or three; or (length,).

    Example:
        >>> Layout("images", (1, 2, 2)).names
        ('y0x0', 'y0x1', 'y1x0', 'y1x1')
        >>> Layout("sequence", (3,)).names
        ('x0', 'x1', 'x2')
    """

    kind: LayoutKind
    shape: tuple[Annotated[int, Within(1, _MOST_COLUMNS)], ...]

    def __post_init__(self) -> None:
        if self.size > _MOST_COLUMNS:
            raise SchemaError(
                f"a row of {self.size} places is too long; the limit is {_MOST_COLUMNS}",
                fix="give smaller images or shorter sequences",
            )

    @property
    def size(self) -> int:
        """D, the number of columns."""
        return math.prod(self.shape)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, plane by plane: "y3x5", in colour "y3x5r"; "x5" of a sequence."""
        if self.kind == "sequence":
            return tuple(f"x{i}" for i in range(self.shape[0]))
        channels, height, width = self.shape
        return tuple(
            f"y{y}x{x}{c}" for c in _COLOURS[channels] for y in range(height) for x in range(width)
        )

    @property
    def words(self) -> str:
        """What it is, for people: "8 x 8 pixels, grey"."""
        if self.kind == "sequence":
            return f"sequence of length {self.shape[0]}"
        channels, height, width = self.shape
        return f"{width} x {height} pixels, {'grey' if channels == 1 else 'colour'}"

    @property
    def bits_unit(self) -> str:
        """The unit of `bits`."""
        if self.kind == "sequence":
            return "bits per sequence"
        return "bits per pixel" if self.shape[0] == 1 else "bits per pixel and colour"

    def bits(self, nats: float) -> float:
        """Nats of a row in `bits_unit`, the sign kept: `nats / (D log 2)` for images, `nats / log
        2` for sequences.

        Example:
            >>> import math
            >>> round(Layout("images", (1, 2, 2)).bits(-4 * math.log(2)), 6)
            -1.0
        """
        return nats / (math.log(2) * (self.size if self.kind == "images" else 1))

    def arrange(self, rows: np.ndarray) -> np.ndarray:
        """`[N, D]` as what was given: images `[N, H, W]` or `[N, H, W, 3]`, sequences `[N, L]`."""
        if self.kind == "sequence":
            return rows
        stack = np.moveaxis(rows.reshape(-1, *self.shape), 1, -1)
        return stack[..., 0] if self.shape[0] == 1 else stack

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        return {"kind": self.kind, "shape": list(self.shape)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Layout":
        """Inverse of `to_json`.

        Raises:
            SchemaError: no kind and shape of images or sequences.
        """
        try:
            check(cls, data, "layout")
        except Misfit as error:
            raise SchemaError(str(error), fix="use the schema.json that `fit` wrote") from error
        kind, shape = data["kind"], tuple(data["shape"])
        fits = (kind == "images" and len(shape) == 3 and shape[:1] in ((1,), (3,))) or (
            kind == "sequence" and len(shape) == 1
        )
        if not fits:
            raise SchemaError(
                f"{shown(data)} is no layout of images or sequences",
                fix="use the schema.json that `fit` wrote",
            )
        return cls("images" if kind == "images" else "sequence", shape)


def layout_of_folder(folder: str | Path) -> Layout | None:
    """The layout of a model folder, without reading the rest; None for a table's, and where none
    can be read (loading will say why).
    """
    try:
        path = Path(folder) / "schema.json"
        ordinary(path)
        schema = parse_json(path.read_bytes())
        found = schema["container"].get("layout")
        return None if found is None else Layout.from_json(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def are_images(layout: Layout | None) -> TypeGuard[Layout]:
    """Whether rows of the layout are images; no layout is a table."""
    return layout is not None and layout.kind == "images"
