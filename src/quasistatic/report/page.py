"""The page: what was found, in words, tables and pictures, as one HTML text."""

from importlib.metadata import version
from importlib.resources import files
from typing import Any

import jinja2

from quasistatic.report import tables
from quasistatic.report.compute import Findings
from quasistatic.report.drawing import Picture
from quasistatic.report.figures_corridor import draw_corridors
from quasistatic.report.figures_dependence import SHOWN as SHOWN_IN_MATRIX
from quasistatic.report.figures_dependence import draw_matrices
from quasistatic.report.figures_ledger import draw_ledger
from quasistatic.report.figures_marginals import draw_marginal
from quasistatic.report.figures_sandwich import draw_gaps, draw_sandwich, draw_scores
from quasistatic.report.figures_training import training_curve
from quasistatic.report.figures_work import draw_crooks, draw_work
from quasistatic.report.headline import headline, notices
from quasistatic.report.wording import counted, plain

SHOWN_COLUMNS = 20
"""Columns whose distribution is drawn at most."""


def render(found: Findings) -> str:
    """The page of a report: the same findings give the same text."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template("page.html.jinja").render(_context(found))


def _template(name: str) -> str:
    return (files("quasistatic.report") / "template" / name).read_text(encoding="utf-8")


def _context(found: Findings) -> dict[str, Any]:
    manifest, data = found.density.manifest_, found.data
    dependence, drawn = _dependence(found), _marginals(found)
    rows = _rows(found)
    contents = [
        ("columns", "Columns"), ("marginals", "Column by column"), *([("dependence", "Pairs")] if dependence else []),
        ("rows", "Likely rows" if rows["extremes"] else "Sampled rows"), ("sandwich", "Both sides"),
        ("certificate", "Certificate"), ("work", "Work"), ("ledger", "Ledger"), ("training", "Training"), ("origin", "Origin"),
    ]  # fmt: skip
    training = training_curve(found.density.history_)
    return {
        "version": version("quasistatic"),
        "css": _template("page.css"),
        "model": plain(found.name),
        "data": data and {"name": plain(data.name), "rows": counted(data.rows, "row")},
        "fitted": {
            "rows": counted(manifest["data"]["rows"], "row"),
            "columns": counted(len(found.density.schema_.columns), "column"),
            "version": manifest["versions"]["quasistatic"],
            "seed": manifest["seed"],
        },
        "headline": headline(found),
        "notices": notices(found),
        "contents": contents,
        "schema": tables.schema_table(found.density.schema_),
        "marginals": drawn,
        "dependence": dependence,
        "rows": rows,
        "sandwich": _sandwich(found),
        "certificate": _certificate(found),
        "work": _work(found),
        "ledger": _ledger(found),
        "training": [training] if training else [],
        "origin": tables.origin_tables(manifest, found.settings),
    }


def _marginals(found: Findings) -> dict[str, Any]:
    compared = found.data is not None
    marginals = sorted(found.marginals, key=lambda m: -m.distance) if compared else list(found.marginals)
    shown = marginals[:SHOWN_COLUMNS]
    rest = len(marginals) - len(shown)
    words = f"Shares of {counted(found.sampled.height, 'sampled row')}"
    words += f" and of {counted(found.data.compared, 'real row')}, the columns that differ most first." if found.data else "."
    if rest:
        which = "that differ most" if compared else "in the table's order"
        words += f" Drawn are the {len(shown)} of {len(marginals)} columns {which}; {rest} are not."
        words += " The table below has them all." if compared else ""
    if not compared:
        words += " With data, each picture would show the real column behind the sampled one, and by how many rows they differ."
    return {
        "words": words,
        "pictures": [draw_marginal(m, number) for number, m in enumerate(shown)],
        "table": tables.marginal_table(marginals) if rest and compared else None,
    }


def _dependence(found: Findings) -> dict[str, Any] | None:
    association = found.association
    if association is None:
        return None
    n, paired = len(found.marginals), len(association.names)
    words = (
        "How much two columns tell of each other: normalised mutual information in hundredths, 0 for independent columns and 100 where each "
        f"determines the other. Numbers are cut into up to {association.bins} bins of equal count, rare categories share a bin, "
        "and what chance alone would give is taken off. A hatched cell has no value: a column does not vary."
    )
    if paired > SHOWN_IN_MATRIX:
        words += f" The matrices show the first {SHOWN_IN_MATRIX} of {n} columns."
    if paired < n:
        words += f" Pairs are compared among the first {paired} of {n} columns only."
    if found.data is None:
        words += " With data, the same matrix of the real rows would stand beside it, and the pairs that differ most."
    return {"words": words, "pictures": draw_matrices(association), "table": tables.pair_table(association)}


def _rows(found: Findings) -> dict[str, Any]:
    left_out = len(found.sampled.columns) - tables.SHOWN_COLUMNS
    words = [f"The tables show the first {tables.SHOWN_COLUMNS} columns; {left_out} are not shown."] if left_out > 0 else []
    sample = [tables.sample_table(found.sampled)]
    scored = None if found.data is None else found.data.scored
    if scored is None:
        more = "With data that can be scored, the most and the least likely of their rows would stand here."
        return {"extremes": False, "words": [*words, more], "tables": sample}
    warning = (
        "Likelihood is not outlierness. An unlikely row need not be wrong, a likely one can be odd, and the order of rows depends on the units "
        "and the shapes of the columns. Compare with the model's own rows: a row is unusual if nearly all or nearly none of them are less likely."
    )
    private = "These are rows of the data as they are: treat this page with the same care."
    return {"extremes": True, "words": [warning, private, *words], "tables": tables.extreme_tables(scored) + sample}


def _sandwich(found: Findings) -> dict[str, Any]:
    scored = None if found.data is None else found.data.scored
    words = [
        "No method gives log p itself. The lower side averages forward trajectories: it is below log p in expectation. The upper side joins a "
        "trajectory that ran the other way: above log p in expectation for rows that the model generated, whose own trajectory is known, and "
        "only asymptotically for real rows. The truth lies between, up to Monte Carlo noise."
    ]
    pictures: list[Picture] = []
    if scored is not None:
        pictures.append(draw_sandwich(scored.likelihood))
        real = scored.likelihood
        gaps = None if real.upper is None else real.upper - real.lower
        pictures += [draw_gaps(found.gap_of_generated, gaps), draw_scores(found.generated.lower, real.lower)]
    else:
        words.append("With data that can be scored, both sides of their rows would be drawn here.")
        pictures += [draw_gaps(found.gap_of_generated, None), draw_scores(found.generated.lower, None)]
    return {"words": words, "pictures": pictures}


def _certificate(found: Findings) -> dict[str, Any]:
    where = "It is stored in the model folder." if found.certificate_stored else (
        "The model folder holds none, so a small one was made for this page; `quasistatic certify` makes and stores a better one."
    )  # fmt: skip
    words = f"How far the likelihoods of this model can be off, measured where both sides are true bounds: on rows that it generated. {where}"
    return {"words": words, "table": tables.certificate_table(found.certificate)}


def _work(found: Findings) -> dict[str, Any]:
    words = (
        f"From {counted(len(found.work.reverse), 'generated row')} with {found.work.forward.shape[1]} forward trajectories each and the one that "
        "generated it. The first picture says how tight the bounds are; the second whether the arithmetic behind all numbers of this page is right, "
        "however good the model is."
    )
    return {"words": words, "pictures": [draw_work(found.work), draw_crooks(found.work, found.slope)]}


def _ledger(found: Findings) -> dict[str, Any]:
    rows = counted(found.ledger.steps.n_rows, "row")
    where = f"{rows} of the data" if found.ledger_on_data else f"{rows} that the model generated"
    words = (
        f"K adds up along the trajectory; here it is taken apart, over {where}, {found.ledger.steps.trajectories} trajectories a row. "
        "The corridor says how sharp a reverse step may be (equation 24 of the paper) and how sharp this model's steps are."
    )
    pictures = [draw_ledger(found.ledger), *draw_corridors(found.ledger, found.density.model_.forward)]
    return {
        "words": words, "verdict": found.ledger.verdict.words, "pictures": pictures,
        "tables": tables.ledger_tables(found.ledger),
    }  # fmt: skip
