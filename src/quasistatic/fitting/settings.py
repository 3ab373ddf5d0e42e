"""The settings of a fit: typed and checked once, from the constructor to the training."""

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from quasistatic.config import (
    ModelName,
    Rule,
    ScheduleName,
    check_settings,
    one_of,
    require,
)
from quasistatic.data.columns.transform import Choice
from quasistatic.errors import SettingError

__all__ = ["Config", "FitSettings", "Preset"]

Preset = Literal["default", "thorough"]

_RULES = {
    "column_transform": one_of(Choice),
    "validation_fraction": Rule(lambda value: 0 < value < 1, "must lie between 0 and 1"),
    "preset": Rule(
        lambda value: value in ("default", "thorough"), "is neither 'default' nor 'thorough'"
    ),
}


_OF_MIXTURES = {
    "model", "components", "discrete_kernel", "column_transform", "validation_fraction", "seed",
}  # fmt: skip
"""Settings that a mixture understands."""


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Config = TypeVar("Config", bound=_Dataclass)


@dataclass(frozen=True)
class FitSettings:
    """The parameters of `DiffusionDensity`, which describes them; what is None is chosen by the
    size of the table (`fitting._defaults`).

    A setting reaches the training by its name: to add one, add it here, to the constructor of
    `DiffusionDensity`, and to `ModelConfig` or `TrainConfig` (`config`).

    Args:
        seed: seed of the splits, the initial weights, the batches and the noise, in place of
            `random_state` (default 0).
    """

    model: ModelName | None = None
    trajectory_length: int | None = None
    components: int | None = None
    discrete_kernel: str = "absorbing"
    schedule: ScheduleName = "learned"
    column_transform: Choice = "auto"
    width: int | None = None
    depth: int | None = None
    dropout: float | None = None
    frequencies: int | None = None
    members: int | None = None
    batch_size: int | None = None
    max_steps: int | None = None
    learning_rate: float | None = None
    validation_fraction: float = 0.1
    patience: int | None = None
    max_minutes: float | None = None
    preset: Preset = "default"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, rule in _RULES.items():
            require(rule, name, getattr(self, name))
        check_settings(self)
        if self.model == "mixture":
            self._check_mixture()

    def _check_mixture(self) -> None:
        """Refuse what a mixture, which is not trained, would ignore."""
        if self.components == 1:
            raise SettingError(
                "components = 1 is no mixture", fix="give 2 or more, or leave it out"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _OF_MIXTURES and value != field.default:
                raise SettingError(
                    f"{field.name} = {value!r} has no meaning for model = 'mixture'",
                    fix="leave it out",
                )

    def applied_to(self, config: Config) -> Config:
        """A `ModelConfig` or a `TrainConfig` with every setting of it that is given here.

        Example:
            >>> from quasistatic.config import ModelConfig
            >>> FitSettings(width=32).applied_to(ModelConfig(10)).width
            32
        """
        own = {field.name for field in fields(config)}
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(
            config,
            **{name: value for name, value in given.items() if name in own and value is not None},
        )
