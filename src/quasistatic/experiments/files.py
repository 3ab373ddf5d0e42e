"""Data that cannot be generated: they are read from the folder that QUASISTATIC_DATA names."""

import os
from pathlib import Path

from quasistatic.errors import DataError

VARIABLE = "QUASISTATIC_DATA"


def data_path(relative: str, *, source: str) -> Path:
    """The path of a file or folder of data.

    Args:
        relative: path below the data folder.
        source: where the data are published, for the message.

    Raises:
        DataError: the variable is not set, or there is no such file; the message says where the
            data are published and which path was tried.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise DataError(
            f"the data {relative} are needed and the variable {VARIABLE} is not set",
            fix=f"set {VARIABLE} to a folder that holds {relative}; {source}",
        )
    path = Path(folder) / relative
    if not path.exists():
        raise DataError("the data are not there", where=str(path), fix=source)
    return path
