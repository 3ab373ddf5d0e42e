"""Where the likelihood of a row lies among the likelihoods of rows that the model generates.

A log-likelihood has a base measure, hence no scale on which -40 nats is much or little. The model's
own rows are the scale: if x' is one of them,

    rank(x) = P( log p(x') < log p(x) )

is near 0 for a row that the model would hardly generate, and uniform for rows like its own.
"""

from typing import NamedTuple

import numpy as np

from quasistatic.config import require_whole
from quasistatic.data.table import Table
from quasistatic.fitted.likelihood import log_likelihood
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.sampling import sample
from quasistatic.typing import Key

__all__ = ["Ranks", "rank", "ranks_among"]


class Ranks(NamedTuple):
    """Shares of the model's rows that are less likely than a row, NumPy.

    Args:
        share: share of generated rows that are less likely, `[N]`, 0 to 1.
        stderr: standard error of `share`, `[N]`, from the number of generated rows; never 0.
        rows: number of generated rows.
    """

    share: np.ndarray
    stderr: np.ndarray
    rows: int


def rank(
    fitted: Fitted,
    table: Table,
    n: int = 500,
    method: str = "ais",
    trajectories: int | None = None,
    *,
    key: Key,
) -> Ranks:
    """The rank of every row's likelihood among those of `n` rows that the model generates.

    Args:
        fitted: model and codec.
        table: N rows with the columns of the model, without missing cells.
        n: number of generated rows, at least 2 (default 500).
        method: name of a line of `likelihood.METHODS`; its lower side is compared (default "ais").
        trajectories: number of draws per row; None takes the method's own.
        key: random key of the generated rows and of the likelihoods.

    Raises:
        SettingError: n below 2, an unknown method, or too few trajectories.
        DataError, SchemaError: rows that the model cannot score.
    """
    require_whole("n", n, 2, "with fewer there is no rank")
    fitted.encode(table, whole="fewer cells are no less likely: only whole rows have a rank")
    of_rows = log_likelihood(fitted, table, method, trajectories, key=key).lower
    generated = sample(fitted, int(n), key=key)
    of_model = log_likelihood(fitted, generated, method, trajectories, key=key).lower
    return ranks_among(of_rows, of_model)


def ranks_among(of_rows: np.ndarray, of_model: np.ndarray) -> Ranks:
    """Ranks of log-likelihoods among those of rows of the model.

    Args:
        of_rows: log-likelihoods of the rows, `[N]` nats.
        of_model: log-likelihoods of generated rows, `[n]` nats.

    Example:
        >>> import numpy as np
        >>> ranks_among(np.array([-9.0, -2.5]), np.array([-4.0, -3.0, -2.0, -1.0])).share
        array([0. , 0.5])
    """
    n = len(of_model)
    below = np.searchsorted(np.sort(of_model), of_rows)
    # The standard deviation of the share given the count, under a uniform prior.
    variance = (below + 1) * (n - below + 1) / ((n + 2) ** 2 * (n + 3))
    return Ranks(below / n, np.sqrt(variance), n)
