r"""Work values of trajectories, `W = -log w`, nats.

For one row x_0 let F be the forward process q(x_1..x_T|x_0) and R its reversal by the model, the
posterior p(x_1..x_T|x_0). Of every trajectory

    w = p(x_0, x_1..x_T) / q(x_1..x_T|x_0),
    R(path) / F(path) = w / p(x_0) = exp(-(W - dF)),    dF = -log p(x_0),

which is Crooks' relation with the free energy -log p(x_0): Jarzynski is its integral, `E_F exp(-W)
= exp(-dF)`; the second law is `E_R W <= dF <= E_F W`, and `E_F W - dF` is the dissipation of the
forward process. Both kinds of values here are of the *same function W* of a trajectory; the work
that the reversal itself does is -W.
"""

from typing import NamedTuple

import numpy as np

from quasistatic.bound.evaluate import evaluate_log_weights
from quasistatic.bound.upper import evaluate_posterior_log_weights
from quasistatic.model import DiffusionModel
from quasistatic.rows import CHUNK, Row, row_numbers
from quasistatic.trajectory import Generated
from quasistatic.typing import Key

__all__ = ["Work", "generated_work"]


class Work(NamedTuple):
    """Work values of rows that the model generated, NumPy, nats.

    Args:
        forward: work of forward trajectories of the rows, `[N, trajectories]` nats.
        reverse: work of the trajectories that generated the rows, `[N]` nats.
    """

    forward: np.ndarray
    reverse: np.ndarray


def generated_work(
    model: DiffusionModel,
    rows: Row,
    generated: Generated,
    *,
    trajectories: int,
    key: Key,
    chunk: int = CHUNK,
) -> Work:
    """Work in both directions of rows that the model generated (`trajectory.generate_rows`,
    `cells_of`).
    """
    identity = row_numbers(rows)  # equal rows get noise of their own
    forward = -evaluate_log_weights(
        model, rows, trajectories=trajectories, key=key, chunk=chunk, identity=identity
    )
    return Work(forward, -evaluate_posterior_log_weights(model, rows, generated, chunk=chunk))
