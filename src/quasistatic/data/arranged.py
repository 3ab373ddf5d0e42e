"""Images and sequences as tables: one row each, a column per pixel or place."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from quasistatic.data._sequences import read_sequences, sequences_of
from quasistatic.data.disk.files import is_dataset, open_table
from quasistatic.data.door import ordinary, parsing
from quasistatic.data.files import read_table
from quasistatic.data.frames.container import ArrayContainer
from quasistatic.data.images.files import read_images, stack_of
from quasistatic.data.images.folder import EXTENSIONS, read_image
from quasistatic.data.layout import Layout, are_images
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import IN_MEMORY, Table
from quasistatic.errors import DataError, SchemaError

__all__ = [
    "DataKind",
    "image_table",
    "read_data",
    "read_like",
    "read_mask",
    "sequence_table",
    "with_holes",
]


DataKind = Literal["table", "images", "sequence"]


def image_table(images: str | Path | np.ndarray) -> Table:
    """Images as a table of one row each, a column per pixel (and colour).

    Args:
        images: path as for `data.images.files.read_images`, path of one image file, or array
            `[N, H, W]` or `[N, H, W, 3]` of uint8 grey levels or of real numbers.

    Raises:
        DataError: as `read_images`; an array of another shape or type.

    Example:
        >>> table = image_table(np.zeros((5, 2, 3), np.uint8))
        >>> len(table), table.names[:4]
        (5, ['y0x0', 'y0x1', 'y0x2', 'y1x0'])
    """
    if isinstance(images, np.ndarray):
        return _table(stack_of(images, IN_MEMORY), IN_MEMORY)
    path = Path(images)
    if path.is_file() and path.suffix.lower() in EXTENSIONS:
        return _table(read_image(path)[None], str(path))
    return _table(read_images(path), str(path))


def _table(stack: np.ndarray, source: str) -> Table:
    return _arranged(stack.reshape(len(stack), -1), Layout("images", stack.shape[1:]), source)


def sequence_table(sequences: str | Path | np.ndarray) -> Table:
    """Sequences of one length as a table of one row each, a column per place.

    Args:
        sequences: array `[N, L]`, or path of a `.npy` file or of a table: bool or 0/1 integers are
            binary, other integers from 0 on categories, floats real numbers.

    Raises:
        DataError: no such file, no 2-D array of numbers, negative or too many states, numbers that
            are not finite.

    Example:
        >>> sequence_table(np.eye(4, dtype=int)).names
        ['x0', 'x1', 'x2', 'x3']
    """
    if isinstance(sequences, np.ndarray):
        found, source = sequences_of(sequences, IN_MEMORY), IN_MEMORY
    elif Path(sequences).suffix.lower() == ".npy":
        found, source = read_sequences(sequences), str(sequences)
    else:
        table = read_table(sequences)
        found, source = sequences_of(table.frame.to_numpy(), table.source), table.source
    return _arranged(found.values, Layout("sequence", found.values.shape[1:]), source)


def _arranged(rows: np.ndarray, layout: Layout, source: str) -> Table:
    container = ArrayContainer(rows.dtype.str, layout)
    return Table(pl.from_numpy(rows, schema=list(layout.names), orient="row"), source, container)


def read_data(path: str | Path, kind: DataKind | None = None, missing: Sequence[str] = ()) -> Table:
    """What there is to fit: a table, images or sequences.

    Args:
        path: path of a file or a folder; a folder of Parquet or Arrow files, or a pattern for their
            names, is one table.
        kind: kind of the data; None (default): another folder, an idx file and a `.npy` file of
            three or four dimensions are images, and everything else is a table.
        missing: cells of a table of text that mean "missing", beside the usual ones (default none).

    Raises:
        DataError: as `read_table`, `image_table` or `sequence_table`.
    """
    where = Path(path)
    if str(path) == "-":
        ordinary(where)
    if kind in (None, "table") and (dataset := _dataset(path)) is not None:
        return dataset
    if not where.exists():
        raise DataError("there is no such file or folder", where=str(path), fix="check the path")
    chosen = kind or ("images" if _looks_like_images(where) else "table")
    if chosen == "images":
        return image_table(path)
    if where.is_dir():
        raise DataError(
            "this is a folder", where=str(path), fix="give a file, or images in the folder"
        )
    return sequence_table(path) if chosen == "sequence" else read_table(path, missing)


def _dataset(path: str | Path) -> Table | None:
    """The table in several files, in memory; None for other paths."""
    table = open_table(path) if is_dataset(path) else None
    return None if table is None else table.held()


def _looks_like_images(path: Path) -> bool:
    if path.is_dir() or path.suffix.lower() in EXTENSIONS:
        return True
    if path.name.removesuffix(".gz").endswith(("ubyte", ".idx")):
        return True
    return path.suffix.lower() == ".npy" and path.is_file() and _dimensions(path) in (3, 4)


def _dimensions(path: Path) -> int:
    """Of a `.npy` file's array, from its head; 0 where there is none (reading it will say why)."""
    try:
        with parsing(path, "NumPy file"), path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            return len(read(file)[0])
    except DataError:
        return 0


def read_like(schema: Schema, path: str | Path) -> Table:
    """Data for a model: images for images, a table else (the places of a sequence are its columns),
    whose cells of text are read as those of the fitted table were.

    Args:
        schema: schema of the model.
        path: path of the data.

    Raises:
        DataError: as `image_table` or `read_table`.
        SchemaError: sequences of another length, or cells that are written in another form.
    """
    layout = schema.layout
    if are_images(layout):
        return image_table(path)
    dataset = _dataset(path)
    table = read_table(path) if dataset is None else dataset
    if layout is None:
        return read_as(table, schema)
    if len(table.names) != layout.size:
        raise SchemaError(
            f"its sequences have length {len(table.names)}, those of the model {layout.size}",
            where=str(path),
            fix="give sequences of the model's length",
        )
    names = dict(zip(table.names, layout.names, strict=True))
    text = None if table.text is None else table.text.rename(names)
    return replace(table, frame=table.frame.rename(names), text=text)


def with_holes(table: Table, mask: np.ndarray) -> Table:
    """The table with the pixels (or places) of a mask missing in every row.

    Args:
        table: table of images or sequences, one in each row.
        mask: missing pixels, bool `[H, W]`, or places, `[L]`; of a colour image all three values of
            a pixel are missing.
    """
    layout = table.layout
    assert layout is not None
    holes = np.tile(mask.reshape(-1), layout.size // mask.size)
    missing = [name for name, hole in zip(layout.names, holes, strict=True) if hole]
    return replace(
        table,
        frame=table.frame.with_columns(
            pl.lit(None, table.frame.dtypes[0]).alias(n) for n in missing
        ),
    )


def read_mask(path: str | Path, layout: Layout) -> np.ndarray:
    """The holes of an inpainting, bool `[H, W]`: the white pixels of an image of the model's size.

    Raises:
        DataError: no intact image, another size, nothing white or nothing black in it.
    """
    grey = read_image(path).mean(axis=0)
    if grey.shape != layout.shape[1:]:
        raise DataError(
            f"the mask is {grey.shape[1]} x {grey.shape[0]} pixels, the images are {layout.words}",
            where=str(path),
            fix="draw a mask of the images' size",
        )
    mask = grey >= 128
    if mask.all() or not mask.any():
        what = "nothing is left to go by" if mask.all() else "there is nothing to fill"
        raise DataError(
            f"the mask is all {'white' if mask.all() else 'black'}: {what}",
            where=str(path),
            fix="paint the holes white and the rest black",
        )
    return mask
