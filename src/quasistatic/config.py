"""Choices: one frozen dataclass each, to and from JSON. A setting that nothing uses is a
`TypeError`, and a value without meaning a `SettingError` that names it.
"""

import abc
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, get_args, get_type_hints

from quasistatic.errors import SettingError
from quasistatic.records import Misfit, check

DISCRETE_KERNELS = {
    "absorbing": "quasistatic.forward.absorbing:absorbing_block",
    "binomial": "quasistatic.forward.categorical:binomial_block",
    "categorical": "quasistatic.forward.categorical:categorical_block",
}
"""Forward kernels of binary and categorical columns by name: where to find the function of T and of
the state frequencies of each column that makes the block. To be chosen by name a kernel needs its
line here and nothing else."""

if TYPE_CHECKING:
    DiscreteKernel = str
else:
    DiscreteKernel = Literal[tuple(DISCRETE_KERNELS)]
ScheduleName = Literal["learned", "linear", "cosine"]
ModelName = Literal["diffusion", "mixture"]


class Rule(NamedTuple):
    """What the values of a setting have in common.

    Args:
        holds: whether a value keeps to the rule.
        words: text of the rule, the end of a sentence that begins with the setting and its value.
    """

    holds: Callable[[Any], bool]
    words: str


def one_of(kind: Any) -> Rule:
    """The rule of a setting whose values are those of a `Literal`."""
    return Rule(lambda value: value in get_args(kind), f"is none of {', '.join(get_args(kind))}")


def named_in(table: dict[str, str]) -> Rule:
    """The rule of a setting whose values are the names of a table."""
    return Rule(lambda value: value in table, f"is none of {', '.join(table)}")


def found_at(place: str) -> Any:
    """What stands at a place `module:name`; the module is imported only now."""
    module, name = place.split(":")
    return getattr(import_module(module), name)


_AT_LEAST_1 = Rule(lambda value: value >= 1, "must be at least 1")


def _from_1_to(most: int) -> Rule:
    return Rule(lambda value: 1 <= value <= most, f"must lie in [1, {most}]")


_POSITIVE = Rule(lambda value: value > 0, "must be positive")

RULES = {
    "trajectory_length": _from_1_to(100_000),
    "discrete_kernel": named_in(DISCRETE_KERNELS),
    "schedule": one_of(ScheduleName),
    "model": one_of(ModelName),
    "components": _from_1_to(100_000),
    "width": _from_1_to(65_536),
    "depth": _from_1_to(100),
    "dropout": Rule(lambda value: 0 <= value < 1, "must lie in [0, 1)"),
    "frequencies": Rule(
        lambda value: 0 <= value <= 16, "must lie in [0, 16]: float32 has no finer sines"
    ),
    "members": _from_1_to(100),
    "max_steps": _AT_LEAST_1,
    "batch_size": _AT_LEAST_1,
    "learning_rate": _POSITIVE,
    "clip_norm": _POSITIVE,
    "evaluate_every": _AT_LEAST_1,
    "patience": _AT_LEAST_1,
    "step_weights": Rule(
        lambda value: all(0 < weight < math.inf for weight in value), "must be positive numbers"
    ),
    "max_minutes": _POSITIVE,
}
"""The rules of the settings by name, wherever a setting of that name stands."""


def require(rule: Rule, name: str, value: Any) -> None:
    """Refuse a value that breaks a rule.

    Raises:
        SettingError: with the setting's name, its value and the rule.
    """
    if not rule.holds(value):
        raise SettingError(f"{name} = {value!r} {rule.words}")


def require_whole(name: str, value: Any, least: int, fix: str = "") -> None:
    """Refuse what is no whole number, or below the least one that has a meaning.

    Args:
        name: name of the setting.
        value: value that was given.
        least: smallest number.
        fix: what the user can do about a smaller one (default nothing).

    Raises:
        SettingError: naming the setting.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise SettingError(f"{name} = {value!r} is no whole number")
    if int(value) < least:
        raise SettingError(f"{name} = {value} must be at least {least}", fix=fix)


def check_settings(settings: Any) -> None:
    """Refuse the values of a dataclass that are of another type than it says, or break the rules of
    their names; None is accepted where it is the default.

    Raises:
        SettingError: naming the first such setting.
    """
    hints = get_type_hints(type(settings))
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name in RULES and not (value is None and field.default is None):
            try:
                check(hints[field.name], value, field.name)
            except Misfit as error:
                raise SettingError(str(error)) from error
            require(RULES[field.name], field.name, value)


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
        """Inverse of `to_json`.

        Raises:
            Misfit: keys are missing or unknown, or values of another type.
            SettingError: a value that has no meaning.
        """
        check(cls, data)
        return cls(**data)


@dataclass(frozen=True)
class ModelConfig(_AbstractSettings):
    """What is assembled for a table; see `assemble.assemble`.

    Args:
        trajectory_length: number of steps T of the diffusion.
        discrete_kernel: forward kernel of binary and categorical columns, one of
            `DISCRETE_KERNELS`: "absorbing" (default); "binomial", the heat bath whose pi are the
            data's frequencies; "categorical", the heat bath with uniform pi (m = 0.5 for a binary
            column).
        schedule: schedule of the continuous columns: "learned" (default), "linear" or "cosine".
        width: units of the network's residual stream, or planes of a U-Net's fine level (default
            256).
        depth: number of residual blocks, or of blocks on each of a U-Net's three levels (default
            2).
        dropout: dropout rate in the hidden layers (default 0.1); a U-Net has none.
        frequencies: number of octaves of Fourier features of each number (`forward.fourier`;
            default 0).
        members: number of networks of the deep ensemble (`model.ensemble`), trained apart (default
            1).
        components: number of components of the mixture that every reverse kernel is; 1 (default): a
            product over the columns.
        model: kind of the reverse kernels: those of a "diffusion", with a network (default), or
            the exact reversal of a "mixture" of products, without one.
        image: (channels, height, width) of images, which get a U-Net; None (default) for a
            perceptron.
    """

    trajectory_length: int
    discrete_kernel: str = "absorbing"
    schedule: ScheduleName = "learned"
    width: int = 256
    depth: int = 2
    dropout: float = 0.1
    frequencies: int = 0
    members: int = 1
    components: int = 1
    model: ModelName = "diffusion"
    image: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        if self.image is not None:
            channels, height, width = self.image  # a list when it comes from JSON
            object.__setattr__(self, "image", (channels, height, width))
            none = Rule(
                lambda value: value == 0, "has no meaning for images: their network has none"
            )
            require(none, "dropout", self.dropout)
        check_settings(self)


@dataclass(frozen=True)
class TrainConfig(_AbstractSettings):
    """Settings of one training run.

    Args:
        max_steps: largest number of optimiser steps (default 3000); the learning rate falls to 1 %
            of its start by a cosine until then.
        batch_size: number of rows in a batch (default 512).
        learning_rate: learning rate of AdamW after the warm-up (default 0.002).
        weight_decay: weight decay of matrices (AdamW; default 0.0001).
        warmup_steps: number of steps of the linear warm-up (default 100).
        ema_decay: decay of the exponential moving average of the parameters, which is what is
            evaluated and kept (default 0.995).
        clip_norm: largest norm of the gradient of the loss per column (default 1).
        evaluate_every: number of steps between two evaluations of the validation bound; the steps
            of one jitted scan (default 100).
        patience: number of evaluations without a better validation bound before training stops
            (default 10).
        stop_step: step to stop at although the cosine goes on to `max_steps`; what a training
            without validation rows needs. None (default) is `max_steps`.
        first_step_share: share of the rows that get t = 1, whose term is the largest; None
            (default) draws t evenly.
        step_weights: factors of the T steps' costs in the loss (`train.weights.simple_weights`);
            None (default) maximises K itself. Only the loss knows of them: the bounds that are
            reported are K.
        max_minutes: minutes of training at most: it stops at an evaluation, the first one at the
            earliest, if another would end after this time, as long as the last one took. The result
            then depends on the clock. None (default) is no limit.
        seed: seed of batches, noise and dropout (default 0).
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
        if self.step_weights is not None:  # a list when it comes from JSON
            object.__setattr__(self, "step_weights", tuple(self.step_weights))
        check_settings(self)
