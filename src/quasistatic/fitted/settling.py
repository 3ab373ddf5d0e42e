"""Whether training went on until the bound settled, or the clock stopped it before."""

import math

from quasistatic.fitted.model import Fitted

__all__ = ["stopped_early"]


def stopped_early(fitted: Fitted) -> str:
    """One sentence, if `max_minutes` stopped the training before the held-out bound had settled;
    else empty.

    The bound has settled when as many evaluations as the patience of the training were no better
    than the best one, or when all steps are done. Of a cross-validated model nothing is said: its
    last training has no held-out rows.

    Args:
        fitted: fitted model, with the history of its training.
    """
    config, history = fitted.train_config, fitted.record["history"]
    if config.max_minutes is None or config.stop_step is not None or not history:
        return ""
    bounds = [-math.inf if math.isnan(e["valid_nats"]) else e["valid_nats"] for e in history]
    stale = len(bounds) - 1 - max(range(len(bounds)), key=lambda i: bounds[i])
    if history[-1]["step"] >= config.max_steps or stale >= config.patience:
        return ""
    evaluations = "1 evaluation" if len(history) == 1 else f"{len(history)} evaluations"
    return (
        f"training was stopped by the limit of {config.max_minutes:g} minutes a network, after"
        f" {history[-1]['step']} of at most {config.max_steps} steps and {evaluations} of the"
        " held-out bound, which had not settled: with more minutes the model would be better"
    )
