"""pandas frames in and out; pandas is imported only to give one back to somebody who works with
it.
"""

import contextlib
import importlib
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.frames import _arrow as arrow_frames
from quasistatic.data.frames._arrays import object_column
from quasistatic.data.frames.container import PandasColumn, PandasContainer, Value
from quasistatic.errors import DataError

_SOURCE = "the pandas frame"


def read(frame: Any) -> tuple[pl.DataFrame, str, PandasContainer]:
    """Polars frame, source and container of a pandas frame; its index is no column and is dropped.

    Raises:
        DataError: two columns of one name, or a column of mixed types.
    """
    labels = list(frame.columns)
    names = [str(label) for label in labels]
    twice = (
        sorted({name for name in names if names.count(name) > 1})
        if len(set(names)) < len(names)
        else []
    )
    if twice:
        raise DataError(
            f"column {twice[0]!r} occurs more than once", where=_SOURCE, fix="rename the columns"
        )
    series = [_read_column(name, frame.iloc[:, j]) for j, name in enumerate(names)]
    columns = {
        name: _column_spec(label, frame.dtypes.iloc[j])
        for j, (name, label) in enumerate(zip(names, labels, strict=True))
    }
    return (
        pl.DataFrame({column.name: column for column in series}),
        _SOURCE,
        PandasContainer(columns, tuple(map(_level, frame.columns.names))),
    )


def _column_spec(label: Any, dtype: Any) -> PandasColumn:
    """What it takes to restore a column."""
    plain = PandasColumn(str(dtype), label=_label_to_json(label))
    if _is_categorical(dtype):
        return replace(
            plain,
            categories=tuple(_json_value(value) for value in dtype.categories.tolist()),
            ordered=bool(dtype.ordered),
            categories_dtype=str(dtype.categories.dtype),
        )
    if type(dtype).__name__ == "StringDtype":
        missing = "nan" if isinstance(dtype.na_value, float) else "NA"
        return replace(plain, storage=dtype.storage, na_value=missing)
    if type(dtype).__name__ == "ArrowDtype":
        return replace(plain, arrow=arrow_frames.type_text(dtype.pyarrow_dtype))
    return plain


def _level(name: Any) -> Any:
    return name if name is None or isinstance(name, int | str) else str(name)


def _label_to_json(label: Any) -> Any:
    """A label in JSON types; None for text, and for what comes back as text."""
    label = label.item() if isinstance(label, np.generic) else label
    if isinstance(label, tuple):
        return {
            "tuple": [part if isinstance(part, str) else _label_to_json(part) for part in label]
        }
    if label is None:
        return {"none": True}
    if isinstance(label, datetime):
        return {"timestamp": label.isoformat()}
    return label if isinstance(label, bool | int | float) else None


def _label_from_json(pandas: Any, value: Any) -> Any:
    match value:
        case {"tuple": parts}:
            return tuple(_label_from_json(pandas, part) for part in parts)
        case {"none": _}:
            return None
        case {"timestamp": text}:
            return pandas.Timestamp(text)
    return value


def _json_value(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, bool | int | float | str) else str(value)


def _is_categorical(dtype: Any) -> bool:
    return type(dtype).__name__ == "CategoricalDtype"


def _read_column(name: str, series: Any) -> pl.Series:
    dtype: Any = series.dtype
    missing = series.isna().to_numpy()
    if _is_categorical(dtype):
        texts = [str(_json_value(value)) for value in dtype.categories.tolist()]
        if len(set(texts)) < len(texts):
            raise DataError(
                "two categories read the same",
                where=f"{_SOURCE}, column {name!r}",
                fix="rename one of them",
            )
        codes = series.cat.codes.to_numpy().astype(np.int64)
        cells = np.array([*texts, None], dtype=object)[codes]
        return pl.Series(name, cells.tolist(), dtype=pl.Enum(texts))
    if type(dtype).__module__.startswith("numpy") and dtype.kind in "biufM":
        return _read_array(name, series.to_numpy())
    kind = getattr(dtype, "kind", "O")
    if type(dtype).__name__ == "DatetimeTZDtype":
        naive = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return (
            _read_array(name, naive).dt.replace_time_zone("UTC").dt.convert_time_zone(str(dtype.tz))
        )
    numpy_dtype = getattr(dtype, "numpy_dtype", None)
    if kind in "biuf" and numpy_dtype is not None:
        plain = series.to_numpy(dtype=np.dtype(numpy_dtype), na_value=False if kind == "b" else 0)
        return _mask(pl.Series(name, plain), missing)
    cells = [
        None if hole else value
        for value, hole in zip(series.tolist(), missing.tolist(), strict=True)
    ]
    return object_column(name, cells, _SOURCE)


def _read_array(name: str, values: np.ndarray) -> pl.Series:
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    if values.dtype.kind == "M" and np.datetime_data(values.dtype)[0] == "s":
        values = values.astype("datetime64[ms]")
    return pl.Series(name, np.ascontiguousarray(values))


def _mask(series: pl.Series, missing: np.ndarray) -> pl.Series:
    return series.set(pl.Series(missing), None) if missing.any() else series


def write(frame: pl.DataFrame, container: PandasContainer) -> Any:
    """A pandas frame with the dtypes, labels and category orders of the container."""
    pandas = importlib.import_module("pandas")
    specs = [container.columns.get(name) for name in frame.columns]
    pairs = list(zip(frame.columns, specs, strict=True))
    columns = [_write_column(pandas, frame[name], spec) for name, spec in pairs]
    labels = [
        name if spec is None or spec.label is None else _label_from_json(pandas, spec.label)
        for name, spec in pairs
    ]
    result = pandas.concat(columns, axis=1, keys=range(len(columns)))
    first_level, *more_levels = container.levels
    if more_levels and all(isinstance(label, tuple) for label in labels):
        result.columns = pandas.MultiIndex.from_tuples(labels, names=container.levels)
    else:
        result.columns = pandas.Index(labels, name=first_level, tupleize_cols=False)
    return result


def _write_column(pandas: Any, series: pl.Series, spec: PandasColumn | None) -> Any:
    if spec is not None and spec.categories is not None:
        return _write_categorical(pandas, series, spec, spec.categories)
    text = "" if spec is None else spec.dtype
    if isinstance(series.dtype, pl.Datetime):
        return _write_datetime(pandas, series, text)
    dtype = _pandas_dtype(pandas, series, spec)
    if (
        series.dtype.is_numeric()
        and not series.null_count()
        and not isinstance(series.dtype, pl.Decimal)
    ):
        return pandas.Series(series.to_numpy()).astype(dtype)
    if text.startswith("float"):
        return pandas.Series(series.cast(pl.Float64).to_numpy()).astype(dtype)
    if series.null_count() and re.fullmatch(r"u?int\d+|bool", text):
        dtype = (
            "object" if text == "bool" else "float64"
        )  # as pandas itself does when a hole appears
    return pandas.Series(series.to_list(), dtype=dtype)


def _pandas_dtype(pandas: Any, series: pl.Series, spec: PandasColumn | None) -> Any:
    if spec is not None:
        if spec.storage is not None:
            missing = np.nan if spec.na_value == "nan" else pandas.NA
            try:
                return pandas.StringDtype(spec.storage, na_value=missing)
            except (TypeError, ImportError):  # pandas 2, or no pyarrow here
                return "string"
        if spec.arrow is not None:
            return pandas.ArrowDtype(arrow_frames.parse_type(spec.arrow))
        return spec.dtype
    if series.dtype.is_numeric() and not series.null_count():
        return series.to_numpy().dtype
    return "float64" if series.dtype.is_numeric() else None


def _write_categorical(
    pandas: Any, series: pl.Series, spec: PandasColumn, values: tuple[Value, ...]
) -> Any:
    back = {str(value): value for value in values}
    categories = pandas.Index(list(values))
    if (spec.categories_dtype or "").startswith("interval["):
        categories = _intervals(pandas, values, spec.categories_dtype or "")
    elif str(categories.dtype) != spec.categories_dtype:
        with contextlib.suppress(TypeError, ValueError):  # intervals and the like stay strings
            categories = categories.astype(spec.categories_dtype)
    codes = {key: code for code, key in enumerate(back)}
    numbers = [-1 if cell is None else codes[cell] for cell in series.cast(pl.String).to_list()]
    return pandas.Series(
        pandas.Categorical.from_codes(numbers, categories=categories, ordered=spec.ordered)
    )


def _intervals(pandas: Any, values: tuple[Value, ...], dtype: str) -> Any:
    """The intervals of their texts, "(0.5, 1.0]"; the texts where their ends are no numbers."""
    ends = [re.fullmatch(r"[(\[](.+), (.+)[)\]]", str(value)) for value in values]
    try:
        pairs = [(float(end[1]), float(end[2])) for end in ends if end]
    except ValueError:
        return pandas.Index(list(values))
    closed = dtype.rpartition(", ")[2].rstrip("]")
    return pandas.IntervalIndex.from_tuples(pairs, closed=closed).astype(dtype)


def _write_datetime(pandas: Any, series: pl.Series, text: str) -> Any:
    if text == "object":  # of several offsets
        return pandas.Series(series.to_list(), dtype=object)
    zone = series.dtype.time_zone  # type: ignore[attr-defined]
    naive = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else series
    result = pandas.Series(naive.to_numpy())
    result = result.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else result
    return result.astype(text) if text.startswith("datetime64") else result
