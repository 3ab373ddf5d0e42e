"""The dtype of a column of text cells: whole numbers, numbers, booleans, dates, date-times, or
text.
"""

import polars as pl

_DATE = r"^\d{4}-\d{2}-\d{2}$"
_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$"
_ZONE = r"(Z|[+-]\d{2}:?\d{2})$"
_LEADING_ZERO = r"^[+-]?0\d"
_DECIMAL_COMMA = r"^[+-]?\d+(,\d+)?([eE][+-]?\d+)?$"


def typed(series: pl.Series, decimal_comma: bool = False) -> pl.Series:
    """The series in the narrowest dtype that loses nothing; text as it is when there is none.

    "?" counts as missing where all else are numbers. Numbers with leading zeros (postcodes) stay
    text.

    Args:
        series: series of text, null where missing.
        decimal_comma: whether "3,14" is read as a number, if the whole column is of that form
            (default False).
    """
    if series.null_count() == len(series):
        return series
    for attempt in (_booleans, _dates, _times):
        result = attempt(series)
        if result is not None:
            return result
    return _numbers(series, decimal_comma)


def _all(condition: pl.Series) -> bool:
    return bool(condition.drop_nulls().all())


def _booleans(series: pl.Series) -> pl.Series | None:
    if not _all(series.is_in(["true", "false"])):
        return None
    return (series == "true").alias(series.name)


def _dates(series: pl.Series) -> pl.Series | None:
    if not _all(series.str.contains(_DATE)):
        return None
    result = series.str.to_date("%Y-%m-%d", strict=False)
    return result if result.null_count() == series.null_count() else None


def _times(series: pl.Series) -> pl.Series | None:
    if not _all(series.str.contains(_TIME)):
        return None
    zoned = series.str.contains(_ZONE)
    if not _all(zoned) and zoned.any():
        return None
    # one spelling, to the second at least: "2020-01-01T10:00:00.5+0200"
    text = series.str.replace(" ", "T", literal=True).str.replace("Z$", "+00:00")
    text = text.str.replace(r"T(\d{2}:\d{2})($|[+-])", "T${1}:00${2}")
    nanoseconds = bool(text.str.contains(r"\.\d{7,}").any())
    form = "%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if zoned.any() else "")
    text = text.str.replace(r"([+-]\d{2})(\d{2})$", "${1}:${2}") if zoned.any() else text
    result = text.str.to_datetime(form, time_unit="ns" if nanoseconds else "us", strict=False)
    return result if result.null_count() == series.null_count() else None


def _numbers(series: pl.Series, decimal_comma: bool) -> pl.Series:
    text = series.str.strip_chars()
    if decimal_comma and _all(text.str.contains(_DECIMAL_COMMA)):
        text = text.str.replace(",", ".", literal=True)
    text = text.set((text == "?").fill_null(False), None)
    if text.null_count() == len(text) or text.str.contains(_LEADING_ZERO).any():
        return series
    for dtype in (pl.Int64, pl.UInt64, pl.Float64):
        result = text.cast(dtype, strict=False)
        if result.null_count() == text.null_count():
            return result
    return series
