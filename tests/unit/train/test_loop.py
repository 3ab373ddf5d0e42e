"""`fit`: recovery, stopping, progress; and settings that all matter."""

import dataclasses
import math
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from quasistatic import compiled
from quasistatic.checkpoint import TrainingStore
from quasistatic.checkpoint.arrays import arrays_of
from quasistatic.config import TrainConfig
from quasistatic.errors import SettingError, TrainingError
from quasistatic.forward import AbsorbingDiffusion
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.model import DiffusionModel
from quasistatic.network import ResidualMLP
from quasistatic.train import _run as run
from quasistatic.train import fit, loop

CONFIG = TrainConfig(
    max_steps=6, batch_size=16, evaluate_every=2, learning_rate=0.01, first_step_share=0.1
)
NAMES = ("x", "c", "d")


def bits(result) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in arrays_of(result.model).items()}


@pytest.fixture(scope="module")
def plain(model, rows, valid_rows):
    return fit(model, rows, valid_rows, CONFIG)


class Faulty:
    """`run_steps` whose k-th calls give NaN; notes what it was called with."""

    def __init__(self, *fail: int, parameters: bool = False) -> None:
        self.fail, self.parameters, self.calls, self.run = fail, parameters, [], run.run_steps

    def __call__(self, carry, static, batches, probabilities, first, rates, config, *, key):
        self.calls.append((int(first), max(map(float, jax.tree.leaves(rates))), carry[0], key))
        done = self.run(carry, static, batches, probabilities, first, rates, config, key=key)
        parameters, average, optimiser, values = done
        if len(self.calls) in self.fail:
            if self.parameters:
                parameters = jax.tree.map(lambda x: x.at[...].set(jnp.nan), parameters)
            else:
                values = values.at[-1].set(jnp.nan)
        return parameters, average, optimiser, values


class Clock:
    """Stands still but where it is told to wait."""

    now = 7.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> float:
        self.now += seconds
        return -1.0


class TestRecovery:
    @pytest.mark.parametrize("parameters", [False, True], ids=["loss", "parameters"])
    def test_a_transient_fault_is_rolled_back(
        self, parameters, model, rows, valid_rows, monkeypatch, plain
    ):
        faulty = Faulty(2, parameters=parameters)
        monkeypatch.setattr(run, "run_steps", faulty)
        result = fit(model, rows, valid_rows, CONFIG)
        assert [call[0] for call in faulty.calls] == [0, 2, 2, 4]
        assert [call[1] for call in faulty.calls] == [1.0, 1.0, 0.5, 0.5]
        before, again = faulty.calls[1], faulty.calls[2]
        assert all(map(np.array_equal, jax.tree.leaves(before[2]), jax.tree.leaves(again[2])))
        assert not np.array_equal(jax.random.key_data(before[3]), jax.random.key_data(again[3]))
        assert [entry["step"] for entry in result.history] == [2, 4, 6]
        assert result.history[0] == plain.history[0]
        assert np.isfinite([entry["valid_nats"] for entry in result.history]).all()
        assert all(np.isfinite(array).all() for array in arrays_of(result.model).values())

    def test_the_rate_is_halved_each_time(self, model, rows, valid_rows, monkeypatch):
        faulty = Faulty(1, 2, 3)
        monkeypatch.setattr(run, "run_steps", faulty)
        fit(model, rows, valid_rows, CONFIG)
        assert [call[1] for call in faulty.calls] == [1.0, 0.5, 0.25, 0.125, 0.125, 0.125]

    def test_half_the_rate_is_half_the_step(self, model, rows, monkeypatch):
        def first_step(rate_scale):
            monkeypatch.setattr(
                loop, "initial_state", lambda *args: start(*args)._replace(rate_scale=rate_scale)
            )
            return jax.tree.leaves(
                eqx.filter(fit(model, rows, None, config).model, eqx.is_inexact_array)
            )

        # no warm-up in the way: the first step has rate 0, the second the whole rate
        start, config = (
            loop.initial_state,
            dataclasses.replace(CONFIG, max_steps=6, stop_step=2, ema_decay=0.0),
        )
        before = jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))
        whole, half = first_step(1.0), first_step(0.5)
        for b, w, h in zip(before, whole, half, strict=True):
            np.testing.assert_allclose(h - b, (w - b) / 2, atol=1e-6)

    def test_a_lasting_fault_names_the_column(self, model, rows, valid_rows):
        numbers, states = rows
        spoiled = numbers._replace(value=np.full_like(numbers.value, np.inf)), states
        with pytest.raises(TrainingError, match="not finite") as caught:
            fit(model, spoiled, valid_rows, CONFIG, column_names=NAMES)
        assert caught.value.where == "column 'x'"
        assert caught.value.fix

    def test_without_names_its_number(self, model, rows, valid_rows):
        numbers, states = rows
        spoiled = numbers._replace(value=np.full_like(numbers.value, np.nan)), states
        with pytest.raises(TrainingError) as caught:
            fit(model, spoiled, valid_rows, CONFIG)
        assert "0" in caught.value.where

    def test_a_fault_that_comes_and_goes_ends_too(self, model, rows, valid_rows, monkeypatch):
        faulty = Faulty(*range(1, 99))
        monkeypatch.setattr(run, "run_steps", faulty)
        with pytest.raises(
            TrainingError, match=f"after step 0, also after {run.MAX_RETRIES} restarts"
        ):
            fit(model, rows, valid_rows, CONFIG, column_names=NAMES)
        assert len(faulty.calls) == run.MAX_RETRIES + 1


class TestStopping:
    def test_all_steps(self, plain):
        assert [entry["step"] for entry in plain.history] == [2, 4, 6]
        assert plain.valid_nats == max(entry["valid_nats"] for entry in plain.history)

    def test_patience(self, model, rows, valid_rows, monkeypatch):
        """The best evaluation, and two no better."""
        bounds = iter([-1.0, -2.0, -1.0, 0.0])
        monkeypatch.setattr(loop.Evaluation, "__call__", lambda self, parameters: next(bounds))
        result = fit(
            model, rows, valid_rows, dataclasses.replace(CONFIG, evaluate_every=1, patience=2)
        )
        assert [entry["step"] for entry in result.history] == [1, 2, 3]
        assert result.valid_nats == -1.0

    def test_minutes(self, model, rows, valid_rows):
        result = fit(model, rows, valid_rows, dataclasses.replace(CONFIG, max_minutes=1e-9))
        assert [entry["step"] for entry in result.history] == [2]
        assert np.isfinite(result.valid_nats)
        long = fit(model, rows, valid_rows, dataclasses.replace(CONFIG, max_minutes=60.0))
        assert len(long.history) == 3

    def test_minutes_are_kept_to(self, model, rows, valid_rows, monkeypatch):
        """Evaluations of 20 seconds, three for all the steps: within 54 there is time for two,
        within 60 for three."""
        clock = Clock()
        monkeypatch.setattr(loop, "monotonic", clock)
        monkeypatch.setattr(loop.Evaluation, "__call__", lambda self, parameters: clock.wait(20.0))
        for minutes, left in (
            (0.9, [34.0, 14.0]),
            (1.0, [40.0, 20.0, 0.0]),
            (None, [40.0, 20.0, 0.0]),
        ):
            events = []
            fit(
                model,
                rows,
                valid_rows,
                dataclasses.replace(CONFIG, max_minutes=minutes),
                callback=events.append,
            )
            assert [event.seconds_left for event in events] == pytest.approx(left)

    def test_the_best_average_is_kept(self, model, rows, valid_rows, monkeypatch, plain):
        """Bounds that rise and fall: the model of the top is given back."""
        bounds = iter([-3.0, -1.0, -2.0])
        monkeypatch.setattr(loop.Evaluation, "__call__", lambda self, parameters: next(bounds))
        result = fit(model, rows, valid_rows, CONFIG)
        assert result.valid_nats == -1.0
        monkeypatch.undo()
        until = dataclasses.replace(CONFIG, stop_step=4)
        bounds = iter([-3.0, -1.0])
        monkeypatch.setattr(loop.Evaluation, "__call__", lambda self, parameters: next(bounds))
        assert bits(result) == bits(fit(model, rows, valid_rows, until))

    def test_stop_step(self, model, rows, plain):
        """Without validation rows: the last average, the cosine still that of `max_steps`."""
        result = fit(model, rows, None, dataclasses.replace(CONFIG, stop_step=5))
        assert [entry["step"] for entry in result.history] == [2, 4, 5]
        assert math.isnan(result.history[-1]["valid_nats"])
        assert [e["train_nats"] for e in result.history[:2]] == [
            e["train_nats"] for e in plain.history[:2]
        ]

    def test_it_learns(self, model, rows, valid_rows):
        config = dataclasses.replace(CONFIG, max_steps=200, evaluate_every=40)
        result = fit(model, rows, valid_rows, config)
        assert result.history[-1]["valid_nats"] > result.history[0]["valid_nats"] > -20

    def test_fewer_rows_than_a_batch(self, model, rows, valid_rows):
        few = jax.tree.map(lambda x: x[:3], rows)
        assert np.isfinite(
            fit(model, few, jax.tree.map(lambda x: x[:1], valid_rows), CONFIG).valid_nats
        )


class TestProgress:
    def test_events(self, model, rows, valid_rows, plain, capsys):
        events = []
        result = fit(model, rows, valid_rows, CONFIG, callback=events.append)
        assert [(e.step, e.max_steps) for e in events] == [(2, 6), (4, 6), (6, 6)]
        assert [e.valid_nats for e in events] == [entry["valid_nats"] for entry in result.history]
        assert events[-1].seconds_left == 0
        assert events[0].seconds_left > 0
        assert bits(result) == bits(plain)
        assert capsys.readouterr() == ("", "")

    def test_same_seed_same_bits(self, model, rows, valid_rows, plain):
        again = fit(model, rows, valid_rows, CONFIG)
        assert bits(again) == bits(plain)
        assert again.history == plain.history

    def test_frequencies_are_not_trained(self, model, plain):
        before, after = arrays_of(model), arrays_of(plain.model)
        fixed = [name for name in before if "log_marginals" in name]
        assert fixed
        for name in fixed:
            np.testing.assert_array_equal(before[name], after[name])
        assert any(
            "network" in name and not np.array_equal(before[name], after[name]) for name in before
        )


class TestResuming:
    @pytest.mark.parametrize("k", [1, 2, 3])
    def test_after_k_evaluations(self, k, model, rows, valid_rows, plain, tmp_path):
        def stop(event):
            if event.step == 2 * k:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(model, rows, valid_rows, CONFIG, store=TrainingStore(tmp_path, "me"), callback=stop)
        result = fit(
            model, rows, valid_rows, CONFIG, store=TrainingStore(tmp_path, "me", resume=True)
        )
        assert bits(result) == bits(plain)
        assert result.history == plain.history
        assert result.valid_nats == plain.valid_nats

    def test_retries_go_on(self, model, rows, valid_rows, monkeypatch, tmp_path):
        """The halved rate and the retry's noise survive the interruption."""
        monkeypatch.setattr(run, "run_steps", Faulty(1))
        whole = fit(model, rows, valid_rows, CONFIG)
        monkeypatch.setattr(run, "run_steps", Faulty(1))
        until = dataclasses.replace(CONFIG, stop_step=2)
        fit(model, rows, valid_rows, until, store=TrainingStore(tmp_path, "me"))
        monkeypatch.undo()
        result = fit(
            model, rows, valid_rows, CONFIG, store=TrainingStore(tmp_path, "me", resume=True)
        )
        assert bits(result) == bits(whole)


CHANGES = {
    "max_steps": 50,
    "batch_size": 17,
    "learning_rate": 0.02,
    "weight_decay": 0.5,
    "warmup_steps": 2,
    "ema_decay": 0.0,
    "clip_norm": 1e-3,
    "first_step_share": 0.9,
    "step_weights": (1.0, 3.0),
    "seed": 1,
}


BASE = TrainConfig(max_steps=40, stop_step=4, batch_size=16, evaluate_every=2, learning_rate=0.01)


@pytest.fixture(scope="module")
def linear(rows):
    """The states only, and a linear network: quick to compile."""
    forward = AbsorbingDiffusion(2, pad_log_probs([[0.7, 0.3]] * 2))
    network = ResidualMLP(
        forward.n_features, forward.n_outputs, width=4, depth=0, key=jax.random.key(0)
    )
    return DiffusionModel(forward, network), (rows[1],)


@pytest.fixture(scope="module")
def base(linear):
    return bits(fit(*linear, None, BASE))


class TestSettings:
    """Each changes what is trained, and nothing else is there."""

    def test_all_are_looked_at(self):
        elsewhere = {"evaluate_every", "patience", "stop_step", "max_minutes"}  # TestStopping
        assert set(CHANGES) | elsewhere == set(BASE.to_json())

    @pytest.mark.parametrize("name", list(CHANGES))
    def test_changes_the_model(self, name, base, linear):
        changed = dataclasses.replace(BASE, **{name: CHANGES[name]})
        assert bits(fit(*linear, None, changed)) != base

    def test_one_weight_a_step(self, linear):
        with pytest.raises(SettingError, match="3 step_weights for 2 steps"):
            fit(*linear, None, dataclasses.replace(BASE, step_weights=(1.0, 1.0, 1.0)))


def test_a_process_full_of_programs(monkeypatch, model, rows, valid_rows, plain):
    """Where there is no room they are dropped at the start, and the result is the same."""
    old = jax.jit(lambda x: x + 1)
    old(jnp.ones(3))
    monkeypatch.setattr(compiled, "SHARE", 0.0)
    monkeypatch.setattr(compiled, "LOOK_AGAIN", 0.0)
    assert bits(fit(model, rows, valid_rows, CONFIG)) == bits(plain)
    assert old._cache_size() == (0 if sys.platform == "linux" else 1)
