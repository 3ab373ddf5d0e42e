"""A density model of a table: fit it, sample rows from it, and ask how likely a row is, with units.

    >>> import quasistatic
    >>> sorted(quasistatic.__all__)[:3]
    ['Certificate', 'ConditionedDensity', 'DataError']

Names are loaded when they are first used, so that `import quasistatic` costs nothing and does not
start JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quasistatic.data.arranged import image_table as image_table
    from quasistatic.data.arranged import sequence_table as sequence_table
    from quasistatic.data.files import read_table as read_table
    from quasistatic.data.output import write_table as write_table
    from quasistatic.data.schema import Schema as Schema
    from quasistatic.errors import DataError as DataError
    from quasistatic.errors import ModelFolderError as ModelFolderError
    from quasistatic.errors import OutputError as OutputError
    from quasistatic.errors import QuasistaticError as QuasistaticError
    from quasistatic.errors import SchemaError as SchemaError
    from quasistatic.errors import SettingError as SettingError
    from quasistatic.errors import TrainingError as TrainingError
    from quasistatic.estimator.density import DiffusionDensity as DiffusionDensity
    from quasistatic.estimator.imputer import DiffusionImputer as DiffusionImputer
    from quasistatic.estimator.loading import load as load
    from quasistatic.estimator.outliers import DiffusionOutlierDetector as DiffusionOutlierDetector
    from quasistatic.fitted.between import between as between
    from quasistatic.fitted.certificate import Certificate as Certificate
    from quasistatic.fitted.ledger import LedgerReport as LedgerReport
    from quasistatic.fitted.likelihood import Likelihood as Likelihood
    from quasistatic.fitted.posterior import ConditionedDensity as ConditionedDensity
    from quasistatic.fitting import FitEvent as FitEvent
    from quasistatic.thermodynamics.ode import FlowLikelihood as FlowLikelihood
    from quasistatic.thermodynamics.work import Work as Work

    __version__: str
else:
    _NAMES = {
        "data.arranged": "image_table sequence_table",
        "data.files": "read_table",
        "data.output": "write_table",
        "data.schema": "Schema",
        "errors": "DataError ModelFolderError OutputError QuasistaticError SchemaError "
        "SettingError TrainingError",
        "estimator.density": "DiffusionDensity",
        "fitting": "FitEvent",
        "estimator.imputer": "DiffusionImputer",
        "estimator.loading": "load",
        "estimator.outliers": "DiffusionOutlierDetector",
        "fitted.certificate": "Certificate",
        "fitted.between": "between",
        "fitted.ledger": "LedgerReport",
        "fitted.likelihood": "Likelihood",
        "fitted.posterior": "ConditionedDensity",
        "thermodynamics.ode": "FlowLikelihood",
        "thermodynamics.work": "Work",
    }
    _HOME = {name: home for home, names in _NAMES.items() for name in names.split()}
    __all__ = sorted([*_HOME, "__version__"])

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("quasistatic")
        if name not in _HOME:
            raise AttributeError(f"module 'quasistatic' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"quasistatic.{_HOME[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted(set(globals()) | set(__all__))
