"""A folder of image files of one size."""

import re
import warnings
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from quasistatic.data.door import parsing
from quasistatic.data.memory import require_bytes
from quasistatic.errors import DataError

__all__ = ["EXTENSIONS", "read_image", "read_image_folder", "require_pillow"]


EXTENSIONS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
_MAX_PIXELS = 2**24
"""Of one image: 4096 x 4096. More is refused before it is unpacked."""

_CHANNELS = {"1": 1, "L": 1, "LA": 1, "P": 3, "RGB": 3, "RGBA": 3}


def read_image(path: str | Path) -> np.ndarray:
    """One image, uint8 `[C, H, W]`, one channel or three, turned as its EXIF orientation says.

    Raises:
        DataError: no intact image of a kind in `EXTENSIONS`, more than `_MAX_PIXELS`, several
            frames, a colour mode that is neither grey nor RGB, or transparent pixels.
    """
    pillow, path = require_pillow(), Path(path)
    with parsing(path, "image", fix="remove it or write it again"), warnings.catch_warnings():
        warnings.simplefilter("ignore", pillow.DecompressionBombWarning)  # our limit is lower
        try:
            with pillow.open(path, formats=_FORMATS) as image:
                width, height = image.size
                if width * height > _MAX_PIXELS:
                    raise _too_large(path, f"{width} x {height} pixels")
                if image.mode not in _CHANNELS:
                    raise DataError(
                        f"its colour mode is {image.mode}, neither grey nor RGB with 8 bits",
                        where=str(path),
                        fix=(
                            "convert it, e.g. `convert in.png -colorspace sRGB -depth 8 out.png`,"
                            " or give all images as one .npy stack of float32, which keeps finer"
                            " levels"
                        ),
                    )
                if getattr(image, "n_frames", 1) > 1:
                    raise DataError(
                        f"it holds {image.n_frames} pictures",
                        where=str(path),
                        fix="give each of them as a file of its own",
                    )
                if not _opaque(image):
                    raise DataError(
                        "some of its pixels are transparent",
                        where=str(path),
                        fix=(
                            "put it on a background, e.g. `convert in.png -background white"
                            " -flatten out.png`"
                        ),
                    )
                upright = import_module("PIL.ImageOps").exif_transpose(image)
                is_grey = _CHANNELS[image.mode] == 1 or _shows_grey(image)
                pixels = np.asarray(upright.convert("L" if is_grey else "RGB"))
        except pillow.DecompressionBombError as error:
            raise _too_large(path, "it claims more pixels than can be meant") from error
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)


def read_image_folder(folder: str | Path) -> np.ndarray:
    """All images of a folder in the order of their names (2.png before 10.png), uint8
    `[N, C, H, W]`; subfolders and hidden files are passed over.

    Raises:
        DataError: no such folder, no image in it, images that differ in size or colour, or one that
            cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError("there is no such folder", where=str(folder), fix="check the path")
    paths = _image_paths(folder)
    if not paths:
        inside = next(
            (sub for sub in sorted(folder.iterdir()) if sub.is_dir() and _image_paths(sub)), None
        )
        fix = f"give a folder of {', '.join(EXTENSIONS)} files"
        fix += f": subfolders are not entered, but {inside} holds some" if inside else ""
        raise DataError(
            f"the folder holds no image but {_held(folder)}", where=str(folder), fix=fix
        )
    first = read_image(paths[0])
    require_bytes(len(paths) * first.nbytes, where=str(folder))
    stack = np.empty((len(paths), *first.shape), np.uint8)
    for number, path in enumerate(paths):
        image = read_image(path)
        if image.shape != first.shape:
            raise DataError(
                f"it is {_describe(image)}, but {paths[0].name} is {_describe(first)}",
                where=str(path),
                fix="give images of one size and kind: crop, resize or convert them first",
            )
        stack[number] = image
    return stack


def _opaque(image: Any) -> bool:
    """Whether no pixel is transparent: then an alpha channel says nothing."""
    return (
        not image.has_transparency_data
        or image.convert("RGBA").getchannel("A").getextrema()[0] == 255
    )


def _shows_grey(image: Any) -> bool:
    """Whether an image shows grey levels alone though its mode is of colours: one with a palette,
    or of WebP, which has no other mode and may round the channels apart.
    """
    if image.mode != "P" and image.format != "WEBP":
        return False
    pixels = np.asarray(image.convert("RGB")).astype(np.int16)
    return bool(np.ptp(pixels, axis=-1).max() <= (0 if image.mode == "P" else 2))


def _image_paths(folder: Path) -> list[Path]:
    paths = [path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS]
    return sorted((path for path in paths if not path.name.startswith(".")), key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by their value."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _held(folder: Path) -> str:
    """What kinds of files there are, for people."""
    kinds = Counter(
        "folders" if path.is_dir() else path.suffix.lower() or "files without an ending"
        for path in folder.iterdir()
    )
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(6)) or "nothing"


def _describe(image: np.ndarray) -> str:
    channels, height, width = image.shape
    return f"{width} x {height} pixels, {'grey' if channels == 1 else 'colour'}"


def _too_large(path: Path, size: str) -> DataError:
    return DataError(
        f"the image is too large ({size}; the limit is {_MAX_PIXELS} pixels)",
        where=str(path),
        fix="remove it, or cut it into smaller images",
    )


def require_pillow() -> Any:
    """Pillow's module `Image`.

    Raises:
        DataError: it is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError(
            "image files need the library Pillow", fix="pip install 'quasistatic[images]'"
        ) from error
    return Image
