"""Matplotlib figures as SVG that may stand in a page: named colours, no ids in common, no style of
their own, the same bytes.
"""

import io
import re
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple
from xml.etree import ElementTree

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from quasistatic.report._wording import plain
from quasistatic.report.figures._style import PALETTE, SETTINGS, WIDTH

_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_DROPPED = ("metadata", "style")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_DECIMAL = re.compile(r"-?\d+\.\d{3,}")
_FONT = re.compile(r"font:[^;]*?([\d.]+)px[^;]*")
_REFERENCE = re.compile(r"#([\w-]+)")


class Picture(NamedTuple):
    """A figure of the page.

    Args:
        svg: text of the `<svg>` element, with its alternative text.
        caption: caption that says what the figure shows and how to read it, for everyone.
        title: heading of the figure; empty (default) where it has none.
        tall: whether the figure takes the room of two (default False).
    """

    svg: str
    caption: str
    title: str = ""
    tall: bool = False


def draw(
    paint: Callable[[Figure], None], *, name: str, alt: str, height: float, width: float = WIDTH
) -> str:
    """What `paint` does to an empty figure, as an `<svg>` element.

    Args:
        paint: function that takes the empty figure and draws on it.
        name: name of the figure, one of its kind in the page: its ids begin with it.
        alt: alternative text of the figure.
        height: height of the figure, CSS pixels.
        width: width of the figure, CSS pixels (default 340).
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing from"
        )  # the reader's fonts draw the text, not ours
        matplotlib.rcdefaults()
        settings: dict[Any, Any] = SETTINGS
        matplotlib.rcParams.update(settings)
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        paint(figure)
        file = io.StringIO()
        FigureCanvasSVG(figure).print_svg(file, metadata=_NO_METADATA)
    return _inline(file.getvalue(), name, alt)


def _inline(text: str, name: str, alt: str) -> str:
    root = ElementTree.fromstring(text)  # comments, which repeat the texts, are left out
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag.rpartition("}")[2] in _DROPPED]:
            parent.remove(child)
    elements = list(root.iter())
    for element in elements:
        element.tag = element.tag.rpartition("}")[2]
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update({key: _value(key, value, name) for key, value in attributes.items()})
    used = {match for element in elements for match in _references(element)}
    for element in elements:
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib.update({"class": "figure", "role": "img", "aria-label": plain(alt)})
    return ElementTree.tostring(root, encoding="unicode")


def _value(key: str, value: str, name: str) -> str:
    """An attribute as the page needs it."""
    if key == "id":
        return f"{name}-{value}"
    if key in ("href", "clip-path"):
        return _REFERENCE.sub(rf"#{name}-\1", value)
    if key in ("d", "x", "y"):
        return _DECIMAL.sub(lambda match: f"{float(match.group()):.2f}", value)
    if key == "style":
        return _COLOUR.sub(_variable, _FONT.sub(r"font-size: \1px", value))
    return value


def _variable(match: re.Match[str]) -> str:
    names = {number: name for name, number in PALETTE.items()}
    return (  # a colour without a name would be wrong in the dark
        f"var(--{names[match.group().lower()]})"
    )


def _references(element: ElementTree.Element) -> list[str]:
    return _REFERENCE.findall(element.get("href", "") + element.get("clip-path", ""))
