"""Choices: one frozen dataclass each, to and from JSON. A setting that nothing uses is a
`TypeError`.
"""

import abc
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

from quasistatic.errors import SettingError

DiscreteKernel = Literal["absorbing", "binomial", "categorical"]
ScheduleName = Literal["learned", "linear", "cosine"]


class _AbstractSettings(abc.ABC):
    """Settings that check themselves, to and from a dict of JSON types."""

    @abc.abstractmethod
    def __post_init__(self) -> None:
        """Raise `SettingError` for a value that has no meaning."""

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        return asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of `to_json`."""
        return cls(**data)


def _require(condition: bool, name: str, value: Any, rule: str) -> None:
    if not condition:
        raise SettingError(f"{name} = {value!r} {rule}")


@dataclass(frozen=True)
class ModelConfig(_AbstractSettings):
    """What is assembled for a table; see `assemble.assemble`.

    Args:
        trajectory_length: T.
        discrete_kernel: of binary and categorical columns: "absorbing"; "binomial", the heat bath
            whose pi are the data's frequencies; "categorical", the heat bath with uniform pi (m =
            0.5 for a binary column).
        schedule: of continuous columns.
        width: of the network's residual stream; planes of a U-Net's fine level.
        depth: residual blocks; of a U-Net on each of its three levels.
        dropout: rate in the hidden layers; a U-Net has none.
        frequencies: octaves of Fourier features of each number (`forward.fourier`).
        members: networks that are trained apart and asked together.
        image: (channels, height, width) of images, which get a U-Net; None for a perceptron.
    """

    trajectory_length: int
    discrete_kernel: DiscreteKernel = "absorbing"
    schedule: ScheduleName = "learned"
    width: int = 256
    depth: int = 2
    dropout: float = 0.1
    frequencies: int = 0
    members: int = 1
    image: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        if self.image is not None:
            channels, height, width = self.image  # a list when it comes from JSON
            object.__setattr__(self, "image", (channels, height, width))
            _require(
                self.dropout == 0,
                "dropout",
                self.dropout,
                "has no meaning for images: their network has none",
            )
        _require(
            self.discrete_kernel in get_args(DiscreteKernel),
            "discrete_kernel",
            self.discrete_kernel,
            f"is none of {', '.join(get_args(DiscreteKernel))}",
        )
        _require(
            self.schedule in get_args(ScheduleName),
            "schedule",
            self.schedule,
            f"is none of {', '.join(get_args(ScheduleName))}",
        )
        for name in ("trajectory_length", "width", "depth", "members"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "must be at least 1")
        _require(
            0 <= self.frequencies <= 16,
            "frequencies",
            self.frequencies,
            "must lie in [0, 16]: float32 has no finer sines",
        )
        _require(0 <= self.dropout < 1, "dropout", self.dropout, "must lie in [0, 1)")


@dataclass(frozen=True)
class TrainConfig(_AbstractSettings):
    """Settings of one training run.

    Args:
        max_steps: optimiser steps at most; the learning rate falls to 1 % of its start by a cosine
            until then.
        batch_size: rows a step.
        learning_rate: of AdamW, after the warm-up.
        weight_decay: of matrices (AdamW).
        warmup_steps: linear warm-up.
        ema_decay: of the exponential moving average of the parameters, which is what is evaluated
            and kept.
        clip_norm: largest norm of the gradient of the loss per column.
        evaluate_every: steps between two evaluations of the validation bound; the steps of one
            jitted scan.
        patience: evaluations without a better validation bound before training stops.
        stop_step: stop here although the cosine goes on to `max_steps`; what a training without
            validation rows needs.
        first_step_share: share of the rows that get t = 1, whose term is the largest; None draws t
            evenly.
        step_weights: factors of the T steps' costs in the loss (`train.weights.simple_weights`);
            None maximises K itself. Only the loss knows of them: the bounds that are reported are
            K.
        max_minutes: stop at an evaluation, the first one at the earliest, if another would end
            after this time, as long as the last one took. The result then depends on the clock.
        seed: of batches, noise and dropout.
    """

    max_steps: int = 3000
    batch_size: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 100
    ema_decay: float = 0.995
    clip_norm: float = 1.0
    evaluate_every: int = 100
    patience: int = 10
    stop_step: int | None = None
    first_step_share: float | None = None
    step_weights: tuple[float, ...] | None = None
    max_minutes: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.step_weights is not None:
            object.__setattr__(
                self, "step_weights", tuple(self.step_weights)
            )  # a list when it comes from JSON
            _require(
                all(0 < w < math.inf for w in self.step_weights),
                "step_weights",
                self.step_weights,
                "must be positive numbers",
            )
        for name in ("max_steps", "batch_size", "evaluate_every", "patience"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "must be at least 1")
        for name in ("learning_rate", "clip_norm"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "must be positive")
        _require(
            self.max_minutes is None or self.max_minutes > 0,
            "max_minutes",
            self.max_minutes,
            "must be positive",
        )
