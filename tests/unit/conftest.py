"""One mixed table in every container, and models small enough to be fitted in a second."""

import contextlib
import datetime
from dataclasses import replace

import equinox as eqx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cases import randomised
from quasistatic import DiffusionDensity
from quasistatic.fitting import _defaults as defaults
from quasistatic.fitting import training
from quasistatic.train import Event, FitResult

TINY = {
    "model": "diffusion",
    "trajectory_length": 3,
    "width": 8,
    "depth": 1,
    "dropout": 0.0,
    "components": 1,
    "frequencies": 0,
    "members": 1,
    "max_steps": 4,
    "random_state": 0,
}
N = 48


def polars_frame() -> pl.DataFrame:
    """A density, a count with holes, a flag, categories in an order of their own, text, days and a
    constant."""
    rng = np.random.default_rng(7)
    count = rng.poisson(6, N).tolist()
    count[3] = None
    level = rng.choice(["low", "mid", "high"], N).tolist()
    level[5] = None
    start = datetime.date(2020, 1, 1)
    columns = {
        "level": pl.Series(level, dtype=pl.Enum(["low", "mid", "high", "never"])),
        "mass": pl.Series(rng.normal(40.0, 5.0, N), dtype=pl.Float64),
        "count": pl.Series(count, dtype=pl.Int32),
        "flag": pl.Series(rng.random(N) < 0.4, dtype=pl.Boolean),
        "day": pl.Series(
            [start + datetime.timedelta(int(d)) for d in rng.integers(0, 400, N)], dtype=pl.Date
        ),
        "short": pl.Series(rng.normal(0.0, 1.0, N), dtype=pl.Float32),
        "site": pl.Series(rng.choice(["b", "a"], N).tolist(), dtype=pl.String),
        "same": pl.Series([7] * N, dtype=pl.Int64),
    }
    return pl.DataFrame(columns)


def pandas_frame() -> pd.DataFrame:
    frame = polars_frame()
    return pd.DataFrame(
        {
            "level": pd.Categorical(
                frame["level"].to_list(), ["low", "mid", "high", "never"], ordered=True
            ),
            "mass": frame["mass"].to_numpy(),
            "count": pd.array(frame["count"].to_list(), dtype="Int32"),
            "flag": pd.array(frame["flag"].to_list(), dtype="boolean"),
            "day": pd.to_datetime(pd.Series(frame["day"].to_list())).astype("datetime64[ns]"),
            "short": frame["short"].to_numpy(),
            "site": frame["site"].to_list(),
            "same": frame["same"].to_numpy(),
        }
    )


def arrow_table() -> pa.Table:
    table = polars_frame().with_columns(pl.col("level").cast(pl.String)).to_arrow()
    level = table["level"].cast(pa.string()).combine_chunks().dictionary_encode()
    return table.set_column(0, "level", level).set_column(
        6, "site", table["site"].cast(pa.string())
    )


CONTAINERS = {
    "polars": polars_frame,
    "polars-lazy": lambda: polars_frame().lazy(),
    "pandas": pandas_frame,
    "pyarrow": arrow_table,
}


@pytest.fixture(scope="session")
def fit_tiny():
    """`fit_tiny(X, **settings)`: a model of a few steps; `schema` goes to `fit`."""

    def fit(X, schema=None, **settings):
        return DiffusionDensity(**TINY | settings).fit(X, schema=schema)

    return fit


@contextlib.contextmanager
def no_training(scale=0.3):
    """Fits within keep the initial network, with random weights N(0, scale^2), and tell of one
    step: nothing to compile."""

    def untouched(model, rows, valid_rows, config, *, callback, **_):
        if callback is not None:
            callback(Event(1, 1, -1.0, -1.0, 0.0, 100.0, 1.0))
        network = randomised(model.network, config.seed, scale) if scale else model.network
        return FitResult(eqx.tree_at(lambda m: m.network, model, network), -1.0, [dict(HISTORY)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "fit", untouched)
        yield


@pytest.fixture
def untrained():
    """All fits of the test are without training."""
    with no_training():
        yield


@pytest.fixture(scope="session")
def build_tiny(fit_tiny):
    """`build_tiny(X, scale=0.3, **settings)`: a model without training, with random weights."""

    def build(X, schema=None, scale=0.3, **settings):
        with no_training(scale):
            return fit_tiny(X, schema, **settings)

    return build


HISTORY = {"step": 1, "train_nats": -1.0, "valid_nats": -1.0}


@pytest.fixture(scope="session")
def mixed() -> pd.DataFrame:
    """The mixed table, its whole rows: what can be scored."""
    return pandas_frame()


@pytest.fixture(scope="session")
def mixed_model(fit_tiny, mixed) -> DiffusionDensity:
    """A model of the mixed table. Do not fit it again."""
    return fit_tiny(mixed)


@pytest.fixture(scope="session")
def containers():
    """Functions that make the mixed table, by container."""
    return CONTAINERS


@pytest.fixture(scope="session", params=list(CONTAINERS))
def container(request, build_tiny):
    """(the mixed table in a container, a model of it)."""
    frame = CONTAINERS[request.param]()
    return frame, build_tiny(frame)


@pytest.fixture
def often(monkeypatch):
    """An evaluation after every second step."""
    training = defaults.training
    monkeypatch.setattr(
        defaults,
        "training",
        lambda *args, **named: replace(training(*args, **named), evaluate_every=2),
    )
