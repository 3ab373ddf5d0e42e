"""Whether training went on until the bound settled, or the clock stopped it before."""

import math
from collections.abc import Sequence

from quasistatic.config import TrainConfig
from quasistatic.fitted.model import Fitted

__all__ = ["stopped_early", "stopped_in_folds"]


def stopped_early(fitted: Fitted) -> str:
    """One sentence, if `max_minutes` stopped the training before the held-out bound had settled;
    else empty.

    The bound has settled when as many evaluations as the patience of the training were no better
    than the best one, or when all steps are done. Of a cross-validated model the record says it
    (`stopped_in_folds`): its last training has no held-out rows.

    Args:
        fitted: fitted model, with the history of its training.
    """
    config, history = fitted.train_config, fitted.record["history"]
    if config.stop_step is not None or not history:
        return str(fitted.record.get("stopped_early", ""))
    if _has_settled([e["valid_nats"] for e in history], history[-1]["step"], config):
        return ""
    evaluations = "1 evaluation" if len(history) == 1 else f"{len(history)} evaluations"
    return (
        f"training was stopped by the limit of {config.max_minutes:g} minutes a network, after"
        f" {history[-1]['step']} of at most {config.max_steps} steps and {evaluations} of the"
        " held-out bound, which had not settled: with more minutes the model would be better"
    )


def stopped_in_folds(curves: Sequence[Sequence[float]], config: TrainConfig) -> str:
    """One sentence, if `max_minutes` stopped trainings of a cross-validation before their held-out
    bounds had settled; else empty.

    Args:
        curves: held-out bounds of each fold, one for each evaluation, nats per row.
        config: settings of the trainings.
    """
    every = config.evaluate_every
    cut = sum(not _has_settled(curve, len(curve) * every, config) for curve in curves)
    if not cut:
        return ""
    return (
        f"training was stopped by the limit of {config.max_minutes:g} minutes a network in {cut} of"
        f" {len(curves)} folds, after {sum(map(len, curves))} evaluations of the held-out bound in"
        " all, which had not settled: with more minutes the model would be better"
    )


def _has_settled(bounds: Sequence[float], step: int, config: TrainConfig) -> bool:
    """Whether a training ended by itself, and not by the clock."""
    if config.max_minutes is None or step >= config.max_steps:
        return True
    known = [-math.inf if math.isnan(bound) else bound for bound in bounds]
    stale = len(known) - 1 - max(range(len(known)), key=lambda i: known[i])
    return stale >= config.patience
