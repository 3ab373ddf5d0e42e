"""Is a synthetic table somebody's data? What drawn rows tell of the rows of the fit.

The measure is a hold-out: rows of the same source that the model was not fitted on. What drawn rows
tell of both is what the population is like; what they tell of the training rows alone is a leak.
Distances are those of `fitted._nearest`, to all real rows; the numbers those of `fitted.leaks`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from quasistatic.config import require_whole
from quasistatic.data.codec import check_columns
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.fitted._nearest import Records, guess_errors, nearest, nearest_shares, records
from quasistatic.fitted.leaks import Guess, Membership, Nearer, guess, membership, nearer
from quasistatic.fitted.likelihood import log_likelihood
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.sampling import sample
from quasistatic.typing import Key

__all__ = ["LEAST", "Privacy", "privacy"]

LEAST = 20
"""Rows of each table at least: with fewer, errors are as large as what they are the errors of."""
_CLOSEST = 0.05
"""Share of the drawn rows that are looked at by themselves, those closest to any real row."""
_QUANTILES = (0.05, 0.5)


class Privacy(NamedTuple):
    """What drawn rows tell of the training rows.

    Args:
        drawn: number of drawn rows.
        train: number of training rows.
        holdout: number of rows of the hold-out.
        fitted_on_train: whether the training table is that of the fit.
        nearer: share of all drawn rows that are nearer to a training row.
        nearer_of_closest: the same of the twentieth that is closest to any real row.
        closest_drawn: distances of drawn rows from the closest training row, 0 to 1, the quantiles
            of 5 and of 50 %.
        closest_holdout: the same of the rows of the hold-out.
        copies_drawn: number of drawn rows that equal a training row in every column.
        copies_holdout: the same of the hold-out: how often rows of the source occur twice.
        membership: log p of training rows against that of the hold-out.
        guess: errors of guessed cells, the mean over columns.
        guesses: errors of guessed cells, by column.
    """

    drawn: int
    train: int
    holdout: int
    fitted_on_train: bool
    nearer: Nearer
    nearer_of_closest: Nearer
    closest_drawn: tuple[float, float]
    closest_holdout: tuple[float, float]
    copies_drawn: int
    copies_holdout: int
    membership: Membership
    guess: Guess
    guesses: dict[str, Guess]

    def exposed(self, n: int) -> list[tuple[str, Guess]]:
        """The columns whose cells are guessed better on training rows, by standard errors; at most
        n of them.

        Args:
            n: number of columns.
        """
        known = [(name, found) for name, found in self.guesses.items() if found.stderr > 0]
        return sorted(known, key=lambda pair: -pair[1].advantage / pair[1].stderr)[:n]

    def to_json(self) -> dict[str, Any]:
        """The numbers by their names."""
        guesses = {name: found._asdict() for name, found in self.guesses.items()}
        named = {name: _plain(value) for name, value in self._asdict().items()}
        return named | {"guesses": guesses}


def _plain(value: Any) -> Any:
    return value._asdict() if isinstance(value, Nearer | Membership | Guess) else value


def privacy(
    fitted: Fitted,
    train: Table,
    holdout: Table,
    n: int | None = None,
    rows: int = 2000,
    synthetic: Table | None = None,
    *,
    key: Key,
) -> Privacy:
    """What rows drawn from a model tell of the rows that it was fitted on.

    Args:
        fitted: model and codec.
        train: table of the training rows.
        holdout: table of rows of the same source that the model was not fitted on.
        n: number of rows that are drawn, at least 20; None (default) draws as many as the hold-out
            has.
        rows: number of rows of each table, at least 20, whose likelihood and cells are asked: all
            (default 2000), or so many drawn at random.
        synthetic: rows that are judged, 20 at least; None (default) draws them from the model.
        key: random key of the drawn rows, of the choice of rows and of the likelihoods.

    Raises:
        SettingError: n or rows below 20.
        DataError: too few rows, or a hold-out that is the training table.
        SchemaError: columns or categories that are not the model's.
    """
    n = len(holdout) if n is None else n
    _check(fitted, (train, holdout, *(() if synthetic is None else (synthetic,))), n, rows)
    if fingerprint(holdout) == fitted.record["data"]["fingerprint"]:
        raise _no_holdout(holdout, "this is the table that the model was fitted on")
    draw_key, choice_key = jax.random.split(key)
    drawn = sample(fitted, n, key=draw_key) if synthetic is None else synthetic
    tables = (train, holdout, drawn)
    seen, unseen, made = records(fitted.schema, tables, real=2)
    _require_two(seen, unseen, train, holdout)
    rng = np.random.default_rng(int(jax.random.bits(choice_key)))
    asked = [_some(rng, len(table), rows) for table in (train, holdout)]
    log_p = [
        log_likelihood(fitted, table.take(index), "ais", key=key).lower
        for table, index in zip((train, holdout), asked, strict=True)
    ]
    errors = [
        guess_errors(known.take(index), made)
        for known, index in zip((seen, unseen), asked, strict=True)
    ]
    distance, of_holdout = nearest(made, seen), nearest(unseen, seen)
    return Privacy(
        len(drawn),
        len(train),
        len(holdout),
        fingerprint(train) == fitted.record["data"]["fingerprint"],
        *_nearer(seen, unseen, made, distance),
        _quantiles(distance),
        _quantiles(of_holdout),
        int(np.count_nonzero(distance == 0)),
        int(np.count_nonzero(of_holdout == 0)),
        membership(*log_p),
        guess(*(_row_means(of_rows) for of_rows in errors)),
        {
            name: guess(*(of_rows[:, j] for of_rows in errors))
            for j, name in enumerate(fitted.schema.names)
        },
    )


def _nearer(
    seen: Records, unseen: Records, made: Records, distance: np.ndarray
) -> tuple[Nearer, Nearer]:
    """Shares of all drawn rows, and of the closest ones, which are chosen without regard to which
    of the two tables they are close to.
    """
    real = Records(*(np.concatenate(parts) for parts in zip(seen, unseen, strict=True)))
    any_real = np.minimum(distance, nearest(made, unseen))
    closest = made.take(np.flatnonzero(any_real <= np.quantile(any_real, _CLOSEST)))
    of_all, of_closest = (
        nearer(nearest_shares(some, real), len(seen.place), len(some.place))
        for some in (made, closest)
    )
    return of_all, of_closest


def _row_means(errors: np.ndarray) -> np.ndarray:
    """Mean over the cells of a row that are there, `[N]`; NaN where there is none."""
    known = ~np.isnan(errors)
    counts = known.sum(axis=1)
    sums = np.where(known, errors, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _quantiles(distance: np.ndarray) -> tuple[float, float]:
    low, middle = np.quantile(distance, _QUANTILES)
    return float(low), float(middle)


def _some(rng: np.random.Generator, number: int, most: int) -> np.ndarray:
    """At most so many rows, in their order."""
    if number <= most:
        return np.arange(number)
    return np.sort(rng.choice(number, most, replace=False))


def _check(fitted: Fitted, tables: Sequence[Table], n: int, rows: int) -> None:
    for table in tables:
        check_columns(table, fitted.schema)
        if len(table) < LEAST:
            raise DataError(
                f"there are {len(table)} rows, too few to tell a leak from chance",
                where=table.source,
                fix=f"give {LEAST} rows at least, better some hundred",
            )
    for name, value in (("n", n), ("rows", rows)):
        require_whole(name, value, LEAST, "with fewer a leak cannot be told from chance")


def _require_two(seen: Records, unseen: Records, train: Table, holdout: Table) -> None:
    here, there = (known.place[np.lexsort(known.place.T)] for known in (seen, unseen))
    if np.array_equal(here, there):
        raise _no_holdout(holdout, f"these are the rows of {train.source}")


def _no_holdout(holdout: Table, what: str) -> DataError:
    return DataError(
        f"{what}: no hold-out",
        where=holdout.source,
        fix="give rows of the same source that the model was not fitted on",
    )
