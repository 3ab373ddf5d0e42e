"""The ledger on the screen: where along the trajectory the nats are lost."""

from typing import TYPE_CHECKING, Any

from quasistatic.cli.screen import Screen, nats

if TYPE_CHECKING:
    from quasistatic.fitted.ledger import LedgerReport

LINES = 24
"""Steps shown one by one; of a longer trajectory, groups of neighbouring steps are added up."""


def show_ledger(screen: Screen, report: "LedgerReport") -> None:
    """The steps as a table, the totals, and the verdict."""
    lines = report.lines()
    signals = [name for name in lines[0] if name.startswith("signal")]
    rows = [_row(group, signals) for group in _groups(lines[:-1])] + [_row(lines[-1:], signals)]
    head = ["t", "cost", "±", "dissipation", *(f"{name} left" for name in signals)]
    screen.table(f"Ledger of {report.steps.n_rows} rows, nats per row", head, rows)
    screen.result(
        f"K = {nats(report.k_nats)} nats per row = - {nats(report.steps.cost.total)} (costs) "
        f"+ log-volume {nats(report.log_volume)}"
    )
    lost = report.steps.dissipation
    screen.result(f"Dissipation: {nats(lost.total, lost.total_stderr)} nats per row")
    screen.result(f"Verdict: {report.verdict.words}.")


def ledger_values(report: "LedgerReport") -> dict[str, Any]:
    """The ledger for a JSON result."""
    return {
        "rows": report.steps.n_rows,
        "trajectories": report.steps.trajectories,
        "steps": report.lines(),
        "log_volume": report.log_volume,
        "k": report.k_nats,
        "dissipation": report.steps.dissipation.total,
        "dissipation_stderr": report.steps.dissipation.total_stderr,
        "verdict": {
            "limit": report.verdict.limit,
            "words": report.verdict.words,
            "figures": report.verdict.figures,
        },
        "unit": report.unit,
        "base_measure": report.base_measure,
    }


def _groups(lines: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    size = -(-len(lines) // LINES)
    return [lines[i : i + size] for i in range(0, len(lines), size)]


def _row(group: list[dict[str, Any]], signals: list[str]) -> list[str]:
    """Sums over the steps of the group; the signal left after its last step."""
    first, last = group[0]["t"], group[-1]["t"]
    stderr = sum(line["stderr"] ** 2 for line in group) ** 0.5
    sums = [sum(line[name] for line in group) for name in ("cost", "dissipation")]
    name = str(first) if first == last else f"{first}-{last}"
    return [
        name,
        f"{sums[0]:.4f}",
        f"{stderr:.4f}",
        f"{sums[1]:.4f}",
        *(_share(group[-1].get(s)) for s in signals),
    ]


def _share(signal: float | None) -> str:
    return "" if signal is None else f"{signal:.3f}"
