"""How much a file packed by zstd can hold, from the heads of its blocks (RFC 8878, 3.1)."""

import struct

_MAGIC, _SKIPPED = 0xFD2FB528, 0x184D2A50
_LARGEST_BLOCK = 2**17
_RAW, _REPEATED, _COMPRESSED = range(3)
_DICTIONARY, _CONTENT = (0, 1, 2, 4), (0, 2, 4, 8)
"""Bytes of the fields of a frame's head, by their flags."""


def most_unpacked(data: bytes) -> int:
    """Bytes that it unpacks to, at the most: a compressed block holds 128 KiB at the most.

    Args:
        data: content of the file.

    Raises:
        ValueError: no frames of zstd, or a truncated one.
    """
    total, place = 0, 0
    try:
        while place < len(data):
            (magic,) = struct.unpack_from("<I", data, place)
            if magic & 0xFFFFFFF0 == _SKIPPED:
                place += 8 + struct.unpack_from("<I", data, place + 4)[0]
            elif magic == _MAGIC:
                found, place = _frame(data, place + 4)
                total += found
            else:
                raise ValueError("this is no zstd frame")
    except (struct.error, IndexError) as error:
        raise ValueError("the zstd frame is truncated") from error
    if place > len(data):
        raise ValueError("the zstd frame is truncated")
    return total


def _frame(data: bytes, place: int) -> tuple[int, int]:
    """Bytes of a frame, unpacked, and the place behind it."""
    flags = data[place]
    is_single = flags >> 5 & 1
    content = _CONTENT[flags >> 6] or is_single
    place += 1 + (1 - is_single) + _DICTIONARY[flags & 3] + content
    total, is_last = 0, False
    while not is_last:
        head = int.from_bytes(data[place : place + 3], "little")
        if place + 3 > len(data):
            raise IndexError(place)
        is_last, kind, size = bool(head & 1), head >> 1 & 3, head >> 3
        total += _LARGEST_BLOCK if kind == _COMPRESSED else size
        place += 3 + (1 if kind == _REPEATED else size)
    return total, place + 4 * (flags >> 2 & 1)
