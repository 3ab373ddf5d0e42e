"""The tables of the page, as text: a caption, a head and rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from quasistatic.data.schema import Schema
from quasistatic.fitted.certificate import Certificate
from quasistatic.fitted.ledger import LedgerReport
from quasistatic.report._association import Association
from quasistatic.report._columns import Marginal
from quasistatic.report._wording import cell, counted, nats, percent, short_number, shortened
from quasistatic.report.findings import Scored

CELL = 200
"""Characters of a cell at most."""
SHORT_CELL = 28
"""Characters of a cell of a row of the data at most."""
SHOWN_COLUMNS = 12
"""Columns of a table of rows at most."""
EXTREMES = 5


class Head(NamedTuple):
    """A column's heading.

    Args:
        text: text of the heading.
        numeric: whether the column is set to the right (default False).
    """

    text: str
    numeric: bool = False


class PageTable(NamedTuple):
    """A table of the page.

    Args:
        caption: caption of the table: what it is.
        head: headings of the columns.
        rows: cells of each row, as text.
        of_rows: whether its lines are rows of a table, each on one line of the page (default
            False).
    """

    caption: str
    head: list[Head]
    rows: list[list[str]]
    of_rows: bool = False


def _table(
    caption: str,
    head: Sequence[str | Head],
    rows: Iterable[Iterable[Any]],
    most: int = CELL,
    of_rows: bool = False,
) -> PageTable:
    heads = [h if isinstance(h, Head) else Head(shortened(h, most)) for h in head]
    return PageTable(
        caption, heads, [[shortened(cell(value), most) for value in row] for row in rows], of_rows
    )


def _number(text: str) -> Head:
    return Head(shortened(text, CELL), True)


def _heading(frame: pl.DataFrame, name: str) -> Head:
    """The heading of a column of rows; numbers are set to the right."""
    return Head(shortened(name, SHORT_CELL), frame[name].dtype.is_numeric())


def schema_table(schema: Schema) -> PageTable:
    """The columns, those left out included."""
    rows = [
        [r["name"], _what(r["kind"], r["detail"]), r["missing"] or ""] for r in schema.describe()
    ]
    left_out = f", {len(schema.left_out)} left out" if schema.left_out else ""
    caption = (
        f"{counted(len(schema.columns), 'modelled column')}{left_out}; missing cells are those of"
        " the table fitted on"
    )
    return _table(caption, ["column", "what it is", _number("missing")], rows)


def _what(kind: str, detail: str) -> str:
    return detail if detail.startswith(kind) else f"{kind}; {detail}"


def marginal_table(found: Sequence[Marginal]) -> PageTable:
    """How far real and sampled rows are apart, all columns, from the widest."""
    rows = [[m.column.name, percent(m.distance), percent(m.chance)] for m in found]
    return _table(
        "Rows that would have to move for real and sampled to agree (total variation)",
        ["column", _number("of the rows"), _number("by chance")],
        rows,
    )


def pair_table(found: Association, n: int = 5) -> PageTable | None:
    """The pairs whose dependence differs most; None without data."""
    pairs = found.widest(n)
    if not pairs:
        return None
    rows = [[a, b, f"{100 * real:.0f}", f"{100 * sampled:.0f}"] for a, b, real, sampled in pairs]
    return _table(
        "The pairs that differ most, in hundredths",
        ["column", "with", _number("real"), _number("sampled")],
        rows,
    )


def extremes(scored: Scored) -> list[tuple[str, list[int]]]:
    """What they are, and the places of the most and of the least likely rows, by the lower side; of
    one row alone the first.
    """
    lower = scored.likelihood.lower
    order = sorted(range(len(scored.index)), key=lambda i: (-lower[i], scored.index[i]))
    n = min(EXTREMES, len(order) // 2) or 1
    chosen = [
        ("The most likely rows", order[:n]),
        ("The least likely rows, the least first", order[-n:][::-1]),
    ]
    return chosen if len(order) > 1 else chosen[:1]


def extreme_tables(scored: Scored, *, cells: bool = True) -> list[PageTable]:
    """The most and the least likely rows, with their first cells or without any."""
    likelihood = scored.likelihood
    names = scored.table.columns[: SHOWN_COLUMNS if cells else 0]
    head = [
        _number("row"),
        _number("log p, nats"),
        _number("percentile"),
        *(_heading(scored.table, name) for name in names),
    ]
    rows = scored.table.select(names).rows() if names else [()] * len(scored.index)
    tables = []
    for caption, picked in extremes(scored):
        lines = [
            [
                scored.index[i] + 1,
                nats(float(likelihood.lower[i]), float(likelihood.stderr[i])),
                percent(float(scored.typical[i])),
                *rows[i],
            ]
            for i in picked
        ]
        tables.append(_table(caption, head, lines, SHORT_CELL, of_rows=True))
    return tables


def sample_table(sampled: pl.DataFrame, n: int = 8) -> PageTable:
    """The first sampled rows."""
    shown = sampled.select(sampled.columns[:SHOWN_COLUMNS]).head(n)
    head = [_number("row"), *(_heading(shown, name) for name in shown.columns)]
    caption = f"The first {shown.height} of {counted(sampled.height, 'sampled row')}"
    return _table(
        caption,
        head,
        [[i + 1, *row] for i, row in enumerate(shown.iter_rows())],
        SHORT_CELL,
        of_rows=True,
    )


def certificate_table(found: Certificate) -> PageTable:
    """The certificate's numbers."""
    rows = [
        ["lower side", nats(found.lower)],
        ["upper side", nats(found.upper)],
        ["gap", nats(found.gap, found.gap_stderr)],
        ["log p, by Bennett's ratio", nats(found.log_likelihood, found.log_likelihood_stderr)],
        ["Crooks' slope (1 is right)", nats(found.crooks_slope, found.crooks_stderr)],
        ["effective trajectories", f"{short_number(found.ess)} of {found.trajectories}"],
    ]
    caption = (
        f"Nats per row; from {counted(found.rows, 'generated row')}, {found.trajectories}"
        f" trajectories a row, {counted(found.steps, 'step')} each"
    )
    return _table(caption, ["", _number("value")], rows)


def ledger_tables(found: LedgerReport) -> list[PageTable]:
    """The sums that make K, and the figures behind the verdict."""
    steps = found.steps
    cost = steps.cost.mean
    by_work = found.log_volume - steps.work.total
    log_p = by_work + steps.dissipation.total
    sums = [
        ["reconstruction, step t = 1", nats(-float(cost[0]), float(steps.cost.stderr[0]))],
        [f"diffusion, steps t = 2 to {len(cost) - 1}", nats(-float(cost[1:-1].sum()))],
        ["prior, what is left at the end", nats(-float(cost[-1]), float(steps.cost.stderr[-1]))],
        ["volume, from the model's units to the data's", nats(found.log_volume)],
        ["K, their sum: a lower bound on log p", nats(found.k_nats, steps.cost.total_stderr)],
        ["K again, by the work of trajectories", nats(by_work, steps.work.total_stderr)],
        [
            "dissipation, as far as trajectories tell",
            nats(steps.dissipation.total, steps.dissipation.total_stderr),
        ],
        ["log p, by the work of the same trajectories", nats(log_p)],
    ]
    figures = [
        [name, percent(value) if name == "noise floor" else f"{nats(value)} nats", _MEANING[name]]
        for name, value in found.verdict.figures.items()
    ]
    return [
        _table(
            "Nats per row, means over the rows of the ledger",
            ["part of K", _number("nats per row")],
            sums,
        ),
        _table(
            "What may limit K: the figures behind the verdict",
            ["limit", _number("figure"), "what it is"],
            figures,
        ),
    ]


_MEANING = {
    "prior": "signal left at t = T; a schedule that ends with less would save it",
    "schedule": "what equal shares of dissipation would save at the same T",
    "T": "what more steps would gain at most",
    "noise floor": (
        "how much of its sharpness the last reverse step uses; near 100 %, less noise in the first"
        " step would help"
    ),
    "network": (
        "the whole dissipation; if none of the others limits, only a better network can help"
    ),
}


def origin_tables(manifest: dict[str, Any], settings: dict[str, Any]) -> list[PageTable]:
    """Where the model comes from."""
    data, given = manifest["data"], manifest.get("parameters", {}).get("random_state")
    rows = [
        ["rows", data["rows"]],
        ["columns", data["columns"]],
        *([["held out", data["held_out"]]] if "held_out" in data else []),  # an energy takes all
        ["seed given", "none" if given is None else given],
        ["seed drawn from it", manifest["seed"]],
        ["SHA-256 of the table", data["fingerprint"]],
        *([name, version] for name, version in manifest["versions"].items()),
    ]
    tables = [_table("The fit", ["", "value"], rows)]
    if settings:
        tables.append(values_table("Settings", "setting", settings))
    return tables


def values_table(caption: str, what: str, values: Mapping[str, Any]) -> PageTable:
    """Names and their values; `what` heads the names."""
    rows = [[name, "not set" if value is None else value] for name, value in values.items()]
    return _table(caption, [what, "value"], rows)


def normaliser_table(found: Mapping[str, Any]) -> PageTable:
    """Log Z of an energy, both sides where there are two."""
    if found["kind"] == "ais":
        rows = [
            ["log Z from below", nats(found["lower"], found["stderr_lower"])],
            ["log Z from above", nats(found["upper"], found["stderr_upper"])],
            ["gap", nats(found["upper"] - found["lower"])],
        ]
    else:
        rows = [["log Z", nats(found["upper"]) if found["kind"] == "exact" else "not taken"]]
    return _table("The normaliser, nats", ["", _number("value")], rows)
