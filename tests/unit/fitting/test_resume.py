"""A fit that was interrupted and resumed is the fit that was not."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from quasistatic import DiffusionDensity, OutputError, TrainingError, threads
from quasistatic.fitting import _defaults as defaults
from quasistatic.fitting import training

SETTINGS = {
    "trajectory_length": 2,
    "width": 4,
    "depth": 1,
    "dropout": 0.25,
    "frequencies": 0,
    "batch_size": 16,
    "model": "diffusion",
    "components": 1,
    "max_steps": 6,
    "random_state": 0,
}


def table(n: int, missing: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    a = rng.random(n) < 0.3
    frame = pd.DataFrame(
        {"a": a, "b": (rng.random(n) < 0.2 + 0.5 * a)}, dtype="boolean" if missing else None
    )
    return frame.mask(rng.random(frame.shape) < missing) if missing else frame


class Stop(KeyboardInterrupt):
    """Ctrl-C at a known place."""


def stop_after(k: int):
    seen = []

    def callback(event):
        seen.append(event)
        if len(seen) == k:
            raise Stop

    return callback


def saved(model, folder) -> dict[str, bytes]:
    model.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def fit(rows, **options) -> DiffusionDensity:
    return DiffusionDensity(**SETTINGS).fit(rows, **options)


pytestmark = pytest.mark.usefixtures("often")

# 4 folds and the final training of 4 networks with 3 evaluations each; or one training with 3;
# twice as many where holes are completed, but for the other members; those on all rows stop at the
# first evaluation there, as those on the folds were best then
PATHS = {
    "cross-validated": (table(40), 24),
    "split once": (table(2000), 3),
    "completed": (table(2000, 0.2), 6),
    "completed in folds": (table(40, 0.2), 29),
}


@pytest.fixture(scope="module", params=list(PATHS))
def path(request, tmp_path_factory):
    """(rows, number of evaluations, bytes of the uninterrupted model)."""
    rows, evaluations = PATHS[request.param]
    with pytest.MonkeyPatch.context() as patch:
        training = defaults.training
        patch.setattr(
            defaults,
            "training",
            lambda *args, **named: replace(training(*args, **named), evaluate_every=2),
        )
        events = []
        model = fit(rows, callback=events.append)
    assert len(events) == evaluations
    return rows, evaluations, saved(model, tmp_path_factory.mktemp("whole") / "m"), events


def test_callback_tells_the_progress(path):
    _, _, _, events = path
    by_phase = {
        phase: [e for e in events if e.phase == phase] for phase in {e.phase for e in events}
    }
    for phase, told in by_phase.items():
        assert len(told) == 3 or phase.startswith("all rows")
        assert [event.step for event in told] == [2, 4, 6][: len(told)]
        assert [event.is_last for event in told] == [False, False, True][-len(told) :]
        assert {event.max_steps for event in told} == {told[-1].step}
    assert all(np.isfinite(event.train_nats) and event.seconds_left >= 0 for event in events)
    judged = [event for event in events if not event.phase.startswith("all rows")]
    assert judged
    assert all(np.isfinite(event.valid_nats) for event in judged)
    assert all(event.phase for event in events)


@pytest.mark.parametrize("path", ["cross-validated"], indirect=True)
@pytest.mark.parametrize("n", [1, 3])
def test_on_any_number_of_cores(path, n, monkeypatch, tmp_path):
    rows, _, whole, _ = path
    monkeypatch.setattr(training, "at_once", lambda: n)
    monkeypatch.setattr(threads, "cores", lambda: n)
    assert saved(fit(rows), tmp_path / "m") == whole


@pytest.mark.parametrize(
    ("path", "k"),
    [("cross-validated", k) for k in (1, 2, 3, 14, 17, 24)]
    + [("split once", k) for k in (1, 2, 3)],
    indirect=["path"],
)
def test_resumed_after_an_interrupt(path, k, tmp_path):
    rows, evaluations, whole, _ = path
    with pytest.raises(Stop):
        fit(rows, checkpoint=tmp_path / "c", callback=stop_after(k))
    events = []
    model = fit(rows, checkpoint=tmp_path / "c", resume=True, callback=events.append)
    # Trainings beside the one that was stopped may have made theirs before they heard of it.
    assert len(events) <= evaluations - k
    assert saved(model, tmp_path / "m") == whole


def test_resumed_twice_and_after_the_end(path, tmp_path):
    rows, _, whole, _ = path
    with pytest.raises(Stop):
        fit(rows, checkpoint=tmp_path / "c", callback=stop_after(1))
    with pytest.raises(Stop):
        fit(rows, checkpoint=tmp_path / "c", resume=True, callback=stop_after(1))
    assert saved(fit(rows, checkpoint=tmp_path / "c", resume=True), tmp_path / "m") == whole
    assert saved(fit(rows, checkpoint=tmp_path / "c", resume=True), tmp_path / "m2") == whole


def test_resumed_after_a_kill(path, tmp_path):
    """What lies on the disk at a kill: the last whole checkpoint, and perhaps half of the next."""
    rows, _, whole, _ = path

    def callback(event):
        if event.step == 4 and not (tmp_path / "c").exists():
            shutil.copytree(tmp_path / "alive", tmp_path / "c")
            phase = next((tmp_path / "c").iterdir())
            (phase / ".new-123").write_bytes((phase / "training.safetensors").read_bytes()[:100])

    fit(rows, checkpoint=tmp_path / "alive", callback=callback)
    assert saved(fit(rows, checkpoint=tmp_path / "c", resume=True), tmp_path / "m") == whole


def test_nothing_to_resume_is_a_fit(path, tmp_path):
    rows, _, whole, _ = path
    assert saved(fit(rows, checkpoint=tmp_path / "c", resume=True), tmp_path / "m") == whole


class TestRefusals:
    @pytest.fixture
    def stopped(self, tmp_path):
        """Rows, and the checkpoint of their interrupted fit."""
        rows = table(40)
        with pytest.raises(Stop):
            fit(rows, checkpoint=tmp_path / "c", callback=stop_after(4))
        return rows, tmp_path / "c"

    def test_other_data(self, stopped):
        rows, folder = stopped
        with pytest.raises(TrainingError, match="other data"):
            fit(~rows, checkpoint=folder, resume=True)

    @pytest.mark.parametrize(
        "setting", [{"learning_rate": 1e-3}, {"random_state": 1}, {"max_steps": 8}, {"width": 5}]
    )
    def test_other_settings(self, stopped, setting):
        rows, folder = stopped
        with pytest.raises(TrainingError, match="settings"):
            DiffusionDensity(**SETTINGS | setting).fit(rows, checkpoint=folder, resume=True)

    def test_damage(self, stopped):
        rows, folder = stopped
        file = sorted(folder.rglob("training.safetensors"))[0]
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(TrainingError, match="damaged") as caught:
            fit(rows, checkpoint=folder, resume=True)
        assert caught.value.where == str(file)

    def test_a_new_fit_leaves_nothing_of_another_ones_phases(self, stopped, tmp_path):
        """Otherwise its own resumption would meet the checkpoint of another run."""
        rows, folder = stopped
        (folder / "mine.txt").write_text("mine")
        with pytest.raises(Stop):
            fit(~rows, checkpoint=folder, callback=stop_after(1))
        model = fit(~rows, checkpoint=folder, resume=True)
        assert saved(model, tmp_path / "m") == saved(fit(~rows), tmp_path / "m2")
        assert (folder / "mine.txt").read_text() == "mine"

    def test_full_disk(self, tmp_path, monkeypatch):
        from quasistatic.checkpoint import training

        def full(path, content):
            path.write_bytes(content[:10])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(training, "write_file", full)
        with pytest.raises(OutputError, match="No space left"):
            fit(table(40), checkpoint=tmp_path / "c")
        assert not [file for file in (tmp_path / "c").rglob("*") if file.is_file()]
