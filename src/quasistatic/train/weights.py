r"""Factors of the steps' costs in the loss (`TrainConfig.step_weights`).

Each term of K is smallest where its own step is the true reversal, so a network that could do
anything would be the same for all positive factors. One that cannot has to be told which steps
matter: K is in nats, and most of them are won in the last steps, where single grey levels are
decided; whether a sample looks like the data is decided in the first ones.
"""

import numpy as np

from quasistatic.forward.schedule import AbstractSchedule

__all__ = ["simple_weights"]


def simple_weights(schedule: AbstractSchedule) -> tuple[float, ...]:
    """All noise levels alike: the loss "L_simple" of Ho, Jain, Abbeel (2020) as factors w_t of the
    costs of a Gaussian diffusion.

    With the variance of the bridge, the t-th cost is

        (snr_{t-1} - snr_t) / 2 |x_0 - x_0'|^2
            = (e^{log_snr(t-1) - log_snr(t)} - 1) / 2 |noise - noise'|^2,

    and `w_t` is one over the bracket, so that the squared error of the noise counts alike at every
    t. At t = 1, where the bracket is infinite, it is that of t = 2. Scaled to a mean of 1.

    Args:
        schedule: schedule with one value for all columns, T of at least 2.

    Returns:
        T factors.

    Example:
        >>> from quasistatic.forward.schedule import cosine_schedule
        >>> weights = simple_weights(cosine_schedule(100))
        >>> len(weights), weights[49] > weights[1]
        (100, True)
    """
    log_snr = np.array(
        [float(schedule.log_snr(t)[0]) for t in range(1, schedule.trajectory_length + 1)]
    )
    weights = 1.0 / np.expm1(log_snr[:-1] - log_snr[1:])
    weights = np.concatenate([weights[:1], weights])
    return tuple((weights / weights.mean()).tolist())
