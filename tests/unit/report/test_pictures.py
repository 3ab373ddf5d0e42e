"""Reports of images and of sequences."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from quasistatic import DiffusionDensity, sequence_table
from quasistatic.data.arranged import image_table
from quasistatic.data.images.output import picture_of
from quasistatic.report import compute
from quasistatic.report._tables import EXTREMES
from quasistatic.report.compute import find
from quasistatic.report.figures._pictures import draw_images
from quasistatic.report.findings import OF_IMAGES, Limits
from quasistatic.report.page import render
from unit.report.test_page import LOADING, Page

SETTINGS = {
    "model": "diffusion",
    "components": 1,
    "trajectory_length": 4,
    "width": 4,
    "batch_size": 16,
    "max_steps": 2,
    "random_state": 0,
}
SMALL = Limits(compared=9, scored=9, generated=6, weighed=6, ledger=4, certificate=6, paired=5)


def pictures_in(text: str) -> list[np.ndarray]:
    """The pictures that stand in a page, decoded."""
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


def test_what_is_drawn_are_the_images():
    stack = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    picture = draw_images(stack, alt='a "picture" <of> images', caption="five")
    (pixels,) = pictures_in(picture.svg)
    np.testing.assert_array_equal(pixels, picture_of(stack))
    np.testing.assert_array_equal(pixels[:4, :6], stack[0])
    np.testing.assert_array_equal(
        pixels[6:10, 8:14], stack[4]
    )  # two pixels between images, three in a line
    (attributes,) = [a for tag, a in Page(picture.svg).attributes if tag == "svg"]
    assert attributes["aria-label"] == 'a "picture" <of> images'


@pytest.fixture(scope="module")
def of_images():
    """A model, its images, what is found with and without them."""
    stack = np.random.default_rng(1).integers(0, 256, (20, 4, 4), dtype=np.uint8)
    density = DiffusionDensity(**SETTINGS).fit(stack)
    options = {"name": "model", "trajectories": 3, "limits": SMALL}
    return (
        stack,
        find(density, image_table(stack), data_name="folder", **options),
        find(density, None, **options),
    )


def test_images_stand_beside_sampled_ones(of_images):
    stack, found, _ = of_images
    page = Page(text := render(found))
    assert LOADING & set(page.tags) == {"image"}
    targets = [a["href"] for tag, a in page.attributes if "href" in a]
    assert all(target.startswith(("#", "data:image/png;base64,")) for target in targets)
    assert "img-src data:" in text
    assert "http" not in text.replace("http-equiv", "")
    for words in (
        "images of 4 x 4 pixels, grey",
        "bits per pixel",
        "Images of the data and sampled ones",
        "Scored and shown are 9 of the 20 whole rows",
    ):
        assert words in page.text
    assert "Pairs of columns" not in page.text
    scored, n = found.scored, min(EXTREMES, len(found.scored.index) // 2)
    order = np.argsort(-scored.likelihood.lower, kind="stable")
    real, sampled, most, least = pictures_in(text)
    np.testing.assert_array_equal(real, picture_of(stack[scored.index]))
    np.testing.assert_array_equal(
        sampled, picture_of(found.images.arrange(found.sampled.to_numpy()))
    )
    np.testing.assert_array_equal(most, picture_of(stack[scored.index][order[:n]]))
    np.testing.assert_array_equal(least, picture_of(stack[scored.index][order[::-1][:n]]))


def test_a_model_of_images_alone(of_images):
    _, _, found = of_images
    page = Page(text := render(found))
    assert len(pictures_in(text)) == 1
    links = [a["href"][1:] for tag, a in page.attributes if tag == "a"]
    ids = [a["id"] for _, a in page.attributes if "id" in a]
    assert {"pictures", "sandwich", "ledger"} <= set(links) <= set(ids)
    assert "rows" not in ids


def test_images_have_limits_of_their_own(of_images, monkeypatch):
    """Smaller ones than tables have; here they are those of the other tests."""
    assert OF_IMAGES.scored < Limits().scored
    monkeypatch.setattr(compute, "OF_IMAGES", SMALL)
    stack, found, _ = of_images
    again = find(found.density, image_table(stack), name="model", trajectories=3)
    assert len(again.scored.index) == len(again.sampled) == SMALL.scored
    assert len(pictures_in(render(again))) == 4


@pytest.mark.slow
def test_the_limits_of_images_as_they_are(of_images):
    stack, found, _ = of_images
    again = find(found.density, image_table(stack), name="model", trajectories=3)
    assert len(again.scored.index) == min(len(stack), OF_IMAGES.scored)
    assert len(pictures_in(render(again))) == 4


def test_a_sequence_is_a_table_of_its_places():
    rows = np.random.default_rng(3).normal(size=(30, 5)).cumsum(axis=1)
    density = DiffusionDensity(**SETTINGS, members=1).fit(sequence_table(rows))
    page = Page(
        render(find(density, sequence_table(rows), name="model", trajectories=3, limits=SMALL))
    )
    for words in ("sequences of length 5", "bits per sequence", "Pairs of columns", "x4"):
        assert words in page.text
