"""Where the data that cannot be generated are looked for: the folder named by QUASISTATIC_DATA."""

import os
from pathlib import Path

from quasistatic.errors import DataError

VARIABLE = "QUASISTATIC_DATA"


def data_path(relative: str, *, source: str) -> Path:
    """The path of a file or folder of data.

    Args:
        relative: below the data folder.
        source: where to get it, for the message.

    Raises:
        DataError: the variable is not set, or nothing is there; the message says where to get the
            data and which path was looked at.
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
