"""Settings: checked, frozen, to and from JSON; and a configuration that is assembled as it says."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from quasistatic.assemble import assemble, skeleton
from quasistatic.checkpoint.arrays import arrays_of
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.errors import SettingError
from quasistatic.trajectory import sample_rows

MODEL = ModelConfig(5, "binomial", "cosine", width=7, depth=3, dropout=0.2, frequencies=2)
TRAIN = TrainConfig(
    max_steps=11,
    batch_size=12,
    learning_rate=0.5,
    weight_decay=0.25,
    warmup_steps=3,
    ema_decay=0.5,
    clip_norm=2.0,
    evaluate_every=4,
    patience=5,
    stop_step=9,
    first_step_share=0.3,
    step_weights=(0.5, 2.0),
    max_minutes=1.5,
    seed=8,
)


@pytest.mark.parametrize(
    "config", [MODEL, TRAIN, ModelConfig(1), TrainConfig()], ids=lambda c: type(c).__name__
)
def test_json_round_trip(config):
    text = json.dumps(config.to_json())
    assert type(config).from_json(json.loads(text)) == config
    assert set(config.to_json()) == {field.name for field in dataclasses.fields(config)}


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig])
def test_unknown_settings(kind):
    known = {"trajectory_length": 3} if kind is ModelConfig else {}
    with pytest.raises(TypeError, match="widht"):
        kind(**known, widht=3)
    with pytest.raises(ValueError, match=r"unknown keys.*widht"):
        kind.from_json(known | {"widht": 3})


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        MODEL.width = 9  # type: ignore[misc]


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (ModelConfig, "trajectory_length", 0),
        (ModelConfig, "discrete_kernel", "gaussian"),
        (ModelConfig, "schedule", ""),
        (ModelConfig, "width", 0),
        (ModelConfig, "depth", -1),
        (ModelConfig, "dropout", 1.0),
        (ModelConfig, "dropout", float("nan")),
        (ModelConfig, "frequencies", -1),
        (ModelConfig, "frequencies", 17),
        (TrainConfig, "max_steps", 0),
        (TrainConfig, "batch_size", 0),
        (TrainConfig, "evaluate_every", 0),
        (TrainConfig, "patience", 0),
        (TrainConfig, "learning_rate", 0.0),
        (TrainConfig, "learning_rate", float("nan")),
        (TrainConfig, "clip_norm", -1.0),
        (TrainConfig, "step_weights", (1.0, 0.0)),
        (TrainConfig, "step_weights", (float("nan"), 1.0)),
        (TrainConfig, "max_minutes", 0),
    ],
)
def test_meaningless_values(kind, name, value):
    settings = {"trajectory_length": 3} if kind is ModelConfig else {}
    with pytest.raises(SettingError, match=rf"{name}.* = "):
        kind(**settings | {name: value})


WIDTHS, MARGINALS = np.array([0.0, 0.3]), [np.array([0.7, 0.3]), np.array([0.2, 0.3, 0.5])]


def assembled(**changes):
    config = ModelConfig(
        **{"trajectory_length": 4, "width": 4, "depth": 1, "dropout": 0.0} | changes
    )
    return assemble(config, WIDTHS, MARGINALS, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("kernel", "schedule"),
    [
        ("absorbing", "learned"),
        ("binomial", "linear"),
        ("categorical", "cosine"),
    ],
)
def test_every_name_runs(kernel, schedule):
    numbers, codes = sample_rows(
        assembled(discrete_kernel=kernel, schedule=schedule), 8, key=jax.random.key(1)
    )
    assert numbers.shape == codes.shape == (8, 2)
    assert np.isfinite(numbers).all()
    assert (codes >= 0).all()
    assert (codes < [2, 3]).all()


def description(model) -> str:
    """Structure, static fields and arrays."""
    leaves, structure = jax.tree.flatten(model)
    return repr(structure) + repr([np.asarray(leaf).tolist() for leaf in leaves])


CHANGES = [
    {"trajectory_length": 5},
    {"discrete_kernel": "binomial"},
    {"discrete_kernel": "categorical"},
    {"schedule": "linear"},
    {"schedule": "cosine"},
    {"width": 5},
    {"depth": 2},
    {"dropout": 0.5},
    {"members": 2},
    {"frequencies": 2},
    {"components": 2},
    {"model": "mixture", "components": 2},
]


def test_no_setting_is_ignored():
    assert {name for change in CHANGES for name in change} | {"image"} == set(
        ModelConfig(1).to_json()
    )
    descriptions = [
        description(assembled()),
        *(description(assembled(**change)) for change in CHANGES),
    ]
    assert len(set(descriptions)) == len(descriptions)


def test_an_image_has_a_network_of_its_own():
    """And its size is looked at: the same four pixels in a row or in a square are told apart."""
    plain = ModelConfig(3, width=4, depth=1, dropout=0.0)
    configs = [
        plain,
        dataclasses.replace(plain, image=(1, 2, 2)),
        dataclasses.replace(plain, image=(1, 1, 4)),
    ]
    models = [assemble(c, np.full(4, 0.3), [], key=jax.random.key(0)) for c in configs]
    assert [type(m.network).__name__ for m in models] == ["ResidualMLP", "UNet", "UNet"]
    assert len({description(m) for m in models}) == 3


@pytest.mark.parametrize("kernel", ["absorbing", "binomial"])
def test_the_components_of_a_binary_image(kernel):
    """With an output a pixel of the masked, two of the heat bath; the empty model has their
    shapes."""
    config = ModelConfig(
        3, width=4, depth=1, dropout=0.0, components=2, image=(1, 2, 3), discrete_kernel=kernel
    )
    marginals = [np.array([0.3, 0.7])] * 6
    model = assemble(config, np.zeros(0), marginals, key=jax.random.key(0))
    assert model.network.n_outputs == 2 * ({"absorbing": 1, "binomial": 2}[kernel] * 6 + 1)
    empty = skeleton(config, np.zeros(0), marginals)
    assert [x.shape for x in jax.tree.leaves(empty)] == [x.shape for x in jax.tree.leaves(model)]


def test_the_network_of_an_image_has_no_dropout():
    with pytest.raises(SettingError, match="images"):
        ModelConfig(3, image=(1, 2, 2), dropout=0.1)


def test_only_the_blocks_that_are_there():
    config = ModelConfig(3, width=4, depth=1)
    only_numbers = assemble(config, WIDTHS, [], key=jax.random.key(0))
    only_states = assemble(config, np.zeros(0), MARGINALS, key=jax.random.key(0))
    assert len(sample_rows(only_numbers, 2, key=jax.random.key(0))) == 1
    assert len(sample_rows(only_states, 2, key=jax.random.key(0))) == 1


def test_skeleton_has_the_same_arrays():
    one, two = (
        arrays_of(assembled()),
        arrays_of(skeleton(ModelConfig(4, width=4, depth=1, dropout=0.0), WIDTHS, MARGINALS)),
    )
    assert {name: (x.shape, x.dtype) for name, x in one.items()} == {
        name: (x.shape, x.dtype) for name, x in two.items()
    }


def test_another_key_another_start():
    config = ModelConfig(4, width=4, depth=1)
    one, two = (assemble(config, WIDTHS, MARGINALS, key=jax.random.key(seed)) for seed in (0, 1))
    assert description(one) != description(two)
