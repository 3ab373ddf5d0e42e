"""Where the point masses of a column are in doubt, the model that is kept has those that held-out rows are likelier with."""

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data.alternatives import columns_of_found_atoms, infer_schemas
from quasistatic.data.schema import Schema
from quasistatic.data.table import from_frame
from quasistatic.estimator import defaults
from quasistatic.estimator.fitting import Candidate, _Run

SETTINGS = {
    "width": 16,
    "depth": 1,
    "dropout": 0.0,
    "members": 1,
    "batch_size": 64,
    "max_steps": 400,
    "random_state": 0,
}


def rounded_now_and_then(*, twin: bool) -> pl.DataFrame:
    """Tenths, half of them read off in whole numbers, and a column that says nearly the same, or nothing."""
    rng = np.random.default_rng(0)
    x, other = rng.normal(20, 3, 160), rng.normal(20, 3, 160)
    tenths = np.where(rng.random(160) < 0.5, np.round(x), np.round(x, 1))
    return pl.DataFrame({"tenths": tenths, "other": (x if twin else other) + rng.normal(0, 0.3, 160)})


@pytest.fixture(scope="module")
def fits():
    """(frame, model, phases of the training), with and without a twin."""
    found = {}
    for twin in (True, False):
        frame, phases = rounded_now_and_then(twin=twin), []
        model = DiffusionDensity(**SETTINGS)
        model.fit(frame, callback=lambda event, phases=phases: phases.append(event.phase))
        found[twin] = frame, model, list(dict.fromkeys(phases))
    return found


def test_both_are_tried_with_the_first_network(fits):
    frame, _, phases = fits[True]
    assert len(infer_schemas(from_frame(frame))) == 2
    folds = [f"fold {i} of {defaults.FOLDS}" for i in range(1, defaults.FOLDS + 1)]
    tried = [f"candidate 1 of 1{remark}, {fold}" for remark in ("", ", fewer point masses") for fold in folds]
    assert phases == [*tried, "all rows"]


def test_order_is_worth_more_than_a_little_mass(fits):
    frame, model, _ = fits[True]
    _, plain = infer_schemas(from_frame(frame))
    assert model.schema_ == plain
    worse = DiffusionDensity(**SETTINGS).fit(frame, schema=infer_schemas(from_frame(frame))[0])
    assert worse.schema_.column("tenths").atoms
    assert worse.manifest_["validation_bound_nats"] < model.manifest_["validation_bound_nats"]


def test_mass_is_worth_more_where_order_says_nothing(fits):
    frame, model, _ = fits[False]
    first, _ = infer_schemas(from_frame(frame))
    assert model.schema_ == first


def test_a_schema_that_is_given_is_kept(fits):
    frame, _, _ = fits[True]
    for schema in infer_schemas(from_frame(frame)):
        assert isinstance(schema, Schema)
        assert DiffusionDensity(**SETTINGS | {"max_steps": 2}).fit(frame, schema=schema).schema_ == schema


def test_a_fold_knows_no_atoms_of_the_rows_it_leaves_out():
    """Values that occur eight times in all, four times in the rows that are trained on."""
    rng = np.random.default_rng(0)
    values = np.round(rng.choice(np.arange(50, 950), 40, replace=False) / 10, 1)
    table = from_frame(pl.DataFrame({"x": np.tile(values, 8), "y": rng.normal(size=320)}))
    (schema,) = infer_schemas(table)
    assert len(schema.column("x").atoms) == 40
    found = columns_of_found_atoms(schema, table)
    run = _Run(table, found, "auto", "", None, False, None)
    candidate = Candidate(ModelConfig(2, width=4, depth=1), TrainConfig(max_steps=1, batch_size=8))
    half = run.train(candidate, schema, np.arange(160), np.arange(160, 320), "half")
    assert half.codec.schema.column("x").atoms == ()
    assert run.train(candidate, schema, np.arange(320), None, "all rows").codec.schema == schema
