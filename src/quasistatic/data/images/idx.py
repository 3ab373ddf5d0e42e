"""The idx format of MNIST: a magic number, big-endian sizes, then the numbers; plain or gzipped."""

import gzip
from pathlib import Path
from typing import IO

import numpy as np

from quasistatic.data.door import parsing
from quasistatic.data.memory import refuse_bomb, require_bytes
from quasistatic.errors import DataError

__all__ = ["read_idx"]


_PIECE = 2**24
_KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an idx file; `.gz` is unpacked.

    Raises:
        DataError: no such file, not idx (wrong magic number), truncated, or larger than it says.
    """
    path = Path(path)
    fix = "fetch the file again"
    packed = path.suffix == ".gz"
    with (
        parsing(path, "gzip stream" if packed else "idx file", fix=fix),
        gzip.open(path) if packed else path.open("rb") as file,
    ):
        head = file.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _KINDS or not 1 <= head[3] <= 4:
            found = head.hex() or "an empty file"
            raise DataError(
                f"this is no idx file: its magic number is {found}, not 0000TTDD",
                where=str(path),
                fix=("give a file as MNIST is distributed (train-images-idx3-ubyte, plain or .gz)"),
            )
        sizes = file.read(4 * head[3])
        if len(sizes) < 4 * head[3]:
            raise DataError("the file ends within its head", where=str(path), fix=fix)
        shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
        kind = np.dtype(_KINDS[head[2]])
        wanted = kind.itemsize * int(np.prod(shape, dtype=object))
        require_bytes(wanted, where=str(path))
        if packed:
            refuse_bomb(path, wanted)
        content = _read_at_most(file, wanted + 1)
        if len(content) != wanted:
            what = "is truncated" if len(content) < wanted else "is longer than it says"
            raise DataError(
                f"the file {what}: {shape} numbers take {wanted} bytes", where=str(path), fix=fix
            )
        return np.frombuffer(content, kind).reshape(shape).astype(kind.newbyteorder("="))


def _read_at_most(file: IO[bytes] | gzip.GzipFile, size: int) -> bytes:
    """So many bytes, or what there is: no memory is asked for before there is something in it."""
    pieces = []
    while size > 0 and (piece := file.read(min(size, _PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
