"""The combinations of settings that are tried on a table."""

from dataclasses import dataclass, replace
from math import ceil

from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data.layout import Layout, are_images
from quasistatic.data.schema import BlockSizes, Schema
from quasistatic.errors import SettingError
from quasistatic.fitting import _defaults as defaults
from quasistatic.fitting._plan import at_once, groups
from quasistatic.fitting.settings import FitSettings


@dataclass(frozen=True)
class Candidate:
    """One combination of settings to train.

    Args:
        model: settings of the model.
        train: settings of the training.
        clusters: number of products of the mixture (`_clusters`) that the reverse kernels start
            from; 0 (default): independent columns.
    """

    model: ModelConfig
    train: TrainConfig
    clusters: int = 0


def candidates(
    n_rows: int,
    schema: Schema,
    settings: FitSettings,
    *,
    n_schemas: int = 1,
    n_folds: int | None = None,
    completed: bool = False,
    clusters: int = 0,
    steps: int = 0,
) -> list[Candidate]:
    """The combinations to try; a setting that is given (not None) is the same in all of them.

    Args:
        n_rows: number of rows of the table.
        schema: schema of the table's columns.
        settings: settings of the fit.
        n_schemas: number of schemas that are tried with the first of them (default 1).
        n_folds: number of folds of a table that is cross-validated (default `defaults.FOLDS`).
        completed: whether holes are completed (default False).
        clusters: number of products of the best mixture, which is another start of a small table's
            reverse kernels; 0 (default): there is none.
        steps: T that the correlations of the numbers need, where reverse kernels are mixtures
            (`_steps`; default 0: nothing is known).

    Raises:
        SettingError: a setting that has no meaning for this table.
    """
    sizes = schema.block_sizes
    if sizes.continuous == 0:
        _refuse_settings_of_numbers(settings)
    if are_images(schema.layout):
        models = [_image_model(schema.layout, sizes, settings)]
        train = defaults.image_training(n_rows, settings.preset)
    else:
        models = _table_models(n_rows, sizes, settings, steps)
        hard = _are_correlated(models[0].components, steps)
        train = defaults.training(n_rows, settings.preset, completed=completed, hard=hard)
    models = list(dict.fromkeys(settings.applied_to(model) for model in models))
    train = replace(
        settings.applied_to(train), first_step_share=defaults.first_step_share(sizes.continuous)
    )
    in_folds = is_cross_validated(n_rows, schema, settings)
    tried = [Candidate(model, train) for model in models]
    if in_folds and clusters and models[0].components > 1:
        tried.insert(1, replace(tried[0], clusters=min(clusters, models[0].components)))
    if train.max_minutes is not None:
        trials = len(tried) + n_schemas - 1
        judged = (n_folds or defaults.FOLDS) if in_folds else None
        together = groups(trials, judged, models[0].members, completed=completed)
        rounds = sum(ceil(n / at_once()) for n in together)
        train = replace(train, max_minutes=train.max_minutes / rounds)
        tried = [replace(candidate, train=train) for candidate in tried]
    return tried


def is_cross_validated(n_rows: int, schema: Schema, settings: FitSettings) -> bool:
    """Small tables are; images are not: there is one network to try, and it is slow to train."""
    return not are_images(schema.layout) and defaults.is_cross_validated(
        n_rows, settings.max_minutes
    )


def _table_models(
    n_rows: int, sizes: BlockSizes, settings: FitSettings, steps: int
) -> list[ModelConfig]:
    """A small table that is split once, for want of time, has one network."""
    kernel = settings.discrete_kernel
    components = settings.components or defaults.components(
        n_rows, sizes.continuous, sizes.discrete, kernel
    )
    length = defaults.trajectory_length(sizes.continuous, sizes.discrete, kernel, components)
    if components > 1 and sizes.continuous:
        length = max(length, steps)
    in_folds = defaults.is_cross_validated(n_rows, settings.max_minutes)
    hurried = n_rows < defaults.SMALL and not in_folds
    members = 1 if hurried else defaults.members(n_rows)
    base = ModelConfig(length, members=members, components=components)
    hard = _are_correlated(components, steps)
    models = defaults.networks(base, n_rows, sizes.continuous, settings.preset, hard=hard)
    return models[:1] if hurried else models


def _are_correlated(components: int, steps: int) -> bool:
    """Whether the numbers are, so strongly that mixtures need more than their usual steps."""
    return components > 1 and steps > defaults.MIXTURE_STEPS


def _image_model(layout: Layout, sizes: BlockSizes, settings: FitSettings) -> ModelConfig:
    if settings.column_transform == "spline":
        raise SettingError(
            "a transform has no meaning for images: one constant scales all pixels",
            fix="leave it out",
        )
    continuous = sizes.continuous > 0
    length = defaults.image_trajectory_length(
        sizes.discrete, settings.discrete_kernel, continuous=continuous
    )
    channels, height, width = layout.shape
    image = channels, height, width
    return defaults.image_network(length, image, settings.preset, continuous=continuous)


def _refuse_settings_of_numbers(settings: FitSettings) -> None:
    """Where there are none: an option without effect looks like one that had some."""
    idle = FitSettings(frequencies=0)
    for name in ("frequencies", "schedule", "column_transform"):
        value = getattr(settings, name)
        if value not in (None, getattr(idle, name)):
            problem = f"{name} = {value!r} has no meaning here: the rows hold no continuous number"
            raise SettingError(problem, fix="leave it out")
