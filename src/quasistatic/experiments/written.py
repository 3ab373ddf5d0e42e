"""Files of an experiment, each whole or not at all."""

from pathlib import Path

from quasistatic.data.output import write_whole

__all__ = ["write_file"]


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file, or replace it, when all of it is on the disk.

    Args:
        path: path of the file.
        content: content; text is written as UTF-8.

    Raises:
        OutputError: the file cannot be written; what was there before is still there.
    """
    data = content.encode() if isinstance(content, str) else content
    write_whole(path, lambda file: file.write(data), force=True, extensions=(path.suffix,))
