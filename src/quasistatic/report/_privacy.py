"""What drawn rows tell of the training rows, for the page."""

from typing import Any

from quasistatic.fitted.privacy import Privacy
from quasistatic.fitted.privacy_words import LIMITS, sentences
from quasistatic.report._tables import CELL, Head, PageTable
from quasistatic.report._wording import counted, nats, short_number, shortened

SHOWN = 5
"""Columns with guessed cells that are shown at most."""


def privacy_section(found: Privacy) -> dict[str, Any]:
    """The sentences, the tables and the limits of the section.

    Args:
        found: what drawn rows tell of the training rows.
    """
    return {
        "drawn": counted(found.drawn, "drawn row"),
        "train": counted(found.train, "training row"),
        "holdout": counted(found.holdout, "row"),
        "said": sentences(found),
        "limits": LIMITS,
        "tables": [_distances(found), _guesses(found)],
    }


def _distances(found: Privacy) -> PageTable:
    rows = [
        [name, *(short_number(distance) for distance in closest)]
        for name, closest in (
            ("drawn rows", found.closest_drawn),
            ("the hold-out", found.closest_holdout),
        )
    ]
    head = [Head(""), Head("5 % are closer than", True), Head("50 %", True)]
    return PageTable("Distance to the closest training row, 0 to 1", head, rows)


def _guesses(found: Privacy) -> PageTable:
    rows = [
        [
            shortened(name, CELL),
            nats(guess.train),
            nats(guess.holdout),
            nats(guess.advantage, guess.stderr),
        ]
        for name, guess in found.exposed(SHOWN)
    ]
    head = [Head("column"), *(Head(text, True) for text in ("training", "hold-out", "difference"))]
    return PageTable("Errors of guessed cells, the largest differences first", head, rows)
