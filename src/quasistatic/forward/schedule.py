r"""Schedules: how fast the signal is erased, as log signal-to-noise ratio `log_snr(t) = log
alpha_bar_t / (1 - alpha_bar_t)`.

`alpha_bar_t = sigmoid(log_snr(t))` and `1 - alpha_bar_t = sigmoid(-log_snr(t))` both keep their
digits this way. t = 0 is the data itself: `log_snr = inf`. A schedule may have one value for all
columns of a block (shape [1]) or one per column ([D]).

To add one:

- write a class here with `log_snr`, decreasing in t from `inf` at t = 0;
- name it in `config.py` if it is to be chosen by name;
- add its line to `SCHEDULES` in `tests/cases.py`.
"""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.typing import Array, ArrayLike, Float, Step

__all__ = [
    "AbstractSchedule",
    "ErasureSchedule",
    "LearnedSchedule",
    "TableSchedule",
    "cosine_schedule",
    "linear_schedule",
]


class AbstractSchedule(eqx.Module):
    """Signal-to-noise ratio as a function of the step."""

    trajectory_length: eqx.AbstractVar[int]

    @abc.abstractmethod
    def log_snr(self, t: Step) -> Float[Array, " C"]:
        """log(alpha_bar_t / (1 - alpha_bar_t)), shape [1] or [D], for t = 0..T."""


class ErasureSchedule(AbstractSchedule):
    """`beta_t = 1 / (T - t + 1)`: every step erases 1/T of the signal, `alpha_bar_t = 1 - t/T`
    (paper, section 2.4.1).
    """

    trajectory_length: int = eqx.field(static=True)

    def log_snr(self, t: Step) -> Float[Array, " C"]:
        t = jnp.asarray(t, jnp.float32)
        return jnp.atleast_1d(jnp.log(self.trajectory_length - t) - jnp.log(t))


class TableSchedule(AbstractSchedule):
    """A fixed table of `log_snr(1..T)`; see `linear_schedule` and `cosine_schedule`."""

    table: tuple[float, ...] = eqx.field(static=True)  # an array would be trained, and stored

    def __init__(self, table: Sequence[float]) -> None:
        self.table = tuple(float(value) for value in table)

    @property
    def trajectory_length(self) -> int:
        return len(self.table)

    def log_snr(self, t: Step) -> Float[Array, " C"]:
        table = jnp.asarray((jnp.inf, *self.table), jnp.float32)
        return jnp.atleast_1d(table[t])


class LearnedSchedule(AbstractSchedule):
    """A schedule per column, trained on the bound together with the network ("frozen noise", paper
    section 2.4.1).

    `log_snr` falls from `highest` (t = 1, learned: the column's noise floor) to `LOWEST` (t = T,
    fixed so that x_T forgets x_0) along a piecewise linear curve; its increments between `KNOTS`
    knots are a softmax, hence positive.
    """

    KNOTS = 16
    LOWEST = -9.0
    RANGE = (-1.0, 13.0)  # of `highest`: noise at t = 1 between 0.0015 and 0.85 standard deviations

    trajectory_length: int = eqx.field(static=True)
    raw_highest: Float[Array, " D"]
    raw_increments: Float[Array, "D knots"]

    @classmethod
    def init(cls, trajectory_length: int, highest: ArrayLike) -> "LearnedSchedule":
        """Linear in log_snr, from the given first value of each column."""
        low, high = cls.RANGE
        fraction = np.clip((np.asarray(highest, np.float64) - low) / (high - low), 0.02, 0.98)
        raw = (np.log(fraction) - np.log1p(-fraction)).astype(np.float32)
        increments = np.zeros((len(fraction), cls.KNOTS), np.float32)
        return cls(trajectory_length, *jax.device_put((raw, increments)))

    def log_snr(self, t: Step) -> Float[Array, " C"]:
        low, high = self.RANGE
        highest = low + (high - low) * jax.nn.sigmoid(self.raw_highest)
        fallen = jnp.concatenate(
            [jnp.zeros((highest.shape[0], 1)), jnp.cumsum(jax.nn.softmax(self.raw_increments), -1)],
            -1,
        )
        last = self.trajectory_length - 1
        # The only step of T = 1 is the last.
        at = (jnp.asarray(t, jnp.float32) - 1.0) / last * self.KNOTS if last else self.KNOTS
        at = jnp.asarray(at, jnp.float32)
        left = jnp.clip(jnp.floor(at), 0, self.KNOTS - 1).astype(jnp.int32)
        fraction = at - left.astype(jnp.float32)
        fall = (1.0 - fraction) * fallen[:, left] + fraction * fallen[:, left + 1]
        return jnp.where(jnp.asarray(t) == 0, jnp.inf, highest - (highest - self.LOWEST) * fall)


def linear_schedule(
    trajectory_length: int, first: float = 1e-4, last: float | None = None
) -> TableSchedule:
    """beta_t linear in t, from `first` to `last` (by default `20/T`, at most 0.5, which leaves
    alpha_bar_T below 1e-4 for T >= 40).
    """
    last = min(20.0 / trajectory_length, 0.5) if last is None else last
    beta = np.linspace(first, last, trajectory_length)
    return TableSchedule(_log_snr(np.cumsum(np.log1p(-beta))))


def cosine_schedule(trajectory_length: int, offset: float = 0.008) -> TableSchedule:
    """`alpha_bar_t = cos^2` of a quarter turn (Nichol and Dhariwal 2021), each beta at most
    0.999.
    """
    angle = (
        (np.arange(trajectory_length + 1) / trajectory_length + offset) / (1 + offset) * np.pi / 2
    )
    alpha_bar = np.cos(angle) ** 2
    beta = np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)
    return TableSchedule(_log_snr(np.cumsum(np.log1p(-beta))))


def _log_snr(log_alpha_bar: np.ndarray) -> list[float]:
    return (log_alpha_bar - np.log(-np.expm1(log_alpha_bar))).tolist()
