"""Columns that are not modelled: identifiers, free text, too many categories; and what to do."""

import json
import re

import numpy as np
import polars as pl

from quasistatic.data.columns._dtypes import dtype_text, is_text
from quasistatic.data.frames.container import ArrayContainer, PandasContainer
from quasistatic.data.table import Table
from quasistatic.data.text._time_forms import time_forms
from quasistatic.data.text.numbers import PLAIN, marks_of

_MOST_CATEGORIES = 1000
_FEWEST_IDENTIFIERS = 20
_ID_NAME = re.compile(
    r"(?:^|[_\W])(?:id|ids|uuid|guid|key|index|idx|row|rows|rowid|rownum|rownames?|nr|no|#|serial|"
    r"barcode|isbn|ean|iccid|imei)$|[a-z](?:Id|ID|Key|Nr|No)$|^(?:unnamed: ?\d*|column 1|x1?|v1)?$",
    re.IGNORECASE,
)
_ORDER_NAME = re.compile(r"^(?:unnamed: ?\d*|column 1|x1?|v1)$", re.IGNORECASE)
"""Names that say nothing: identifiers only where their rows are in order."""
_MEASURED_NAME = re.compile(
    r"(?:^|[_\W])(?:year|yr|month|week|day|date|hour|minute|time|t|age|dose|period|quarter|rank|lag|"
    r"step|temperature|temp|distance|depth|height|level)s?$",
    re.IGNORECASE,
)
_YEARS = 1500, 2200
_LONGEST_NUMBER = 10**15
"""Whole numbers from here on, all different and equally long, count nothing."""
_FEW_MISFITS = 12
_MOST_LEVELS = 12
"""Different cells up to which numbers among words are levels of a category."""
_LONGEST_CATEGORY = 1000


def unfit_reason(series: pl.Series, table: Table) -> str:
    """Why no kind fits the cells of a column, and what to make of them.

    Args:
        series: cells of the column, of a type that no kind fits.
        table: table of the column.
    """
    container, of = table.container, dtype_text(series.dtype)
    into = "numbers, dates or text"
    if isinstance(container, PandasContainer) and series.name in container.columns:
        kept = container.columns[series.name].dtype
        if kept.startswith(("interval", "period")):
            of, into = kept, 'categories (.astype("category"))'
        if kept.startswith("period"):
            into += " or dates (.dt.to_timestamp())"
    return f"cells of type {of} cannot be modelled; convert them to {into} to model them"


def left_out_reason(series: pl.Series, table: Table) -> str:
    """Why an identifier, free text or a column of too many categories is not modelled; empty when
    it is.

    Args:
        series: column of the table.
        table: table of the training rows.
    """
    n = len(series) - series.null_count()
    distinct = series.n_unique() - (series.null_count() > 0)
    if is_text(series.dtype):
        return _text_reason(series, n, distinct)
    named = not isinstance(table.container, ArrayContainer)
    least = 3 if not series.name.strip() else _FEWEST_IDENTIFIERS  # row names have no name
    if not series.dtype.is_integer() or distinct < n or n < least or not named:
        return ""
    why = _identifies(series)
    if not why:
        return ""
    return f"looks like an identifier (integers, {why}); {force(series.name, 'integer')}"


def _identifies(series: pl.Series) -> str:
    """What makes integers that are all different an identifier; empty where nothing does.

    Consecutive values alone do not: ranks are measured too. Values that count the rows do, and a
    name that says so.
    """
    values = series.drop_nulls().to_numpy()
    counts_rows = bool(np.all(np.diff(values.astype(np.float64)) == 1))
    if counts_rows and not _MEASURED_NAME.search(series.name):
        first = int(values[0])
        if not _YEARS[0] <= first <= _YEARS[1]:
            return "consecutive, in the order of the rows"
    if _ID_NAME.search(series.name) and not _ORDER_NAME.search(series.name):
        return "all different, and so called"
    lengths = {len(str(abs(int(value)))) for value in values[:1000]}
    if int(np.min(np.abs(values.astype(object)))) >= _LONGEST_NUMBER and len(lengths) == 1:
        return f"all different, of {lengths.pop()} digits"
    return ""


def _text_reason(series: pl.Series, n: int, distinct: int) -> str:
    if isinstance(series.dtype, pl.Enum) and len(series.dtype.categories) <= _MOST_CATEGORIES:
        return ""  # declared as categories by whoever made the frame
    length = float(series.cast(pl.String).str.len_chars().mean() or 0)  # type: ignore[arg-type]
    most = min(max(50, n // 10), _MOST_CATEGORIES)
    longest = int(series.cast(pl.String).str.len_chars().max() or 0)  # type: ignore[arg-type]
    if longest > _LONGEST_CATEGORY:
        what = f"looks like free text (a cell has {longest} characters)"
    elif n >= 10 and distinct > 0.5 * n and length > 40:
        what = (
            f"looks like free text ({distinct} different values, {length:.0f} characters on"
            " average)"
        )
    elif n >= 10 and distinct > 0.9 * n:
        what = f"looks like an identifier ({distinct} different values in {n} cells)"
    elif distinct > most:
        what = f"has too many categories ({distinct}; at most {most} for {n} cells)"
    else:
        return _mostly(series, n) if distinct > _MOST_LEVELS else ""
    return _mostly(series, n) or f"{what}; {force(series.name, 'categorical')}"


def _mostly(series: pl.Series, n: int) -> str:
    """Why a column that is mostly numbers or dates is text all the same; empty if it is not."""
    cells = series.cast(pl.String).str.strip_chars().drop_nulls()
    marks = marks_of(cells) if n else ()
    if len(marks) > 1:
        return (
            f"its numbers have different marks: {', '.join(map(repr, marks))}; bring them to one"
            " unit, and the column is continuous"
        )
    numbers = cells.str.contains(PLAIN)
    what, fits, kind = "numbers", numbers, "continuous"
    if numbers.sum() <= 0.5 * n:
        some = cells.filter(cells.str.contains(r"\d.*\d")).head(50).to_list()
        form = next(
            (forms[0] for c in some for forms in [time_forms(pl.Series([c]))] if forms), None
        )
        if form is None:
            return ""
        what, fits, kind = "dates", form.read(cells).is_not_null(), "datetime"
    misfits = cells.filter(~fits).unique(maintain_order=True)
    if fits.sum() <= 0.5 * n or not len(misfits):
        return ""
    if len(misfits) > _FEW_MISFITS:
        shown = ", ".join(map(repr, misfits.head(3)))
        return (
            f"{int(fits.sum())} of {n} cells are {what}, others are not ({shown}, ...); make them"
            f" {what}, or {force(series.name, 'categorical')}"
        )
    shown = ", ".join(map(repr, misfits))
    entry = json.dumps(
        {"columns": {series.name: {"kind": kind, "missing": misfits.to_list()}}}, ensure_ascii=False
    )
    return (
        f"{int(fits.sum())} of {n} cells are {what}, not {shown}; to count these as missing, give"
        f" a --schema file with {entry}"
    )


def force(name: str, kind: str) -> str:
    """How a column that is left out is modelled all the same.

    Args:
        name: name of the column.
        kind: kind that fits it.
    """
    entry = json.dumps({"columns": {name: {"kind": kind}}}, ensure_ascii=False)
    return f"to model it all the same, give a --schema file with {entry}"
