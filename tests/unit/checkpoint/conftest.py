"""A model that has learned nothing, with all that its folder holds."""

import jax
import numpy as np
import polars as pl
import pytest

from quasistatic.assemble import assemble
from quasistatic.checkpoint import save_model
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.table import from_frame


@pytest.fixture(scope="session")
def parts() -> tuple:
    """Arguments of `save_model` after the path."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "x": rng.normal(size=30),
            "n": rng.poisson(4, 30),
            "c": rng.choice(["a", "b", "c"], 30).tolist(),
        }
    )
    table = from_frame(frame)
    codec = fit_codec(table, infer_schema(table))
    config = ModelConfig(3, width=4, depth=1, dropout=0.0)
    model = assemble(config, codec.typical_width, codec.marginals, key=jax.random.key(0))
    record = {
        "data": {"rows": 30},
        "history": [{"step": 1, "train_nats": -1e-05, "valid_nats": -2.5}],
    }
    return model, codec, config, TrainConfig(max_steps=5), record


@pytest.fixture
def folder(parts, tmp_path):
    """A model folder of its own."""
    path = tmp_path / "model"
    save_model(path, *parts)
    return path
