"""A line of the table: one method on one bench."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from quasistatic.experiments.markdown import markdown, number

HEAD = [
    "method", "normalised", "exact samples", "test log p", "below the truth", "it reports",
    "true", "fit s", "1,000 samples s", "1,000 rows scored s", "conditionals",
]  # fmt: skip


class Entry(NamedTuple):
    """One method on one bench; nats per row and seconds.

    Args:
        method: name of the method.
        normalised: "yes", or how Z is found.
        exact_samples: whether rows are drawn independently of the model itself.
        log_p: mean log p of the test rows; exact unless `bound`.
        bound: whether `log_p` is a lower bound.
        gap: how far `log_p` is below the true distribution's; None where that is unknown.
        reports: what the method itself says of its log p, as an interval; None: nothing.
        holds: whether the exact value lies in it; None where there is no exact value.
        fit_seconds: time of the fit.
        sample_seconds: time of 1,000 samples; None where there is no way to draw them.
        score_seconds: time of log p of 1,000 rows.
        conditionals: how p(some bits | others) is had.
        errors: further errors by name, such as those of couplings and correlations.
    """

    method: str
    normalised: str
    exact_samples: bool
    log_p: float
    bound: bool
    gap: float | None
    reports: tuple[float, float] | None
    holds: bool | None
    fit_seconds: float
    sample_seconds: float | None
    score_seconds: float
    conditionals: str
    errors: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        return self._asdict() | {"errors": dict(self.errors)}


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a function and the seconds it took."""
    begun = time.monotonic()
    found = work()
    return found, time.monotonic() - begun


def averaged(entries: list[Entry]) -> Entry:
    """The mean of one method's entries over several seeds; it holds if it held in all."""
    first = entries[0]

    def mean(values: list[Any]) -> Any:
        return None if any(v is None for v in values) else float(np.mean(values))

    sides = [entry.reports for entry in entries]
    held = [entry.holds for entry in entries]
    return first._replace(
        **{
            name: mean([getattr(entry, name) for entry in entries])
            for name in ("log_p", "gap", "fit_seconds", "sample_seconds", "score_seconds")
        },
        reports=None if None in sides else tuple(np.mean(np.array(sides), axis=0).tolist()),
        holds=None if None in held else all(held),
        errors={name: mean([e.errors[name] for e in entries]) for name in first.errors},
    )


def table(entries: list[Entry]) -> str:
    """The lines as Markdown."""
    return markdown(HEAD, [_cells(entry) for entry in entries])


def _cells(entry: Entry) -> list[str]:
    reports = "-" if entry.reports is None else "{:.2f} to {:.2f}".format(*entry.reports)
    return [
        entry.method,
        entry.normalised,
        "yes" if entry.exact_samples else "no",
        ("≥ " if entry.bound else "") + number(entry.log_p),
        ("≤ " if entry.bound and entry.gap is not None else "") + number(entry.gap),
        reports,
        {None: "-", True: "yes", False: "**no**"}[entry.holds],
        number(entry.fit_seconds, digits=1),
        number(entry.sample_seconds, digits=2),
        number(entry.score_seconds, digits=2),
        entry.conditionals,
    ]
