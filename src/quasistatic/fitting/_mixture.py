"""A fit without training: a mixture of products as a model.

Its one reverse kernel is the mixture itself, so K is log p and every question has its exact answer:
a baseline, and the better model of some small tables.
"""

from dataclasses import replace

import jax

from quasistatic.assemble import assemble
from quasistatic.config import ModelConfig
from quasistatic.data.codec import Codec
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.fitted_codec import fit_and_encode
from quasistatic.data.schema import Schema
from quasistatic.fitting import _defaults as defaults
from quasistatic.fitting._candidates import Candidate
from quasistatic.fitting._clusters import Size, estimate
from quasistatic.fitting.settings import FitSettings
from quasistatic.train import FitResult


def mixture_alone(
    table: AnyTable, schema: Schema, settings: FitSettings, size: Size
) -> tuple[FitResult, Codec, Candidate]:
    """The mixture of all rows.

    Args:
        table: table of all rows.
        schema: schema of the columns.
        settings: settings of the fit.
        size: number of components, and what it reached on held-out rows.
    """
    codec, encoded = fit_and_encode(table, schema, settings.column_transform)
    start, train_nats = estimate(encoded, codec, size.components, settings.seed)
    config = ModelConfig(
        1,
        model="mixture",
        components=size.components,
        discrete_kernel=settings.discrete_kernel,
    )
    key = jax.random.key(settings.seed)
    sizes = codec.typical_width, codec.marginals
    model = assemble(config, *sizes, start, limits=codec.limits, key=key)
    entry = {"step": 0, "train_nats": train_nats, "valid_nats": size.held_out_nats}
    train = replace(defaults.training(len(table), settings.preset), seed=settings.seed)
    candidate = Candidate(config, train)
    return FitResult(model, size.held_out_nats, [entry]), codec, candidate
