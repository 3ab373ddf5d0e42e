"""Which pixels or places are hidden: as an address has it, and as a mask."""

import base64
import binascii

import numpy as np

from quasistatic.data.layout import Layout, are_images
from quasistatic.errors import DataError

__all__ = ["mask_of", "shape_of", "text_of"]


def shape_of(layout: Layout) -> tuple[int, int]:
    """Places downwards and across: (height, width) of an image, (1, length) of a sequence."""
    return (layout.shape[1], layout.shape[2]) if are_images(layout) else (1, layout.shape[0])


def mask_of(text: str, layout: Layout) -> np.ndarray:
    """The hidden places, bool `[H, W]`, `[1, L]` of a sequence.

    Args:
        text: bits of the mask line by line, eight a byte, the highest first, in base64 of addresses
            (RFC 4648, section 5); zeros at the end are left out. Empty: nothing is hidden.
        layout: arrangement of the row.

    Raises:
        DataError: other letters, or more bits than there are places.

    Example:
        >>> mask_of("YA", Layout("sequence", (4,)))
        array([[False,  True,  True, False]])
    """
    shape = shape_of(layout)
    size = shape[0] * shape[1]
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b"\xff" * (size + 8)
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if bits[size:].any():
        raise DataError(
            "the hidden places of the address are none of this model", fix="hide them again"
        )
    mask = np.zeros(size, bool)
    mask[: len(bits)] = bits[:size]
    return mask.reshape(shape)


def text_of(mask: np.ndarray) -> str:
    """Inverse of `mask_of`.

    Example:
        >>> text_of(np.array([[False, True, True, False]]))
        'YA'
    """
    data = np.packbits(mask.reshape(-1)).tobytes().rstrip(b"\0")
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
