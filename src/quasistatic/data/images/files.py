"""Images: stacks of pixels from files, and their cells for the model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.data.door import parsing
from quasistatic.data.images.cifar import read_cifar
from quasistatic.data.images.folder import read_image_folder
from quasistatic.data.images.idx import read_idx
from quasistatic.data.memory import declared_bytes, require_bytes
from quasistatic.errors import DataError

__all__ = ["PixelScale", "dequantise", "read_images", "read_npy", "stack_of"]


def read_images(path: str | Path) -> np.ndarray:
    """Images as a stack `[N, C, H, W]`: uint8 grey levels, or real numbers from a `.npy` file of
    floats.

    Args:
        path: path of a folder of image files; of the folder `cifar-10-batches-py` (its
            training images); of a `.npy` stack `[N, H, W]` or `[N, H, W, C]` with one or three
            channels; or of an idx file of images, plain or `.gz`.

    Raises:
        DataError: nothing of this kind, damaged, too large, or no image in it.
    """
    path = Path(path)
    if path.is_dir():
        return read_cifar(path) if (path / "data_batch_1").exists() else read_image_folder(path)
    if path.suffix.lower() == ".npy":
        return stack_of(read_npy(path), str(path))
    if path.name.removesuffix(".gz").endswith(("ubyte", ".idx")):
        return stack_of(read_idx(path), str(path))
    if not path.exists():
        raise DataError("there is no such file or folder", where=str(path), fix="check the path")
    raise DataError(
        "this is nothing that images can be read from",
        where=str(path),
        fix=(
            "give a folder of image files, a .npy stack, an idx file (…-ubyte, …-ubyte.gz) or"
            " cifar-10-batches-py"
        ),
    )


def read_npy(path: str | Path) -> np.ndarray:
    """The array of a `.npy` file; never a pickled one.

    Raises:
        DataError: no such file, or no intact array of numbers.
    """
    path = Path(path)
    with parsing(path, "NumPy array", fix="save plain numbers with numpy.save"):
        with path.open("rb") as file:
            require_bytes(declared_bytes(file), where=str(path))
        array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif":
        raise DataError(
            "the file holds no array of numbers",
            where=str(path),
            fix="save plain numbers with numpy.save",
        )
    return array


def stack_of(array: np.ndarray, where: str) -> np.ndarray:
    """An array `[N, H, W]` or `[N, H, W, C]` as a stack `[N, C, H, W]`, uint8 or real.

    Args:
        array: array `[N, H, W]` or `[N, H, W, C]` with one or three channels.
        where: name of what the array came from, for the message.

    Raises:
        DataError: another shape or type, or pixels that are not finite.
    """
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or 0 in array.shape:
        raise DataError(
            f"an array of shape {array.shape} is no stack of images",
            where=where,
            fix="give [N, H, W] for grey images, or [N, H, W, 3] for colour",
        )
    if array.dtype.kind == "f":
        if not np.all(np.isfinite(array)):
            raise DataError(
                "some pixels are not finite", where=where, fix="remove or replace those images"
            )
    elif array.dtype == np.bool_:
        array = array.astype(np.uint8)
    elif array.dtype != np.uint8:
        raise DataError(
            f"pixels of type {array.dtype} are neither grey levels 0..255 nor real numbers",
            where=where,
            fix="save them as uint8, or as float32 for a density",
        )
    return np.ascontiguousarray(np.moveaxis(array, -1, 1))


@dataclass(frozen=True)
class PixelScale:
    """One affine map for all pixels, as the paper scales its data: `z = (x - mean) / scale`, of
    unit variance.

    A grey level is a cell of width `step / scale`: the model gives it its probability *mass*, so
    that no noise has to be added. A density of real pixels has step 0.

    Args:
        mean: mean of all pixels.
        scale: standard deviation of all pixels, with that of the dequantisation (`step^2 / 12`).
        step: distance of two grey levels; 0 for real numbers.
    """

    mean: float
    scale: float
    step: float

    @classmethod
    def of(cls, stack: np.ndarray) -> "PixelScale":
        """The map of a stack; uint8 has steps of 1.

        Raises:
            DataError: all pixels are equal.
        """
        step = 1.0 if stack.dtype == np.uint8 else 0.0
        variance = float(np.var(stack, dtype=np.float64))
        if variance == 0:
            raise DataError("all pixels are equal", fix="give images that differ")
        return cls(
            float(np.mean(stack, dtype=np.float64)), float(np.sqrt(variance + step**2 / 12)), step
        )

    def encode(self, stack: np.ndarray) -> Cells:
        """Cells `[N, C * H * W]`, plane by plane."""
        value = ((stack.reshape(len(stack), -1) - self.mean) / self.scale).astype(np.float32)
        width = np.full(value.shape, self.step / self.scale, np.float32) if self.step else None
        return Cells(value, np.ones(value.shape, bool), width)

    def decode(self, value: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        """Images `[N, C, H, W]` of model values: rounded to grey levels (uint8), or real
        numbers.
        """
        x = (np.asarray(value, np.float64) * self.scale + self.mean).reshape(-1, *shape)
        return np.clip(np.rint(x), 0, 255).astype(np.uint8) if self.step else x

    @property
    def log_cell_width(self) -> float:
        """log of a cell's width in the model's units, nats a pixel: `log mass - log width` compares
        with a density; 0 for densities.
        """
        return float(np.log(self.step / self.scale)) if self.step else 0.0


def dequantise(stack: np.ndarray, *, seed: int) -> np.ndarray:
    """Grey levels with uniform noise of exactly one level, `[x - 1/2, x + 1/2]`: for estimators
    that know densities only.
    """
    return stack.astype(np.float64) + np.random.default_rng(seed).uniform(-0.5, 0.5, stack.shape)
