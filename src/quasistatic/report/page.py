"""The page: what was found, in words, tables and pictures, as one HTML text."""

from typing import Any

from quasistatic.data.layout import Layout, are_images
from quasistatic.report import _tables as tables
from quasistatic.report._html import rendered
from quasistatic.report._privacy import privacy_section
from quasistatic.report._sections import dependence_section, marginals_section
from quasistatic.report._wording import counted, plain
from quasistatic.report.figures._corridor import draw_corridors
from quasistatic.report.figures._drawing import Picture
from quasistatic.report.figures._learning import draw_learning
from quasistatic.report.figures._ledger import draw_ledger
from quasistatic.report.figures._pictures import draw_images
from quasistatic.report.figures._sandwich import draw_gaps, draw_sandwich, draw_scores
from quasistatic.report.figures._training import training_curve
from quasistatic.report.figures._work import draw_crooks, draw_work
from quasistatic.report.findings import Findings
from quasistatic.report.headline import headline, notices

__all__ = ["render"]


def render(found: Findings) -> str:
    """The page of a report: the same findings give the same text."""
    return rendered("page.html.jinja", _context(found))


def _context(found: Findings) -> dict[str, Any]:
    manifest, data = found.density.manifest_, found.data
    training = training_curve(found.density.history_)
    return {
        "model": plain(found.name),
        "subject": _subject(found.density.schema_.layout),
        "images": found.images is not None,
        "data": data and {"name": plain(data.name), "rows": counted(data.total, "row")},
        "fitted": {
            "rows": counted(manifest["data"]["rows"], "row"),
            "columns": ""
            if found.images
            else counted(len(found.density.schema_.columns), "column"),
            "version": manifest["versions"]["quasistatic"],
            "seed": manifest["seed"],
            "fingerprint": manifest["data"]["fingerprint"][:12],
        },
        "scored": found.scored is not None,
        "headline": headline(found),
        "notices": notices(found),
        "measure": plain(found.density.schema_.base_measure()),
        "schema": tables.schema_table(found.density.schema_),
        "marginals": marginals_section(found.marginals, found.sampled, data),
        "dependence": dependence_section(found.association, len(found.marginals)),
        "pictures": _pictures(found),
        "rows": _rows(found),
        "sandwich": _sandwich(found),
        "certificate": {
            "stored": found.certificate_stored,
            "table": tables.certificate_table(found.certificate),
        },
        "work": {
            "rows": counted(len(found.work.reverse), "generated row"),
            "trajectories": found.work.forward.shape[1],
            "pictures": [draw_work(found.work), draw_crooks(found.work, found.slope)],
        },
        "ledger": _ledger(found),
        "privacy": found.privacy and privacy_section(found.privacy),
        "learning": found.learning
        and {
            "answer": found.learning.answer,
            "pictures": [draw_learning(found.learning)],
        },
        "training": training,
        "origin": tables.origin_tables(manifest, found.settings),
    }


def _subject(layout: Layout | None) -> str:
    """What the model is of; a row of it, where that is no row of a table."""
    if layout is None:
        return "a table"
    if are_images(layout):
        return f"images of {layout.words} (a row is an image)"
    return f"sequences of length {layout.size} (a row is a sequence)"


def _pictures(found: Findings) -> list[Picture]:
    """Images of the data beside sampled ones."""
    if found.images is None:
        return []
    sampled = found.images.arrange(found.sampled.to_numpy())
    shown = [
        draw_images(
            sampled, alt="Sampled images", caption=f"{counted(len(sampled), 'sampled image')}."
        )
    ]
    if found.scored is not None:
        real = found.images.arrange(found.scored.table.to_numpy())
        shown.insert(
            0,
            draw_images(
                real,
                alt="Images of the data",
                caption=f"{counted(len(real), 'image')} of the data.",
            ),
        )
    return shown


def _extreme_pictures(found: Findings) -> list[Picture]:
    if found.images is None or found.scored is None:
        return []
    real = found.images.arrange(found.scored.table.to_numpy())
    return [
        draw_images(
            real[chosen], alt=what, caption="Row by row, in the order of the table.", title=what
        )
        for what, chosen in tables.extremes(found.scored)
    ]


def _rows(found: Findings) -> dict[str, Any]:
    scored, cells = found.scored, found.images is None
    return {
        "pictures": _extreme_pictures(found),
        "extremes": tables.extreme_tables(scored, cells=cells) if scored else [],
        "shown": tables.SHOWN_COLUMNS,
        "rest": max(len(found.sampled.columns) - tables.SHOWN_COLUMNS, 0) if cells else 0,
        "sampled": tables.sample_table(found.sampled) if cells else None,
    }


def _sandwich(found: Findings) -> list[Picture]:
    """Real rows have an upper side and a lower one; without them, the model's own rows have the
    rest.
    """
    if found.scored is None:
        return [draw_gaps(found.gap_of_generated, None), draw_scores(found.generated.lower, None)]
    real = found.scored.likelihood
    gap = None if real.upper is None else real.upper - real.lower
    return [
        draw_sandwich(real),
        draw_gaps(found.gap_of_generated, gap),
        draw_scores(found.generated.lower, real.lower),
    ]


def _ledger(found: Findings) -> dict[str, Any]:
    return {
        "verdict": found.ledger.verdict.words,
        "rows": counted(found.ledger.steps.n_rows, "row"),
        "trajectories": found.ledger.steps.trajectories,
        "pictures": [
            draw_ledger(found.ledger),
            *draw_corridors(found.ledger, found.density.model_.forward),
        ],
        "tables": tables.ledger_tables(found.ledger),
    }
