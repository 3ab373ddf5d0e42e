"""scikit-learn's checks of the input, for frames of every kind as well as for arrays."""

from typing import Any, cast

import numpy as np
from sklearn.utils.validation import _check_n_features, check_is_fitted, validate_data

from quasistatic.compiled import require_own_process
from quasistatic.data.arranged import image_table
from quasistatic.data.columns.alternatives import Schemas, infer_schemas
from quasistatic.data.disk.table import DiskTable
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table, from_frame, to_native
from quasistatic.fitted.model import Fitted


def as_table(estimator: Any, X: Any, *, reset: bool) -> Table:
    """The table of `X`, with `n_features_in_` and `feature_names_in_` set or checked.

    Args:
        estimator: estimator that is given `X`.
        X: frame, array or `Table` of rows.
        reset: whether the two attributes are set, as in `fit`, or checked.

    Raises:
        ValueError, TypeError: as scikit-learn's contract wants them for arrays (sparse, complex,
            1-D, another number of columns).
        DataError: for frames.
    """
    require_own_process()
    if not reset:
        check_is_fitted(estimator)
    table = _read(estimator, X, reset)
    if table is not None:
        return _remember(estimator, table) if reset else table
    array: Any = validate_data(
        estimator,
        cast(Any, X),
        reset=reset,
        dtype=None,
        ensure_all_finite=False,
        ensure_min_samples=2 if reset else 1,
    )
    if array.dtype.kind == "O" and not reset:
        _check_n_features(estimator, array, reset=False)
    return from_frame(array)


def fitted_of(estimator: Any) -> Fitted:
    """The fitted model of an estimator.

    Args:
        estimator: estimator that may have been fitted.

    Raises:
        NotFittedError: it has not.
    """
    check_is_fitted(estimator)
    return estimator.fitted_


def schemas_of(table: Table, schema: Schema | Schemas | dict[str, Any] | None) -> Schemas:
    """The schemas of a table: those that are given, or inferred ones.

    Args:
        table: table of the training rows.
        schema: schema, or several; or overrides of the inferred ones (None: all is inferred).
    """
    if isinstance(schema, Schemas):
        return schema
    return Schemas((schema,)) if isinstance(schema, Schema) else infer_schemas(table, schema)


def _read(estimator: Any, X: Any, reset: bool) -> Table | None:
    """The table of what scikit-learn's checks are not made for; None for other arrays."""
    if isinstance(X, Table):
        return X
    if isinstance(X, DiskTable) and reset:
        return cast(Table, X)  # a fit asks a table column by column, and piece by piece
    if isinstance(X, np.ndarray) and X.dtype.names is not None:
        return from_frame(X)
    if isinstance(X, np.ndarray) and _is_image_stack(estimator, X, reset):
        return image_table(X)
    # A lazy frame first: to ask it for its columns is a warning.
    if any(hasattr(X, name) for name in ("collect_schema", "columns", "column_names")):
        return from_frame(X)  # columns are found by name, in any order
    return None


def _is_image_stack(estimator: Any, X: np.ndarray, reset: bool) -> bool:
    """Grey levels in three or four dimensions; of a model of images, anything that has so many."""
    if X.ndim not in (3, 4):
        return False
    return X.dtype == np.uint8 if reset else estimator.schema_.layout is not None


def _remember(estimator: Any, table: Table) -> Table:
    vars(estimator).pop("feature_names_in_", None)
    if table.layout is None:  # pixels and places are told by the layout
        estimator.feature_names_in_ = np.asarray(table.names, dtype=object)
    estimator.n_features_in_ = len(table.names)
    return table


def accept_tables(tags: Any) -> Any:
    """scikit-learn's tags of an estimator, with what a density takes: missing cells, categories and
    texts.

    Args:
        tags: tags of the base classes; they are changed.
    """
    tags.input_tags.allow_nan = True
    tags.input_tags.categorical = True
    tags.input_tags.string = True
    return tags


def native(table: Table) -> Any:
    """The kind of frame or array that a table was made of.

    Args:
        table: rows and their container.
    """
    return to_native(table.frame, table)
