"""A density model of a table: fit it, sample rows from it, and ask how likely a row is, with units.

    >>> import quasistatic
    >>> sorted(quasistatic.__all__)[:3]
    ['DataError', 'DiffusionDensity', 'DiffusionImputer']

Names are loaded when they are first used, so that `import quasistatic` costs nothing and does not
start JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quasistatic.data.arranged import image_table, sequence_table
    from quasistatic.data.files import read_table
    from quasistatic.data.output import write_table
    from quasistatic.data.schema import Schema
    from quasistatic.errors import (
        DataError,
        ModelFolderError,
        OutputError,
        QuasistaticError,
        SchemaError,
        SettingError,
        TrainingError,
    )
    from quasistatic.estimator.conditions import between
    from quasistatic.estimator.density import DiffusionDensity, load
    from quasistatic.estimator.imputer import DiffusionImputer
    from quasistatic.estimator.outliers import DiffusionOutlierDetector

    __version__: str

__all__ = [
    "DataError",
    "DiffusionDensity",
    "DiffusionImputer",
    "DiffusionOutlierDetector",
    "ModelFolderError",
    "OutputError",
    "QuasistaticError",
    "Schema",
    "SchemaError",
    "SettingError",
    "TrainingError",
    "__version__",
    "between",
    "image_table",
    "load",
    "read_table",
    "sequence_table",
    "write_table",
]

_HOME = {
    "DiffusionDensity": "quasistatic.estimator.density",
    "DiffusionImputer": "quasistatic.estimator.imputer",
    "DiffusionOutlierDetector": "quasistatic.estimator.outliers",
    "Schema": "quasistatic.data.schema",
    "between": "quasistatic.estimator.conditions",
    "image_table": "quasistatic.data.arranged",
    "load": "quasistatic.estimator.density",
    "read_table": "quasistatic.data.files",
    "sequence_table": "quasistatic.data.arranged",
    "write_table": "quasistatic.data.output",
} | {name: "quasistatic.errors" for name in __all__ if name.endswith("Error")}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("quasistatic")
    if name not in _HOME:
        raise AttributeError(f"module 'quasistatic' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
