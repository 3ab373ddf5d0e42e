"""Every exception a user can meet.

One message has three parts: *what* happened, *where* (file, row, column) and *what to do*. The
command line prints the message and exits with code 2; Python users catch `QuasistaticError`, or
`ValueError` where scikit-learn's contract asks for it. Warnings are given by `warn`, which names
the line of the user's own code.
"""

import sys
import warnings


class QuasistaticError(Exception):
    """Base of all errors of this package.

    Args:
        what: one sentence that says what happened.
        where: file, row or column concerned; empty (default) when there is none.
        fix: what the user can do about it; empty (default) when there is nothing to say.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        parts = [f"{where}: {what}" if where else what]
        if fix:
            parts.append(f"To do: {fix}")
        super().__init__("\n".join(parts))

    def __reduce__(self):
        return _rebuild, (type(self), self.what, self.where, self.fix)


def _rebuild(kind: type[QuasistaticError], what: str, where: str, fix: str) -> QuasistaticError:
    return kind(what, where=where, fix=fix)


class DataError(QuasistaticError, ValueError):
    """A file or frame that cannot be read, encoded or written as it is."""


class SchemaError(QuasistaticError, ValueError):
    """Columns that no kind fits, or that differ from the schema of the model."""


class SettingError(QuasistaticError, ValueError):
    """A setting, or a combination of settings, that has no meaning."""


class TrainingError(QuasistaticError, RuntimeError):
    """Training left the finite numbers and could not be brought back, or its checkpoint does not
    fit.
    """


class ModelFolderError(QuasistaticError, OSError):
    """A model folder that is missing, incomplete, altered or from another version."""


class OutputError(QuasistaticError, OSError):
    """An output path that exists already or cannot be written."""


def warn(message: str) -> None:
    """A `UserWarning` at the line that called this package, however many of its functions (and of
    scikit-learn's wrappers around its methods) lie between.
    """
    frame, depth = sys._getframe(1), 2
    while frame.f_back is not None and _is_between(frame.f_globals.get("__name__", "")):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, stacklevel=depth)


def _is_between(module: str) -> bool:
    return module.partition(".")[0] in ("quasistatic", "sklearn")
