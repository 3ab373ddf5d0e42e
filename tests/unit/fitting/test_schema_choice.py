"""Where the point masses of a column are in doubt, the model that is kept has those that held-out
rows are likelier with."""

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity
from quasistatic.data.columns._atoms import find_atoms
from quasistatic.data.columns.alternatives import infer_schemas
from quasistatic.data.schema import Schema
from quasistatic.data.table import from_frame
from quasistatic.estimator import _validation
from quasistatic.fitting import _defaults as defaults
from quasistatic.fitting.training import Trainer

SETTINGS = {
    "width": 16,
    "depth": 1,
    "dropout": 0.0,
    "frequencies": 0,
    "members": 1,
    "components": 1,
    "batch_size": 64,
    "model": "diffusion",
    "max_steps": 400,
    "learning_rate": 2e-3,
    "random_state": 0,
}


def rounded_now_and_then(*, twin: bool) -> pl.DataFrame:
    """Tenths, half of them read off in whole numbers, and a column that says nearly the same, or
    nothing."""
    rng = np.random.default_rng(0)
    x, other = rng.normal(20, 3, 160), rng.normal(20, 3, 160)
    tenths = np.where(rng.random(160) < 0.5, np.round(x), np.round(x, 1))
    return pl.DataFrame(
        {"tenths": tenths, "other": (x if twin else other) + rng.normal(0, 0.3, 160)}
    )


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
    assert len(infer_schemas(from_frame(frame)).options) == 2
    folds = [f"fold {i} of {defaults.FOLDS}" for i in range(1, defaults.FOLDS + 1)]
    tried = [
        f"candidate 1 of 1{remark}, {fold}"
        for remark in ("", ", fewer point masses")
        for fold in folds
    ]
    assert sorted(phases) == ["all rows", *sorted(tried)]


def test_order_is_worth_more_than_a_little_mass(fits):
    frame, model, _ = fits[True]
    first, plain = infer_schemas(from_frame(frame)).options
    assert model.schema_ == plain
    worse = DiffusionDensity(**SETTINGS).fit(frame, schema=first)
    assert worse.schema_.column("tenths").atoms
    assert worse.manifest_["validation_bound_nats"] < model.manifest_["validation_bound_nats"]


def test_mass_is_worth_more_where_order_says_nothing(fits):
    frame, model, _ = fits[False]
    first, _ = infer_schemas(from_frame(frame)).options
    assert model.schema_ == first


@pytest.mark.usefixtures("untrained")
def test_a_schema_that_is_given_is_kept():
    frame = rounded_now_and_then(twin=True)
    for schema in infer_schemas(from_frame(frame)).options:
        assert isinstance(schema, Schema)
        assert DiffusionDensity(**SETTINGS).fit(frame, schema=schema).schema_ == schema


@pytest.mark.usefixtures("untrained")
def test_schemas_that_were_inferred_before_are_those_of_the_fit(monkeypatch):
    """They are not inferred again, and lead to the same trainings."""
    frame, phases = rounded_now_and_then(twin=True), ([], [])
    schemas = infer_schemas(from_frame(frame))
    DiffusionDensity(**SETTINGS).fit(frame, callback=lambda event: phases[0].append(event.phase))
    monkeypatch.setattr(_validation, "infer_schemas", None)
    model = DiffusionDensity(**SETTINGS)
    model.fit(frame, schema=schemas, callback=lambda event: phases[1].append(event.phase))
    assert sorted(phases[0]) == sorted(phases[1])
    assert model.schema_ in schemas.options


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("small", [defaults.SMALL, 10], ids=["cross-validated", "split once"])
def test_no_training_knows_atoms_of_the_rows_it_leaves_out(monkeypatch, small):
    """Values that occur eight times in all: among the rows that are trained on, some are too few to
    be atoms."""
    rng = np.random.default_rng(0)
    values = np.round(rng.choice(np.arange(50, 950), 40, replace=False) / 10, 1)
    frame = pl.DataFrame({"x": np.tile(values, 8), "y": rng.normal(size=320)})
    trainings = []

    def spied(trainer, candidate, schema, train_index, valid_index, phase):
        trainings.append((schema.column("x").atoms, train_index, valid_index))
        return train(trainer, candidate, schema, train_index, valid_index, phase)

    train = Trainer.train
    monkeypatch.setattr(Trainer, "train", spied)
    monkeypatch.setattr(defaults, "SMALL", small)
    model = DiffusionDensity(**SETTINGS, validation_fraction=0.4).fit(frame)
    judged = [(atoms, rows) for atoms, rows, left_out in trainings if left_out is not None]
    assert len(judged) == (defaults.FOLDS if small > 320 else 1)
    for atoms, rows in judged:
        assert set(atoms) <= set(find_atoms(frame["x"].to_numpy()[rows], 0.1))
        assert 0 < len(atoms) < 40
    assert len(model.schema_.column("x").atoms) == (40 if small > 320 else len(judged[0][0]))


@pytest.mark.usefixtures("untrained")
def test_what_no_fold_can_see_is_not_kept():
    """Eight values, six times each: six are atoms in all rows, and hardly one has more than four
    among the rows of every fold."""
    rng = np.random.default_rng(0)
    often = np.repeat(np.round(rng.choice(np.arange(50, 950), 8, replace=False) / 10, 1), 6)
    frame = pl.DataFrame(
        {"x": np.r_[often, np.round(rng.uniform(5, 95, 110), 1)], "y": rng.normal(size=158)}
    )
    with_atoms, plain = infer_schemas(from_frame(frame)).options
    assert len(with_atoms.column("x").atoms) == 8
    phases = []
    model = DiffusionDensity(**SETTINGS)
    model.fit(frame, callback=lambda event: phases.append(event.phase))
    assert model.schema_ == plain
    assert len(set(phases)) == defaults.FOLDS + 1
    assert "fewer point masses" in phases[0]
