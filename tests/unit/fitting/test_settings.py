"""No setting is ignored: each changes the model, or what it is trained with."""

import dataclasses
import inspect
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from quasistatic import DiffusionDensity, SettingError
from quasistatic.cli.fit import fit as command
from quasistatic.config import ModelConfig
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.columns.transform import Choice
from quasistatic.data.rows import split_validation
from quasistatic.data.table import from_frame
from quasistatic.fitting import FitSettings, _plan
from quasistatic.fitting import _defaults as defaults
from quasistatic.fitting._candidates import candidates

CHANGES = {
    "trajectory_length": 7,
    "components": 3,
    "discrete_kernel": "binomial",
    "schedule": "cosine",
    "width": 5,
    "depth": 3,
    "dropout": 0.4,
    "frequencies": 3,
    "members": 2,
    "batch_size": 17,
    "max_steps": 9,
    "learning_rate": 1e-4,
    "patience": 2,
    "max_minutes": 60.0,
    "preset": "thorough",
}


@pytest.fixture(scope="module")
def schema(mixed):
    return infer_schema(from_frame(mixed))


def test_every_parameter_is_looked_at():
    parameters = set(inspect.signature(DiffusionDensity).parameters)
    others = {"model", "random_state", "validation_fraction", "column_transform"}
    assert parameters == set(CHANGES) | others


def test_the_settings_are_the_parameters():
    """With the same defaults; the seed is drawn from `random_state`."""
    parameters = inspect.signature(DiffusionDensity).parameters
    own = {name: item.default for name, item in parameters.items() if name != "random_state"}
    assert own | {"seed": 0} == dataclasses.asdict(FitSettings())


def test_the_options_of_the_command_line_are_the_parameters():
    options = inspect.signature(command).parameters
    parameters = inspect.signature(DiffusionDensity).parameters
    shared = set(options) & set(parameters)
    assert shared == set(parameters) - {"random_state", "validation_fraction", "patience"}
    for name in shared:
        assert options[name].default == parameters[name].default


@pytest.mark.parametrize("name", list(CHANGES))
@pytest.mark.parametrize("n_rows", [48, 3000])
def test_configures_every_candidate(name, n_rows, schema):
    before = candidates(n_rows, schema, FitSettings())
    after = candidates(n_rows, schema, FitSettings(**{name: CHANGES[name]}))
    assert not set(map(repr, before)) & set(map(repr, after))
    for candidate in after:
        fields = candidate.model.to_json() | candidate.train.to_json()
        assert fields.get(name, CHANGES[name]) == CHANGES[name] or name == "max_minutes"


@pytest.mark.parametrize("n_rows", [48, 800, 3000, 20_000])
@pytest.mark.parametrize("preset", ["default", "thorough"])
def test_what_is_not_given_stays_as_the_table_has_it(n_rows, preset, schema):
    first = candidates(n_rows, schema, FitSettings(preset=preset))[0].train
    share = defaults.first_step_share(schema.block_sizes.continuous)
    own = defaults.training(n_rows, preset)
    assert first == dataclasses.replace(own, seed=0, first_step_share=share)


def test_minutes_are_shared_by_the_trainings(schema, monkeypatch):
    """On one core, where they are one after the other."""
    monkeypatch.setattr(_plan, "cores", lambda: 1)
    small = candidates(48, schema, FitSettings(max_minutes=9.0))
    trials, final = len(small) * defaults.FOLDS, defaults.MEMBERS
    assert (trials + final) * small[0].train.max_minutes == pytest.approx(9.0)
    schemas = candidates(
        48, schema, FitSettings(max_minutes=9.0), n_schemas=2
    )  # the second with the first network only
    trials = (len(schemas) + 1) * defaults.FOLDS
    assert (trials + final) * schemas[0].train.max_minutes == pytest.approx(9.0)
    large = candidates(3000, schema, FitSettings(max_minutes=9.0))
    assert sum(c.train.max_minutes for c in large) == pytest.approx(9.0)
    twice = candidates(3000, schema, FitSettings(max_minutes=9.0), completed=True)
    assert 2 * sum(c.train.max_minutes for c in twice) == pytest.approx(9.0)


def test_a_few_minutes_are_for_one_network(schema, mixed, build_tiny):
    (only,) = candidates(48, schema, FitSettings(max_minutes=1.0))
    assert (only.model.members, only.train.max_minutes) == (1, 1.0)
    assert [
        c.model.members for c in candidates(48, schema, FitSettings(max_minutes=1.0, members=2))
    ] == [2]
    fitted = build_tiny(mixed, max_minutes=1.0, members=None)
    assert fitted.manifest_["data"]["held_out"].endswith("rows, not trained on")


def test_a_fixed_network_is_one_candidate(schema):
    assert len(candidates(800, schema, FitSettings())) > 1
    assert len(candidates(800, schema, FitSettings(dropout=0.2, frequencies=1))) == 1


@pytest.mark.parametrize(
    ("n_rows", "numbers", "preset", "tried"),
    [
        (100, 5, "default", [(64, 0.3, 0)]),
        (800, 5, "default", [(128, 0.1, 0), (128, 0.3, 0), (128, 0.1, 6)]),
        (100, 0, "default", [(64, 0.3, 0)]),
        (800, 0, "default", [(128, 0.1, 0), (128, 0.3, 0)]),
        (3000, 5, "default", [(128, 0.1, 0), (128, 0.1, 6)]),
        (3000, 500, "default", [(128, 0.1, 0), (128, 0.3, 0)]),
        (8000, 5, "default", [(256, 0.1, 6)]),
        (8000, 0, "default", [(256, 0.1, 0)]),
        (100, 5, "thorough", [(256, 0.15, 0)]),
        (800, 5, "thorough", [(256, 0.15, 0), (256, 0.15, 6)]),
        (8000, 5, "thorough", [(256, 0.15, 6)]),
        (8000, 0, "thorough", [(256, 0.15, 0)]),
    ],
)
def test_networks_to_try(n_rows, numbers, preset, tried):
    networks = defaults.networks(ModelConfig(1), n_rows, numbers, preset)
    assert [(n.width, n.dropout, n.frequencies) for n in networks] == tried


@pytest.mark.parametrize(
    "change", [{"frequencies": 2}, {"schedule": "cosine"}, {"column_transform": "affine"}]
)
def test_a_setting_of_numbers_where_there_are_none(build_tiny, change):
    letters = pd.DataFrame({"a": list("xyxy") * 5, "b": list("uuvv") * 5})
    with pytest.raises(SettingError, match=f"{next(iter(change))} .* no continuous number"):
        build_tiny(letters, **change)


def test_validation_fraction_decides_how_many_rows_are_held_out():
    sizes = [
        len(split_validation(4000, defaults.validation_rows(4000, f) / 4000, 0)[1])
        for f in (0.05, 0.1, 0.5)
    ]
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 200
    assert defaults.validation_rows(10**6, 0.1) == 2048


def test_the_transform_of_numbers_is_the_chosen_one(build_tiny):
    skewed = np.exp(np.random.default_rng(0).normal(size=(200, 1)))
    names = {
        c: type(build_tiny(skewed, column_transform=c).fitted_.codec.transforms[0]).__name__
        for c in get_args(Choice)
    }
    assert names == {"auto": "QuantileSpline", "affine": "Affine", "spline": "QuantileSpline"}


@pytest.fixture(scope="module")
def built(build_tiny, mixed):
    return build_tiny(mixed)


def test_seed_starts(build_tiny, mixed):
    one, other = build_tiny(mixed, scale=0), build_tiny(mixed, scale=0, random_state=1)
    assert one.manifest_["seed"] != other.manifest_["seed"]
    assert not np.array_equal(one.model_.network.embed.weight, other.model_.network.embed.weight)


@pytest.mark.parametrize(
    "change",
    [
        {"discrete_kernel": "binomial"},
        {"discrete_kernel": "categorical"},
        {"schedule": "linear"},
        {"schedule": "cosine"},
        {"trajectory_length": 4},
    ],
    ids=str,
)
def test_changes_the_scores(change, build_tiny, mixed, built):
    rows = mixed.dropna()[:8]
    scores = build_tiny(mixed, **change).score_samples(rows)
    assert np.isfinite(scores).all()
    assert not np.allclose(scores, built.score_samples(rows), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trajectory_length", 0),
        ("discrete_kernel", "gaussian"),
        ("schedule", "learnt"),
        ("column_transform", "cubic"),
        ("width", 0),
        ("depth", 0),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("batch_size", 0),
        ("max_steps", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("validation_fraction", 0.0),
        ("validation_fraction", 1.0),
        ("patience", 0),
        ("max_minutes", 0.0),
        ("preset", "fast"),
    ],
)
def test_meaningless_values_are_refused_by_name(name, value, mixed):
    with pytest.raises(SettingError, match=f"{name} = "):
        DiffusionDensity(**{"model": "diffusion", "max_steps": 2, name: value}).fit(mixed)


def test_preset_is_larger_and_longer():
    model = inspect.signature(DiffusionDensity).parameters["preset"].default
    assert model == "default"
    assert (
        defaults.training(10_000, "thorough").max_steps
        > defaults.training(10_000, "default").max_steps
    )


def test_larger_tables_are_trained_longer():
    rows = (100, 500, 1999, 2000, 9000, 10_000, 20_000, 40_000, 10**6)
    steps = [defaults.training(n, "default").max_steps for n in rows]
    assert steps == [1000, 2000, 2000, 3000, 3000, 3000, 6000, 12_000, 12_000]
    for n in rows:
        training = defaults.training(n, "default")
        assert training.max_steps % training.evaluate_every == 0
        assert defaults.training(n, "thorough").max_steps >= max(training.max_steps, 8000)


def test_steps_follow_the_columns():
    assert defaults.trajectory_length(0, 12, "absorbing", 1) == 12
    assert defaults.trajectory_length(0, 12, "binomial", 1) > 12
    assert defaults.trajectory_length(3, 0, "absorbing", 1) == defaults.CONTINUOUS_STEPS
    assert defaults.trajectory_length(3, 100, "absorbing", 1) >= 100
    assert defaults.trajectory_length(3, 100, "absorbing", 16) == defaults.MIXTURE_STEPS
    assert [defaults.components(n, 3, 0, "absorbing") for n in (100, 4999, 5000)] == [16, 16, 8]
    assert defaults.components(100, 3, 0, "binomial") == 1
    discrete = [(100, 200), (2000, 128), (2000, 129), (100, 300)]
    assert [defaults.components(n, 0, d, "absorbing") for n, d in discrete] == [1, 1, 8, 8]
    steps = [defaults.trajectory_length(0, d, "absorbing", 8) for d in (1, 3, 12, 69, 839)]
    assert steps == [1, 3, 4, 17, 32]
