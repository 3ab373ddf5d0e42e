"""Images out: grids, folders, arrays, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from quasistatic.data.images.folder import read_image_folder
from quasistatic.data.images.output import GAP, check_image_output, write_images
from quasistatic.errors import OutputError


@pytest.fixture
def grey(rng):
    return rng.integers(0, 256, (11, 3, 4), dtype=np.uint8)


def test_a_grid_shows_every_image(tmp_path, grey):
    write_images(grey, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        picture = np.asarray(image)
    zoom = picture.shape[1] // (4 * (4 + GAP) - GAP)
    assert picture.shape == (zoom * (3 * (3 + GAP) - GAP), zoom * (4 * (4 + GAP) - GAP), 3)
    assert picture.shape[1] >= 300
    small = picture[::zoom, ::zoom, 0]
    np.testing.assert_array_equal(small[:3, 4 + GAP : 8 + GAP], grey[1])
    assert small[3, 0] == 255


@pytest.mark.parametrize("shape", [(11, 3, 4), (11, 3, 4, 3)])
def test_a_folder_can_be_read_again(tmp_path, rng, shape):
    stack = rng.integers(0, 256, shape, dtype=np.uint8)
    for force in (False, True):  # a second time over the first
        write_images(stack, tmp_path / "x", force)
    assert sorted(p.name for p in (tmp_path / "x").iterdir())[:2] == ["00.png", "01.png"]
    found = read_image_folder(tmp_path / "x")
    np.testing.assert_array_equal(np.moveaxis(found, 1, -1).reshape(shape), stack)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_arrays(tmp_path, grey):
    write_images(grey, tmp_path / "x.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), grey)
    write_images(grey, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as archive:
        np.testing.assert_array_equal(archive["images"], grey)


def test_real_numbers_are_shown_from_black_to_white(tmp_path):
    write_images(np.linspace(-5, 5, 100).reshape(1, 10, 10), tmp_path / "x")
    with Image.open(tmp_path / "x" / "0.png") as image:
        shown = np.asarray(image)
    assert (shown.min(), shown.max()) == (0, 255)
    assert np.all(np.diff(shown.reshape(-1).astype(int)) >= 0)


def test_what_is_refused(tmp_path, grey):
    (tmp_path / "file").write_text("x")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("x")
    write_images(grey, tmp_path / "pictures")
    for name, message in (
        ("x.csv", "unknown kind of file"),
        ("file", "not as a folder of PNG"),
        ("letters", "not as a folder of PNG"),
        ("pictures", "exists already"),
        ("no/x", "there is no folder"),
        ("no/x.png", "there is no folder"),
    ):
        with pytest.raises(OutputError, match=message):
            check_image_output(tmp_path / name)
    for name in ("file", "letters"):
        with pytest.raises(OutputError, match="not as a folder of PNG"):
            check_image_output(tmp_path / name, force=True)
    check_image_output(tmp_path / "pictures", force=True)
