"""Images and sequences on a page: what is hidden is filled, noise is taken away."""

import re
import time

import numpy as np
import pytest
from starlette.testclient import TestClient

from quasistatic import DiffusionDensity, sequence_table
from quasistatic.data.layout import Layout
from quasistatic.errors import DataError
from quasistatic.serve.app import application
from quasistatic.serve.charts.arranged import Scale, drawn_row
from quasistatic.serve.subject import Subject
from quasistatic.serve.views import arranged
from quasistatic.serve.views.mask import mask_of, text_of
from unit.conftest import no_training
from unit.serve.conftest import ADDRESS, UNTRAINED
from unit.serve.test_charts import shown
from unit.serve.test_pages import events, last_parts

LINES = {**UNTRAINED, "model": "diffusion", "components": 1, "members": 1, "frequencies": 0}


def served(density, table):
    client = TestClient(application(Subject.of("m", density, table, "them")), base_url=ADDRESS)
    with client:
        end = time.monotonic() + 120
        while client.get("/healthz").json()["calibrated"] < 1:
            assert time.monotonic() < end, "the model is not calibrated"
            time.sleep(0.05)
        yield client


@pytest.fixture(scope="module")
def images(image_subject):
    yield from served(image_subject.density, image_subject.table)


@pytest.fixture(scope="module")
def sequences(brief):
    rows = np.random.default_rng(3).normal(size=(30, 5)).cumsum(axis=1)
    with no_training():
        density = DiffusionDensity(**LINES).fit(sequence_table(rows))
    yield from served(density, sequence_table(rows))


def test_a_model_of_images_has_the_view_of_images_alone(images):
    assert images.get("/", follow_redirects=False).headers["location"] == "/image"
    page = images.get("/image?row=2").text
    assert "Image 2 of 20" in page
    assert "6 x 4 pixels, grey" in page
    assert images.get("/row").status_code == images.get("/sequence").status_code == 404
    found = re.findall(r'src="(/static/[^"]+)"', page)
    assert found == ["/static/explore.js", "/static/mask.js"]
    assert all(len(images.get(path).content) < 20_000 for path in found)
    assert images.get("/image?row=21").status_code == 422
    assert "that the model draws" in images.get("/image?sample=3").text


def test_a_whole_image_is_told_from_both_sides_among_the_models_own(images):
    found = last_parts(images.get("/ask/image?row=1").text)
    assert "More likely than" in found["answer"]
    assert "images that the model draws" in found["answer"]
    assert "In bits per pixel" in found["answer"]
    assert "≤" in found["answer"]
    assert "<svg" in found["original"]
    assert "Nothing" in found["filled"]


def test_hidden_pixels_are_filled_better_from_step_to_step(images):
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:5] = True
    told = events(images.get("/ask/image", params={"row": "1", "hide": text_of(mask)}).text)
    kinds = [kind for kind, _ in told]
    assert kinds == ["parts"] * 3 + ["done"], "the picture, a first answer, and a better one"
    first, last = told[1][1]["answer"], told[2][1]["answer"]
    assert "known pixels" in first
    assert ("32 particles" in first, "64 particles" in last) == (True, True)
    assert "18 of 24 pixels" in last
    filled = told[2][1]["filled"]
    assert filled.count("<svg") == 7
    assert "32 draws" in filled


def test_what_is_shown_stays_as_it_is(image_subject):
    """Draws differ from the row in hidden pixels alone."""
    from quasistatic.data.arranged import with_holes
    from quasistatic.serve.row_answer import filled_row

    mask = np.zeros((4, 6), bool)
    mask[0] = True
    row = image_subject.table.take(np.array([0]))
    found = filled_row(image_subject.fitted, with_holes(row, mask), 4, 8, arranged._STEPS)
    assert len(found.drawn) == 16
    assert 1 <= found.ess <= 32
    differs = found.drawn.frame.to_numpy() != row.frame.to_numpy()
    assert not differs[:, 6:].any()
    assert differs[:, :6].any()


def test_noise_is_added_and_taken_away(images):
    asked = {"row": "1", "sigma": "20", "noisy": "yes"}
    found = last_parts(images.get("/ask/image", params=asked).text)["denoised"]
    assert found.count("<svg") == 2
    error = float(re.search(r"([\d.]+) \(root mean square\)", found)[1])
    assert 0 < error < 60
    ((kind, told),) = events(images.get("/ask/image?sigma=-1&row=1").text)
    assert (kind, "standard deviation" in told["what"]) == ("refused", True)


@pytest.mark.slow
def test_a_sequence_is_a_line_of_which_places_are_filled(sequences):
    page = sequences.get("/sequence?sample=1").text
    assert "sequence of length 5" in page.lower()
    assert 'data-across="5" data-down="1"' in page
    hide = text_of(np.array([[False, False, False, True, True]]))
    asked = {"row": "3", "hide": hide, "sigma": "0.5"}
    found = last_parts(sequences.get("/ask/sequence", params=asked).text)
    assert "known places" in found["answer"]
    assert found["filled"].count("<polyline") == 7
    assert found["denoised"].count("<polyline") == 2


def test_masks_are_letters_of_an_address():
    layout = Layout("images", (3, 5, 7))
    for seed in range(20):
        mask = np.random.default_rng(seed).random((5, 7)) < seed / 19
        assert re.fullmatch(r"[\w-]*", text_of(mask))
        np.testing.assert_array_equal(mask_of(text_of(mask), layout), mask)
    for text in ("!", "A", "____________", "é"):
        with pytest.raises(DataError, match="hidden places"):
            mask_of(text, layout)


def test_pictures_have_the_colours_of_their_pixels():
    colour = Layout("images", (3, 1, 3))
    values = np.array([[255.0, 255, 0], [0, 0, 128], [0, 0, 255]]).reshape(-1)
    svg = str(drawn_row(values, Scale(colour, 0.0, 255.0, False), "<b>"))
    assert shown(svg) == "<b>"
    assert re.findall(r'fill="(#\w+)" d="([^"]+)"', svg) == [
        ("#0080ff", "M2 0h1v1H2z"),
        ("#ff0000", "M0 0h2v1H0z"),
    ]
    line = Scale(Layout("sequence", (4,)), 0.0, 1.0, False)
    broken = str(drawn_row(np.array([0.0, np.nan, 1.0, 0.5]), line, "line"))
    assert (broken.count("<polyline"), broken.count("<rect")) == (1, 1)
    tiles = str(drawn_row(np.array([0.0, 1, 2, np.nan]), line._replace(discrete=True), "tiles"))
    assert tiles.count("<rect") == 3
