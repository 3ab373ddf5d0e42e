"""Rows out: a table to a file, or as CSV to standard output."""

import sys
from typing import TYPE_CHECKING

from quasistatic.errors import SettingError

if TYPE_CHECKING:
    import polars as pl

STDOUT = "-"


def check_rows_output(output: str, *, force: bool, as_json: bool) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises:
        OutputError: the path exists (and `force` is not given) or cannot be written.
        SettingError: both the rows and a JSON object would go to standard output.
    """
    if output == STDOUT:
        if as_json:
            raise SettingError(
                "both the rows and the JSON object would go to standard output",
                fix="Give `-o` a file, or leave out `--json`.",
            )
        return
    from quasistatic.data.output import check_output

    check_output(output, force=force)


def write_rows(frame: "pl.DataFrame", output: str, *, force: bool) -> None:
    """Write the rows to the file, or to standard output."""
    if output == STDOUT:
        sys.stdout.write(frame.write_csv())
        return
    from quasistatic.data.output import write_table

    write_table(frame, output, force=force)
