"""CIFAR-10's python batches, read without running anything that a pickle can ask for.

A batch is a pickled dict of byte strings, lists and one NumPy array. The unpickler below knows
three global names, and each stands for a record of what was stored; any other name is refused
before it is looked up.
"""

import pickle  # only its parser of the format; see `_Reader.find_class`
from pathlib import Path
from typing import Any

import numpy as np

from quasistatic.data.door import parsing
from quasistatic.errors import DataError

__all__ = ["SIDE", "TEST", "TRAIN", "read_cifar", "read_cifar_batch"]


SIDE, _CHANNELS = 32, 3
TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST = ("test_batch",)
_MAX_BYTES = 2**30


class _Stored:
    """An array or a dtype as it was stored: its state is kept, nothing is made of it."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments, self.state = arguments, None

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _text(text: str, encoding: str) -> bytes:
    """What `_codecs.encode` is asked for when Python 3 writes bytes in an old protocol."""
    return text.encode("latin-1" if encoding == "latin1" else encoding)


_KNOWN = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Stored for core in ("core", "_core")},
    ("numpy", "ndarray"): _Stored,
    ("numpy", "dtype"): _Stored,
    ("_codecs", "encode"): _text,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, which no CIFAR-10 batch does"
            )
        return _KNOWN[module, name]


def read_cifar_batch(path: str | Path) -> np.ndarray:
    """The images of one batch, uint8 `[N, 3, 32, 32]`.

    Raises:
        DataError: no such file, or not a CIFAR-10 batch.
    """
    path = Path(path)
    fix = (
        "give a file of cifar-10-python.tar.gz, unpacked: data_batch_1 to data_batch_5, test_batch"
    )
    with parsing(path, "CIFAR-10 batch", fix=fix):
        if path.stat().st_size > _MAX_BYTES:
            raise DataError("the file is too large for a CIFAR-10 batch", where=str(path), fix=fix)
        with path.open("rb") as file:
            batch = _Reader(file, encoding="bytes").load()
    stored = batch.get(b"data", batch.get("data")) if isinstance(batch, dict) else None
    pixels = _bytes_of(stored)
    size = _CHANNELS * SIDE * SIDE
    if pixels is None or len(pixels) == 0 or len(pixels) % size:
        raise DataError(f"the batch holds no rows of {size} bytes", where=str(path), fix=fix)
    return np.frombuffer(pixels, np.uint8).reshape(-1, _CHANNELS, SIDE, SIDE)


def _bytes_of(stored: Any) -> bytes | None:
    """The content of a stored uint8 array in C order whose shape fits its bytes; None for anything
    else.
    """
    if (
        not isinstance(stored, _Stored)
        or not isinstance(stored.state, tuple)
        or len(stored.state) != 5
    ):
        return None
    _, shape, kind, fortran, content = stored.state
    if not isinstance(kind, _Stored) or kind.arguments[:1] not in ((b"u1",), ("u1",)) or fortran:
        return None
    if (
        not isinstance(content, bytes)
        or not isinstance(shape, tuple)
        or not all(isinstance(n, int) for n in shape)
    ):
        return None
    return content if int(np.prod(shape, dtype=object)) == len(content) else None


def read_cifar(folder: str | Path, *, test: bool = False) -> np.ndarray:
    """All training images of a `cifar-10-batches-py` folder, or the test images, uint8 `[N, 3, 32,
    32]`.
    """
    return np.concatenate(
        [read_cifar_batch(Path(folder) / name) for name in (TEST if test else TRAIN)]
    )
