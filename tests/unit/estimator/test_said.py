"""What a person is told of a fit: a clock that stopped it, categories that are too rare."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from quasistatic.config import TrainConfig
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.table import from_frame
from quasistatic.fitted.rarity import rare_states, warning_of
from quasistatic.fitted.settling import stopped_early, stopped_in_folds


def trained(bounds, **settings):
    history = [{"step": 100 * i, "valid_nats": b} for i, b in enumerate(bounds, start=1)]
    return SimpleNamespace(train_config=TrainConfig(**settings), record={"history": history})


@pytest.mark.parametrize(
    ("bounds", "settings", "words"),
    [
        ([-3.0, -2.0, -1.0], {"max_minutes": 2}, "300 of at most 3000 steps and 3 evaluations"),
        ([-3.0], {"max_minutes": 0.1}, "1 evaluation of"),
        ([-3.0, -2.0, -1.0], {}, ""),
        ([-1.0, *[-2.0] * 10], {"max_minutes": 2}, ""),
        ([-1.0, *[-2.0] * 9], {"max_minutes": 2}, "10 evaluations"),
        ([-3.0, -2.0, -1.0], {"max_minutes": 2, "max_steps": 300}, ""),
        ([-3.0, -2.0], {"max_minutes": 2, "stop_step": 200}, ""),
    ],
)
def test_a_clock_that_stopped_training_before_its_bound_settled(bounds, settings, words):
    said = stopped_early(trained(bounds, **settings))
    assert bool(said) == bool(words)
    assert words in said


@pytest.mark.parametrize(
    ("curves", "settings", "words"),
    [
        ([[-3.0, -2.0], [-3.0, -2.0, -1.0]], {"max_minutes": 5}, "in 2 of 2 folds, after 5 eval"),
        ([[-3.0, -2.0], [-1.0, *[-2.0] * 10]], {"max_minutes": 5}, "in 1 of 2 folds, after 13"),
        ([[-3.0, -2.0], [-3.0, -2.0]], {"max_minutes": 5, "max_steps": 400}, ""),
        ([[-3.0, -2.0], [-3.0, -2.0]], {}, ""),
    ],
)
def test_a_clock_that_stopped_a_cross_validation(curves, settings, words):
    config = TrainConfig(**{"evaluate_every": 200} | settings)
    said = stopped_in_folds(curves, config)
    assert bool(said) == bool(words)
    assert words in said
    fitted = SimpleNamespace(
        train_config=TrainConfig(stop_step=3), record={"history": [], "stopped_early": said}
    )
    assert stopped_early(fitted) == said


def test_a_category_of_four_rows_in_many_is_not_to_be_trusted():
    n = 4000
    frame = pl.DataFrame(
        {
            "c": ["x"] * 4 + ["y", "z"] * ((n - 4) // 2),
            "d": [None] * 4 + ["u", "v"] * ((n - 4) // 2),
            "n": np.random.default_rng(0).normal(size=n),
        }
    )
    table = from_frame(frame)
    codec = fit_codec(table, infer_schema(table))
    fitted = SimpleNamespace(codec=codec, record={"data": {"rows": n}})
    assert rare_states(fitted) == {"c": {"x": 4}}
    assert "'c': 'x' (4)" in warning_of(fitted)
    assert warning_of(fitted, ["d", "n"]) == ""
