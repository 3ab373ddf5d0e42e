"""Each bad image, stack or sequence gets one clear error: what, where, what to do; exit code 2,
nothing written."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surface.conftest import refused

TINY = ["--max-steps", 2, "--trajectory-length", 4, "--width", 8]


def picture(*shape: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def bomb() -> bytes:
    """A PNG of a few bytes that claims 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three good images."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(3):
        picture(8, 8).save(folder / f"{i}.png")
    return folder


def other_size(path: Path) -> None:
    picture(9, 8).save(path)


def other_colour(path: Path) -> None:
    picture(8, 8, 3).save(path)


def alpha(path: Path) -> None:
    picture(8, 8, 4).save(path)


def truncated(path: Path) -> None:
    picture(8, 8).save(path)
    path.write_bytes(path.read_bytes()[:60])


def decompression_bomb(path: Path) -> None:
    path.write_bytes(bomb())


BAD = {
    other_size: ["8 x 9 pixels", "0.png is 8 x 8 pixels"],
    other_colour: ["colour", "0.png", "grey"],
    alpha: ["transparent", "-flatten"],
    truncated: ["no intact image"],
    decompression_bomb: ["too large"],
}


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_one_bad_image_in_a_folder(tmp_path, folder, make):
    make(folder / "3.png")
    message = refused("fit", folder, "-o", tmp_path / "model", *TINY, folder=tmp_path)
    for word in ("3.png", "To do:", *BAD[make]):
        assert word in message


def test_folders_that_hold_no_images(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    assert "holds no image" in refused(
        "fit", tmp_path / "empty", "-o", tmp_path / "model", folder=tmp_path
    )
    message = refused("fit", folder.parent, "-o", tmp_path / "model", folder=tmp_path)
    assert "holds no image" in message
    assert f"{folder} holds some" in message
    assert "no such" in refused(
        "fit", tmp_path / "nothing", "-o", tmp_path / "model", folder=tmp_path
    )
    for kind in ("table", "sequence"):
        message = refused("fit", folder, "--kind", kind, "-o", tmp_path / "model", folder=tmp_path)
        assert "this is a folder" in message


ARRAYS = {
    "int64": (np.zeros((4, 8, 8), int), None, "type int64"),
    "channels": (np.zeros((4, 8, 8, 2), np.uint8), None, "no stack of images"),
    "flat": (np.zeros((4, 8), np.uint8), "images", "no stack of images"),
    "not finite": (np.full((4, 8, 8), np.nan), None, "not finite"),
    "one": (np.arange(64, dtype=np.uint8).reshape(1, 8, 8), None, "1 row(s)"),
    "equal": (np.full((4, 8, 8), 9, np.uint8), None, "all pixels are equal"),
    "sequence 1-D": (np.zeros(4), "sequence", "no table of sequences"),
    "sequence 3-D": (np.zeros((4, 3, 2)), "sequence", "no table of sequences"),
    "negative": (np.full((4, 3), -1), "sequence", "from -1 to -1"),
    "many states": (np.full((4, 3), 300), "sequence", "from 300 to 300"),
    "infinite": (np.full((4, 3), np.inf), "sequence", "not finite"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_bad_arrays(tmp_path, case):
    array, kind, words = ARRAYS[case]
    np.save(tmp_path / "x.npy", array)
    more = [] if kind is None else ["--kind", kind]
    message = refused(
        "fit", tmp_path / "x.npy", "-o", tmp_path / "model", *more, *TINY, folder=tmp_path
    )
    assert "x.npy" in message
    assert words in message


def test_settings_without_meaning_for_images(tmp_path, folder):
    (tmp_path / "schema.json").write_text('{"columns": {}}')
    command = ("fit", folder, "-o", tmp_path / "model", *TINY)
    assert "dropout" in refused(*command, "--dropout", 0.2, folder=tmp_path)
    assert "leave it out" in refused(
        *command, "--schema", tmp_path / "schema.json", folder=tmp_path
    )


def test_a_model_of_other_images(tmp_path, folder):
    from quasistatic import DiffusionDensity

    stack = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
    model = DiffusionDensity(max_steps=2, trajectory_length=2, width=4, random_state=0).fit(stack)
    model.save(tmp_path / "model")
    command = ("score", tmp_path / "model", folder, "-o", tmp_path / "scores.csv")
    message = refused(*command, folder=tmp_path)
    assert "8 x 8 pixels, grey; the model was fitted on 6 x 6 pixels, grey" in message
    picture(8, 8).save(tmp_path / "mask.png")
    np.save(tmp_path / "x.npy", stack)
    command = (
        "impute",
        tmp_path / "model",
        tmp_path / "x.npy",
        "--mask",
        tmp_path / "mask.png",
        "-o",
        tmp_path / "y",
    )
    assert "the mask is 8 x 8 pixels" in refused(*command, folder=tmp_path)
