"""SVG that may stand in a page."""

import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from quasistatic.report.figures._drawing import draw
from quasistatic.report.figures._style import INK, NAMES, PALETTE, REAL


def paint(figure):
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=REAL, marker="o")
    axes.fill_between([0, 1], [0, 1], [1, 2], color=REAL, alpha=0.5)
    axes.set_title(TEXT, color=INK)
    axes.set_xlim(0.2, 0.8)  # something to clip


TEXT = "<script>$x_1$ & 100 % --> id=\"a\" url(#b) '日本' 🙂"


def test_it_is_one_element_without_anything_of_its_own():
    svg = draw(paint, name="one", alt='what "it" shows <b>', height=200)
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert root.get("aria-label") == 'what "it" shows <b>'
    assert root.get("viewBox") == "0 0 340 200"
    assert root.get("width") is None
    assert "http" not in svg
    assert "<!--" not in svg
    assert not {"style", "metadata", "script", "image"} & {element.tag for element in root.iter()}


def test_text_comes_through_as_it_is():
    texts = [
        element.text
        for element in ElementTree.fromstring(draw(paint, name="one", alt="", height=200)).iter(
            "text"
        )
    ]
    assert TEXT in texts


def test_every_colour_has_a_name():
    svg = draw(paint, name="one", alt="", height=200)
    used = set(re.findall(r"var\(--(\w+)\)", svg))
    assert {"real", "ink", "muted"} <= used <= set(NAMES)
    markup = re.sub(r">[^<]*<", "><", svg)  # without the texts
    assert not re.search(
        r"#[0-9a-fA-F]{3,6}\b(?!-)", re.sub(r'(href|clip-path)="[^"]*"', "", markup)
    )


def test_a_colour_without_a_name_is_refused():
    with pytest.raises(KeyError, match="123456"):
        draw(
            lambda figure: figure.add_subplot().plot([0, 1], color="#123456"),
            name="one",
            alt="",
            height=99,
        )


def test_ids_are_the_figures_own_and_only_those_in_use():
    one, two = (
        ElementTree.fromstring(draw(paint, name=name, alt="", height=200))
        for name in ("one", "two")
    )
    ids = [{element.get("id") for element in root.iter()} - {None} for root in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]
    text = ElementTree.tostring(one, encoding="unicode")
    for name in ids[0]:
        assert text.count(name) >= 2
        assert name.startswith("one-")


def test_the_same_bytes_whatever_the_users_settings():
    first = draw(paint, name="one", alt="", height=200)
    with matplotlib.rc_context(
        {"font.size": 30, "svg.hashsalt": "other", "svg.fonttype": "path", "axes.facecolor": "red"}
    ):
        assert draw(paint, name="one", alt="", height=200) == first
        assert matplotlib.rcParams["font.size"] == 30  # and they are left as they were


def test_the_numbers_of_the_palette_are_distinct():
    assert len(set(PALETTE.values())) == len(PALETTE)


def test_text_is_twelve_pixels_high():
    svg = draw(paint, name="one", alt="", height=200)
    sizes = np.array([float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)])
    assert len(sizes)
    assert np.all(sizes >= 12)
