"""Categories with too few rows for the model to have learned how rare they are."""

from collections.abc import Iterable

import numpy as np

from quasistatic.fitted.model import Fitted

__all__ = ["FEW", "rare_states", "warning_of"]

FEW = 10
"""Rows of a category below which its rate cannot be learned: the held-out tenth has none of it, and
its own relative error would be a third."""
_LEAST_SHARE = 0.01


def rare_states(fitted: Fitted) -> dict[str, dict[str, int]]:
    """The rows of each rare category in the fitted table, by column; a category is rare with fewer
    than `FEW` rows and less than a hundredth of them.

    Args:
        fitted: fitted model of a table; of images and sequences nothing is said.
    """
    codec, found = fitted.codec, {}
    if codec.schema.layout is not None or codec.states is None:
        return {}
    rows = int(fitted.record["data"]["rows"])
    for column, shares in zip(codec.discrete, codec.marginals, strict=False):
        observed = rows - column.missing
        # the frequencies have half a row added for each state
        counts = np.rint(shares * (observed + 0.5 * len(shares)) - 0.5).astype(int)
        few = {
            str(category): int(count)
            for category, count in zip(column.categories, counts, strict=True)
            if 0 < count < min(FEW, _LEAST_SHARE * observed)
        }
        if few:
            found[column.name] = few
    return found


def warning_of(fitted: Fitted, columns: Iterable[str] | None = None) -> str:
    """One sentence on the rare categories of some columns; empty if there are none.

    Args:
        fitted: fitted model of a table.
        columns: names of the columns that are asked about; None (default) for all.
    """
    rare = rare_states(fitted)
    named = list(rare if columns is None else (name for name in columns if name in rare))
    if not named:
        return ""
    shown = "; ".join(
        f"{name!r}: " + ", ".join(f"{state!r} ({count})" for state, count in rare[name].items())
        for name in named[:5]
    )
    more = f" and {len(named) - 5} more columns" if len(named) > 5 else ""
    return (
        f"fewer than {FEW} rows have these categories, and how often they are drawn, and any"
        f" evidence that involves them, is not to be trusted: {shown}{more}"
    )
