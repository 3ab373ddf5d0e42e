"""Images out: one grid as a picture, a folder of pictures, or an array; whole or not at all."""

import os
from pathlib import Path

import numpy as np

from quasistatic.data.exchange import check_name, new_folder
from quasistatic.data.images.folder import require_pillow
from quasistatic.data.output import check_output, check_parent, write_whole
from quasistatic.errors import OutputError

__all__ = ["GAP", "check_image_output", "grid_of", "picture_of", "write_images"]


GAP = 2
_LEAST_WIDTH = 320
"""Small grids are enlarged to about this many pixels."""
_ENDINGS = (".png", ".npy", ".npz")


def grid_of(images: np.ndarray, columns: int, *, fill: int = 255) -> np.ndarray:
    """Images `[N, C, H, W]` as one picture `[rows, columns, 3]`, uint8, row by row, a white gap
    between them.

    Example:
        >>> grid_of(np.zeros((3, 1, 4, 4), np.uint8), 2).shape
        (10, 10, 3)
    """
    images = np.broadcast_to(images, (len(images), 3, *images.shape[2:]))
    n, _, height, width = images.shape
    rows = -(-n // columns)
    canvas = np.full(
        (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), fill, np.uint8
    )
    for number, image in enumerate(images):
        y, x = (number // columns) * (height + GAP), (number % columns) * (width + GAP)
        canvas[y : y + height, x : x + width] = np.moveaxis(image, 0, -1)
    return canvas


def picture_of(stack: np.ndarray) -> np.ndarray:
    """Images `[N, H, W]` or `[N, H, W, 3]` as one nearly square picture `[rows, columns, 3]`,
    uint8.

    Example:
        >>> picture_of(np.zeros((5, 4, 4), np.uint8)).shape
        (10, 16, 3)
    """
    return grid_of(_planes(_levels(stack)), int(np.ceil(np.sqrt(len(stack)))))


def check_image_output(path: str | Path, force: bool = False) -> Path:
    """Refuse, before any work, a path that `write_images` would refuse.

    Args:
        path: path of a `.png`, `.npy` or `.npz` file, or (without an ending) of a folder.
        force: whether what exists is replaced (default False); of folders only one that holds
            nothing but PNG files.

    Raises:
        OutputError: another ending, a missing or write-protected parent folder, or something that
            exists.
    """
    path = Path(path)
    if path.suffix:
        check_output(path, force, _ENDINGS)
        return path
    check_name(path)
    check_parent(path)
    if os.path.lexists(path):
        pictures = path.is_dir() and all(map(_is_picture, path.iterdir()))
        if not pictures:
            raise OutputError(
                "it exists, and not as a folder of PNG files",
                where=str(path),
                fix="give another name",
            )
        if not force and any(path.iterdir()):
            raise OutputError(
                "the folder exists already",
                where=str(path),
                fix="give another name, or --force to replace it",
            )
    return path


def write_images(stack: np.ndarray, path: str | Path, force: bool = False) -> None:
    """Write images whole or not at all.

    Args:
        stack: images `[N, H, W]` or `[N, H, W, 3]`; uint8 levels, or real numbers, which pictures
            show from the 1st to the 99th percentile.
        path: path of what is written, `.png`: one grid; `.npy` and `.npz` (array "images"): the
            array; a folder: one PNG file for each.
        force: whether what exists is replaced (default False).

    Raises:
        OutputError: as `check_image_output`, or the disk is full.
    """
    path = check_image_output(path, force)
    match path.suffix.lower():
        case ".npy":
            write_whole(
                path, lambda file: np.save(file, stack, allow_pickle=False), force, _ENDINGS
            )
        case ".npz":
            write_whole(
                path, lambda file: np.savez(file, images=stack, allow_pickle=False), force, _ENDINGS
            )
        case ".png":
            image = require_pillow().fromarray(_enlarged(picture_of(stack)))
            write_whole(path, lambda file: image.save(file, format="PNG"), force, _ENDINGS)
        case _:
            _write_folder(_levels(stack), path, force)


def _levels(stack: np.ndarray) -> np.ndarray:
    """The levels 0..255 to show."""
    if stack.dtype == np.uint8:
        return stack
    low, high = np.nanpercentile(stack, (1, 99))
    return np.clip((stack - low) * (255 / max(high - low, 1e-12)), 0, 255).round().astype(np.uint8)


def _planes(stack: np.ndarray) -> np.ndarray:
    return stack[:, None] if stack.ndim == 3 else np.moveaxis(stack, -1, 1)


def _enlarged(picture: np.ndarray) -> np.ndarray:
    zoom = max(1, round(_LEAST_WIDTH / picture.shape[1]))
    return np.kron(picture, np.ones((zoom, zoom, 1), np.uint8))


def _write_folder(stack: np.ndarray, path: Path, force: bool) -> None:
    """A new folder beside `path`, which then takes its place."""
    pillow = require_pillow()
    digits = len(str(len(stack) - 1))
    try:
        with new_folder(path, _is_picture, force=force) as fresh:
            for number, image in enumerate(stack):
                pillow.fromarray(image).save(fresh / f"{number:0{digits}d}.png")
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"the images cannot be written ({reason})",
            where=str(path),
            fix="free space, or choose another place",
        ) from error


def _is_picture(file: Path) -> bool:
    return file.suffix == ".png"
