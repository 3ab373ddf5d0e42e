"""What the report asks of a density: everything random, expensive or private happens here, the rest
of the room draws and words it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from quasistatic.bound.upper import bidirectional
from quasistatic.data.codec import check_columns
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.layout import are_images
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.fitted.certificate import Certificate
from quasistatic.fitted.likelihood import Likelihood
from quasistatic.fitted.ranks import ranks_among
from quasistatic.fitted.sampling import sample
from quasistatic.report._association import compare
from quasistatic.report._training_rows import learn, search
from quasistatic.report.findings import OF_IMAGES, DataFindings, Findings, Limits, Scored
from quasistatic.thermodynamics.crooks import matched_slope

__all__ = ["find"]


def find(
    density: DiffusionDensity,
    table: Table | None,
    *,
    train: Table | None = None,
    learning: bool = False,
    name: str,
    data_name: str = "",
    n_rows: int | None = None,
    settings: dict[str, Any] | None = None,
    trajectories: int = 32,
    seed: int = 0,
    limits: Limits | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Findings:
    """Everything that the report says of a model.

    Args:
        density: fitted density.
        table: table of the data to hold against the model; None for the model alone.
        train: table that the model was fitted on, where `table` is a hold-out and it is asked
            whether sampled rows are somebody's data; None (default) does not ask.
        learning: whether parts of the training rows are fitted on to find out what more rows would
            bring (default False): `train`, or without it four fifths of `table`.
        name: name of the model, for the page.
        data_name: name of the data, for the page (default: empty).
        n_rows: number of rows of the data that `table` was drawn from; None (default): it is all.
        settings: settings of the model and its training, for the page (default: none).
        trajectories: number of trajectories a row, at least 3 (default 32).
        seed: seed of everything random (default 0).
        limits: limits on the numbers of rows and columns; None (default) for what a table, or
            images, can do with.
        tell: function that is told what is being done (default: nobody is told).

    Raises:
        DataError: a table without rows, or one that is no hold-out where there is `train`.
        SchemaError: columns or categories that are not the model's.
    """
    if table is not None and len(table) == 0:
        raise DataError("there are no rows to report on", where=table.source)
    if table is not None:
        check_columns(table, density.schema_)
    layout = density.schema_.layout
    images = are_images(layout)
    limits = limits or (OF_IMAGES if images else Limits())
    private = curve = None
    if train is not None and table is not None:
        private = search(density, train, table, limits, seed, tell)
    if learning and table is not None:
        curve = learn(density, train, table, trajectories, seed, tell)
    columns = [] if images else list(density.schema_.columns)
    real = (
        None if table is None else table.take(_subset(np.arange(len(table)), limits.compared, seed))
    )
    n_sampled = max(
        limits.generated if real is None else len(real), min(limits.generated, limits.compared)
    )
    tell(f"Drawing {n_sampled} rows")
    fitted = density.fitted_
    drawn = sample(fitted, n_sampled, key=fitted.key(seed))
    sampled = drawn.frame
    marginals, association = compare(columns, real, drawn, limits.paired)

    whole = np.zeros(0, np.int64) if table is None else np.flatnonzero(fitted.whole_rows(table))
    index = _subset(whole, limits.scored, seed + 1)
    n_generated = min(limits.generated, n_sampled)
    tell(f"Scoring {n_generated} sampled rows")
    generated = density.log_likelihood(
        sampled.head(n_generated), method="ais", trajectories=trajectories, random_state=seed
    )
    scored = None
    if table is not None and len(index):
        tell(f"Scoring {len(index)} rows of the data from both sides")
        scored = _score(density, table, index, generated, trajectories, seed)
    data = None
    if table is not None and real is not None:
        seen = fingerprint(table) == density.manifest_["data"]["fingerprint"]
        counts = len(table), len(table) - len(whole), len(real)
        data = DataFindings(data_name, *counts, seen, scored, n_rows or len(table))

    tell("Weighing trajectories in both directions")
    certificate, stored = _certificate(density, trajectories, seed, limits)
    work = density.work(limits.weighed, trajectories, random_state=seed)
    bracket = bidirectional(-work.forward, -work.reverse)

    tell("Making the ledger")
    rows = (sampled if scored is None else scored.table).head(limits.ledger)
    ledger = density.ledger(rows, trajectories=max(trajectories // 2, 2), random_state=seed)
    return Findings(
        name,
        density,
        settings or {},
        seed,
        trajectories,
        data,
        sampled,
        marginals,
        association,
        generated,
        certificate,
        stored,
        work,
        matched_slope(work.forward, work.reverse),
        bracket.upper - bracket.lower,
        ledger,
        private,
        curve,
    )


def _subset(index: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most so many of the indices, drawn without replacement, in their order."""
    if len(index) <= most:
        return index
    return np.sort(np.random.default_rng(seed).choice(index, most, replace=False))


def _score(
    density: DiffusionDensity,
    table: Table,
    index: np.ndarray,
    generated: Likelihood,
    trajectories: int,
    seed: int,
) -> Scored:
    rows = table.take(index)
    likelihood = density.log_likelihood(
        rows, method="sandwich", trajectories=trajectories, random_state=seed
    )
    typical = ranks_among(likelihood.lower, generated.lower).share
    return Scored(likelihood, index, rows.frame.select(density.schema_.names), typical)


def _certificate(
    density: DiffusionDensity, trajectories: int, seed: int, limits: Limits
) -> tuple[Certificate, bool]:
    stored = density.manifest_.get("certificate")
    if stored is not None:
        return Certificate.from_json(stored), True
    return density.certify(limits.certificate, trajectories, random_state=seed), False
