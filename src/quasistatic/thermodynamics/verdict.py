r"""What limits K, in words, with the figure behind it. The rules, all in nats a row:

- **prior**: KL(q(x_T|x_0) || pi), what the trajectory has not erased at its end. To do: a schedule
that ends with less signal. - **schedule**: what equal shares of dissipation would save with the
same T. A step of length l dissipates l^2 (thermodynamic length, Salamon and Berry 1983), so at a
given length of the path `sum l^2` is least for equal steps: `sum D_t - (sum sqrt D_t)^2 / T` over
the positive shares. To do: spread the steps to where the dissipation is (sub-schedule, learned
schedule). - **T**: what infinitely many steps would gain. The dissipation of a smooth path falls as
1/T, so it is K(T) - K(T/2), K(T/2) being the bound with every other step left out. To do: a longer
trajectory. (Without K(T/2): the dissipation that equal shares would leave.) - **noise floor**:
share of the lowest allowed entropy at t = 1, of the continuous columns: a last step that wants to
be sharper than the first step's noise allows. To do: less noise in the first step. - **network**:
none of these. K is close to log p, so that neither T nor the schedule can help: the model's p
itself would have to be better (network, training, rows), unless it is as good as the data allow.

The largest of the first three limits, if it exceeds twice its standard error (where there is one),
0.01 nats and 0.5 % of
|K|; else the noise floor if its share exceeds one half; else the network.
"""

from typing import Literal, NamedTuple

import numpy as np

from quasistatic.thermodynamics.ledger import Ledger

__all__ = ["Limit", "Verdict", "verdict"]

Limit = Literal["prior", "schedule", "T", "noise floor", "network"]

_SMALLEST_NATS = 0.01
_SMALLEST_SHARE = 0.005
_FLOOR_SHARE = 0.5


class Verdict(NamedTuple):
    """What limits K.

    Args:
        limit: name of the limit, one of the five.
        figure: number behind the limit: nats a row, or a share for the noise floor; for the network
            the whole dissipation.
        figures: numbers behind all five limits, by name.
        words: sentence that says what limits K.
    """

    limit: Limit
    figure: float
    figures: dict[str, float]
    words: str


def verdict(found: Ledger, half_k_nats: float | None = None) -> Verdict:
    """The verdict on a ledger.

    Args:
        found: ledger of the whole trajectory.
        half_k_nats: K with every other step left out, nats a row (`ledger(thin(model, ...),
            ...).k_nats`, same rows and key); None (default) if it is not known.
    """
    steps = np.maximum(found.dissipation.mean[:-1], 0.0)
    equal = float(np.sum(np.sqrt(steps)) ** 2 / len(steps))
    figures = {
        "prior": float(found.cost.mean[-1]),
        "schedule": float(steps.sum()) - equal,
        "T": equal if half_k_nats is None else found.k_nats - half_k_nats,
        "noise floor": _floor_share(found),
        "network": found.dissipation.total,
    }
    errors = {
        "prior": float(found.cost.stderr[-1]),
        "schedule": found.dissipation.total_stderr,
        "T": found.dissipation.total_stderr,
    }
    smallest = max(_SMALLEST_NATS, _SMALLEST_SHARE * abs(found.k_nats))
    first_three: tuple[Limit, ...] = ("prior", "schedule", "T")
    limits: list[Limit] = [
        name
        for name in first_three
        if figures[name] > max(smallest, 2 * np.nan_to_num(errors[name]))
    ]
    limit: Limit = max(limits, key=lambda name: figures[name]) if limits else "network"
    if not limits and figures["noise floor"] > _FLOOR_SHARE:
        limit = "noise floor"
    words = {
        "prior": "the trajectory ends too early: {:.3g} nats a row of signal are left at t = T",
        "schedule": "the schedule limits: its steps dissipate unequally, and equal shares would "
        "save {:.3g} nats a row at this T",
        "T": "T limits: infinitely many steps would gain about {:.3g} nats a row",
        "noise floor": "the noise of the first step limits: the last reverse step uses {:.0%} of "
        "the sharpness it may have",
        "network": "neither T nor the schedule limits (dissipation {:.3g} nats a row): only a "
        "better network, or nothing, can help",
    }
    return Verdict(limit, figures[limit], figures, words[limit].format(figures[limit]))


def _floor_share(found: Ledger) -> float:
    """How far p(x_0|x_1) of the continuous blocks is below the kernel's entropy, of the lowest it
    may be.
    """
    upper, learned, lower = (x[0][list(found.continuous)] for x in found.corridor[2::-1])
    return float(np.max((upper - learned) / (upper - lower), initial=0.0))
