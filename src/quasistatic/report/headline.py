"""The number that the page begins with, and what a reader must know before believing it."""

from typing import NamedTuple

import numpy as np

from quasistatic.fitted.likelihood import mean_and_stderr
from quasistatic.report._wording import counted, nats, plain, shortened
from quasistatic.report.findings import Findings

__all__ = ["Headline", "Side", "headline", "notices"]


_FEW_TRAJECTORIES = 2.0
"""An effective number of trajectories below this hangs on a single one."""
_MEASURE = 260
"""Characters of the base measure on top of the page."""


class Side(NamedTuple):
    """A number in large type, and what it is."""

    number: str
    meaning: str


class Headline(NamedTuple):
    """The first thing on the page.

    Args:
        what: heading of the page's first block.
        sides: number in large type, or both sides of it.
        lines: sentences that say what it means.
        measure: base measure: what the likelihood is a density of.
    """

    what: str
    sides: list[Side]
    lines: list[str]
    measure: str


def headline(found: Findings) -> Headline:
    """Both sides of the mean log-likelihood of the data; without any, the bound on the rows held
    out while fitting.
    """
    measure = _measure(found)
    certificate = found.certificate
    accuracy = (
        "On rows that the model generated, the two sides are"
        f" {nats(certificate.gap, certificate.gap_stderr)} nats apart with"
        f" {certificate.trajectories} trajectories: by no more is the lower side too low on"
        " average."
    )
    scored = found.scored
    if scored is None:
        bound = float(found.density.manifest_["validation_bound_nats"])
        held_out = found.density.manifest_["data"]["held_out"]
        lines = [
            *_in_bits(found, (bound, None)),
            (
                f"The bound K while fitting ({held_out}). It also chose when to stop, which"
                " flatters it slightly."
            ),
            accuracy,
        ]
        return Headline(
            "Held-out bound on the mean log-likelihood",
            [Side(nats(bound), "nats per row, a lower side")],
            lines,
            measure,
        )
    likelihood = scored.likelihood
    assert likelihood.upper is not None  # of the method "sandwich"
    upper, upper_stderr = mean_and_stderr(likelihood.upper)
    sides = [
        Side(nats(likelihood.mean, likelihood.mean_stderr), f"{likelihood.unit}, lower side"),
        Side(nats(upper, upper_stderr), f"{likelihood.unit}, upper side (asymptotic)"),
    ]
    rows = len(likelihood.lower)
    lines = [
        *_in_bits(found, (likelihood.mean, likelihood.mean_stderr), (upper, upper_stderr)),
        f"Mean over {counted(rows, 'row')}, {likelihood.trajectories} trajectories a row. "
        + (
            "± says how much the mean would change with other rows of the same source."
            if rows > 1
            else "One row has no ±."
        ),
        accuracy,
    ]
    return Headline("Mean log-likelihood of the data", sides, lines, measure)


def _in_bits(found: Findings, *sides: tuple[float, float | None]) -> list[str]:
    """The numbers with their errors once more, where the rows have a length to divide by."""
    layout = found.density.schema_.layout
    if layout is None:
        return []
    numbers = (
        nats(layout.bits(value), None if error is None else layout.bits(error))
        for value, error in sides
    )
    return [f"In {layout.bits_unit}: {' to '.join(numbers)}."]


def _measure(found: Findings) -> str:
    whole = plain(found.density.schema_.base_measure())
    short = shortened(whole, _MEASURE)
    return f"Base measure: {short}" + ("." if short == whole else " (the whole of it at the end).")


def notices(found: Findings) -> list[str]:
    """What was left out, and what flatters."""
    if found.data is None:
        return [
            "No data were given: this page tells what the model alone can say. Give DATA, best of"
            " rows that the model was not fitted on, to see real columns and pairs against sampled"
            " ones, both sides of the likelihood of real rows, and the most and the least likely of"
            " them."
        ]
    data = found.data
    said = data.of_a_part(found.seed)
    early = found.density.fitted_.record.get("stopped_early")
    if early:
        said.append(f"{early[0].upper()}{early[1:]}.")
    if data.seen:
        said.append(
            "These data are the table that the model was fitted on, which flatters its likelihood."
            " For a judgement, give rows that it has not seen."
        )
    if data.holes:
        said.append(
            f"{data.holes:,} of {counted(data.rows, 'row')} have missing cells: they get no"
            " log-likelihood and are left out of the scores and of the ledger."
        )
    if found.scored is None:
        said.append(
            "Every row has a missing cell: none could be scored, and there are no likely and"
            " unlikely rows."
        )
    elif len(found.scored.index) < data.rows - data.holes:
        what = "Scored and shown are" if found.images else "Scored are"
        said.append(
            f"{what} {len(found.scored.index):,} of the {data.rows - data.holes:,} whole rows,"
            f" drawn at random (seed {found.seed})."
        )
    if data.compared < data.rows and not found.images:
        said.append(
            f"Columns and pairs are compared on {data.compared:,} of the {data.rows:,} rows, drawn"
            f" at random (seed {found.seed})."
        )
    alone = (
        0
        if found.scored is None
        else int(np.count_nonzero(found.scored.likelihood.ess < _FEW_TRAJECTORIES))
    )
    if alone:
        said.append(
            f"The lower side of {counted(alone, 'row')} hangs on fewer than {_FEW_TRAJECTORIES:g}"
            " effective trajectories and may be far too low: ask for more trajectories."
        )
    return said
