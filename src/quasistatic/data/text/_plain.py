"""Columns of plain numbers, all read at once: the usual columns, and the only ones of which a file
may have ten thousand.
"""

from collections.abc import Sequence

import polars as pl

from quasistatic.data.text.numbers import GROUPED, LEADING_ZERO, PLAIN, NumberForm, decimals_range
from quasistatic.data.text.written import MISSING, Reading, Written

_MAY_BE_DATES = r"^(?:[0-9]{6}|[0-9]{8}|[0-9]{12}|[0-9]{14})$"
_LONG = r"[0-9]{19}"


def read_plain(contents: pl.DataFrame, missing: Sequence[str] = ()) -> dict[str, Reading]:
    """What `read_column` says of the columns of plain numbers; of the others nothing.

    Args:
        contents: frame of cells of text, null for missing ones.
        missing: further cells that mean "missing" (default none).
    """
    every = pl.all()
    cells = contents.select(pl.when(~_tokens(every, missing)).then(every.str.strip_chars()))
    names = [
        name for name, plain in cells.select(_is_plain(every)).row(0, named=True).items() if plain
    ]
    if not names:
        return {}
    cells, contents = cells.select(names), contents.select(names)
    whole = cells.select((~every.str.contains(".", literal=True)).all()).row(0)
    decimals = every.str.extract(r"\.([0-9]+)").str.len_chars().fill_null(0)
    decimals = pl.when(every.is_not_null()).then(decimals)
    least, most = cells.select(decimals.min()).row(0), cells.select(decimals.max()).row(0)
    holes = contents.select(every.filter(_tokens(every, missing)).first()).row(0)
    blanks = every.filter(~_tokens(every, missing)).str.extract(r"^([ \t]*)")
    first, last = contents.select(blanks.min()).row(0), contents.select(blanks.max()).row(0)
    found = {}
    for j, name in enumerate(names):
        fewest, largest = decimals_range(least[j], most[j])
        written = Written(
            NumberForm(least=fewest, most=largest),
            tuple(missing),
            holes[j] or "",
            indent=first[j] if first[j] == last[j] else "",
        )
        values = cells[name].cast(pl.Int64 if whole[j] else pl.Float64)
        found[name] = Reading(values, written)
    return found


def _tokens(cell: pl.Expr, missing: Sequence[str]) -> pl.Expr:
    """Whether a cell means "missing"."""
    return cell.str.strip_chars().is_in([*MISSING, *missing]).fill_null(True)


def _is_plain(cell: pl.Expr) -> pl.Expr:
    """Whether a column has plain numbers that can be nothing else."""
    could_be_dates = cell.str.contains(_MAY_BE_DATES).all()
    could_be_grouped = cell.str.contains(GROUPED).all() & cell.str.contains(".", literal=True).any()
    others = could_be_dates | could_be_grouped
    text = cell.str.contains(LEADING_ZERO).any() | cell.str.contains(_LONG).any()
    others |= cell.str.contains("[eE]").any()  # a power of ten has a form of its own
    return (cell.count() > 0) & cell.str.contains(PLAIN).all() & ~others & ~text
