"""Rows out: a table to a file, or as CSV to standard output; images as a grid, a folder or an
array.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING

from quasistatic.cli.legible import legible
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    import polars as pl

    from quasistatic.data.layout import Layout
    from quasistatic.data.table import Table

STDOUT = "-"


def layout_of(model: str) -> "Layout | None":
    """How the columns of a model are arranged; None for a table's."""
    from quasistatic.data.layout import layout_of_folder

    return layout_of_folder(model)


def check_rows_output(
    output: str, *, force: bool, as_json: bool, layout: "Layout | None" = None
) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Args:
        output: path of the file to write, or `-` for standard output.
        force: whether an existing file is replaced.
        as_json: whether a JSON object goes to standard output.
        layout: layout of the rows: images have formats of their own; None (default) is an ordinary
            table.

    Raises:
        OutputError: the path exists (and `force` is not given) or cannot be written.
        SettingError: both the rows and a JSON object would go to standard output.
    """
    from quasistatic.data.layout import are_images

    if are_images(layout):
        from quasistatic.data.images.output import check_image_output

        if output == STDOUT:
            raise SettingError(
                "images do not go to standard output",
                fix="give `-o` a .png or .npy file, or a folder",
            )
        check_image_output(output, force)
        return
    if output == STDOUT:
        if as_json:
            raise SettingError(
                "both the rows and the JSON object would go to standard output",
                fix="give `-o` a file, or leave out `--json`",
            )
        return
    from quasistatic.data.output import check_output

    check_output(output, force=force)


def write_rows(
    table: "pl.DataFrame | Table", output: str, *, force: bool, layout: "Layout | None" = None
) -> None:
    """Write the rows to the file, or to standard output as CSV; images as
    `data.images.output.write_images` does.
    """
    from quasistatic.data.layout import are_images
    from quasistatic.data.table import from_frame

    if are_images(layout):
        from quasistatic.data.images.output import write_images

        write_images(layout.arrange(from_frame(table).frame.to_numpy()), output, force)
        return
    if output == STDOUT:
        from quasistatic.data.output import delimited_text

        text = delimited_text(table)
        sys.stdout.write(legible(text, keep="\r\n\t") if sys.stdout.isatty() else text)
        return
    from quasistatic.data.output import write_table

    write_table(table, output, force=force)


def write_pieces(
    pieces: "Iterator[pl.DataFrame | Table | bytes]",
    output: str,
    *,
    force: bool,
    layout: "Layout | None" = None,
) -> None:
    """`write_rows` of a table that comes a piece at a time, each worked out when those before it
    are written.

    Args:
        pieces: pieces of the table; there is none, and nothing is written, where another process
            writes them. Bytes are what `rendered` has made.
        output: path of the file to write, or `-` for standard output.
        force: whether an existing file is replaced.
        layout: layout of the rows; None (default) is an ordinary table.
    """
    first = next(pieces, None)
    if first is None:
        return
    assert not isinstance(first, bytes)  # the first piece is that of the process that writes
    second = next(pieces, None)
    if second is None:
        write_rows(first, output, force=force, layout=layout)
        return
    if output == STDOUT:
        from quasistatic.data.output import delimited_text

        write_rows(first, output, force=force)
        for piece in chain([second], pieces):
            assert not isinstance(piece, bytes)  # no other process writes to standard output
            text = delimited_text(piece, header=False)
            sys.stdout.write(legible(text, keep="\r\n\t") if sys.stdout.isatty() else text)
        return
    from quasistatic.data.disk.parts import in_parts

    with in_parts(output, force) as add:
        for piece in chain([first, second], pieces):
            add(piece)


def write_all_pieces(
    pieces: "Iterator[Sequence[pl.DataFrame | Table | bytes]]",
    outputs: list[str],
    *,
    force: bool,
    layout: "Layout | None",
) -> None:
    """`write_pieces` for several outputs; of tables in files all are written or none.

    Args:
        pieces: for each piece of the tables one table for each output; as in `write_pieces`.
        outputs: paths of the files to write.
        force: whether existing files are replaced.
        layout: layout of the rows.
    """
    from quasistatic.data.disk.parts import in_parts
    from quasistatic.data.together import together

    if len(outputs) == 1:
        write_pieces((piece for (piece,) in pieces), outputs[0], force=force, layout=layout)
        return
    first = next(pieces, None)
    if first is None:
        return
    second = next(pieces, None)
    own = [table for table in first if not isinstance(table, bytes)]
    with together(), ExitStack() as files:
        if second is None:
            for table, output in zip(own, outputs, strict=True):
                write_rows(table, output, force=force, layout=layout)
            return
        adds = [files.enter_context(in_parts(output, force)) for output in outputs]
        for tables in chain([first, second], pieces):
            for add, table in zip(adds, tables, strict=True):
                add(table)
