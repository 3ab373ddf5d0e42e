"""The likelihood of a table, as it is shown and as JSON."""

from typing import TYPE_CHECKING, Any

from quasistatic.cli.screen import Screen, in_bits, nats

if TYPE_CHECKING:
    from quasistatic.data.layout import Layout
    from quasistatic.fitted.likelihood import Likelihood

_UPPER = {
    "exact-sample": "above log p in expectation",
    "asymptotic": "above log p in the limit of many trajectories",
}


def show_likelihood(
    screen: Screen, likelihood: "Likelihood", layout: "Layout | None" = None
) -> None:
    """The mean with its standard error (also in bits, for images and sequences), what it is, the
    upper side, and the base measure.
    """
    how = f", {likelihood.trajectories} trajectories a row" if likelihood.weighted else ""
    how += "" if likelihood.weights is None else f", weighing {likelihood.weights.sum():g} rows"
    screen.result(
        f"Mean log-likelihood of {len(likelihood.lower)} rows: "
        f"{nats(likelihood.mean, likelihood.mean_stderr)} {likelihood.unit} "
        f"({likelihood.meaning}{how})"
    )
    if layout is not None:
        screen.result(f"  = {in_bits(layout, likelihood.mean, likelihood.mean_stderr)}")
    if likelihood.upper is not None and likelihood.upper_kind is not None:
        from quasistatic.fitted.likelihood import mean_and_stderr

        screen.result(
            f"Upper side: {nats(*mean_and_stderr(likelihood.upper, likelihood.weights))}"
            f" {likelihood.unit} "
            f"({likelihood.upper_kind}: {_UPPER[likelihood.upper_kind]}); "
            f"the sides are {nats(*likelihood.gap)} apart"
        )
    screen.result(f"Base measure: {likelihood.base_measure}")


def likelihood_values(likelihood: "Likelihood") -> dict[str, Any]:
    """The likelihood of a table for a JSON result."""
    import numpy as np

    values: dict[str, Any] = {
        "scored_rows": len(likelihood.lower),
        "method": likelihood.method,
        "trajectories": likelihood.trajectories,
        "steps": likelihood.steps,
        "mean": likelihood.mean,
        "mean_stderr": likelihood.mean_stderr,
        "unit": likelihood.unit,
        "base_measure": likelihood.base_measure,
    }
    if likelihood.weighted:
        values |= {"mean_ess": float(np.mean(likelihood.ess))}
    if likelihood.upper is not None:
        gap, gap_stderr = likelihood.gap
        upper = {
            "mean_upper": float(np.average(likelihood.upper, weights=likelihood.weights)),
            "upper_kind": likelihood.upper_kind,
        }
        values |= upper | {"gap": gap, "gap_stderr": gap_stderr}
    return values
