"""Whole experiments, as small as they can be: files, numbers, parameters; tables; states along
trajectories."""

import json
import math
from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image

from quasistatic.config import TrainConfig
from quasistatic.errors import DataError, ModelFolderError, OutputError, SettingError
from quasistatic.experiments.catalogue import EXPERIMENTS, experiment
from quasistatic.experiments.experiment import Setting
from quasistatic.experiments.figures.pictures import reverse_pictures, samples_beside_data
from quasistatic.experiments.image_models import image_data, modern_model, paper_model
from quasistatic.experiments.leaves import patches
from quasistatic.experiments.metrics import log_null, measure
from quasistatic.experiments.paths import forward_states, reverse_states
from quasistatic.experiments.results import results
from quasistatic.experiments.running import run
from quasistatic.experiments.store import load_parameters
from quasistatic.experiments.swiss_roll import FEW_STEPS
from quasistatic.experiments.tables import TABLES, write_table
from quasistatic.trajectory import sample_rows

KEYS = {"K", "L_null", "K_minus_L_null", "lower", "upper", "units", "seed", "versions"}


def tiny(name: str, **changes) -> Setting:
    quick = experiment(name).quick
    train = replace(quick.train, max_steps=4, batch_size=16, evaluate_every=2)
    return replace(quick, train=train, trajectories=3, repetitions=1, n_samples=10, **changes)


@pytest.fixture(scope="module")
def heartbeat_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "heartbeat"
    return folder, run(
        experiment("heartbeat"), tiny("heartbeat", trajectory_length=8), folder, seed=3, quick=True
    )


def test_what_takes_a_while_is_announced(tmp_path):
    told = []
    setting = tiny("heartbeat", trajectory_length=8)
    run(
        experiment("heartbeat"),
        setting,
        tmp_path / "run",
        variants=["paper"],
        stage=told.append,
        progress=lambda name, event: told.append(f"{name} {event.step}"),
    )
    assert told == [
        "paper 2",
        "paper 4",
        f"paper: {setting.n_test} test rows are scored, 3 trajectories each",
        "paper: 10 rows are drawn",
        "comparisons and figures",
    ]


@pytest.fixture(scope="module")
def swiss_roll_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "swiss-roll"
    setting = tiny("swiss-roll", trajectory_length=6, n_train=64, n_valid=32, n_test=20)
    return folder, run(experiment("swiss-roll"), setting, folder)


def check(folder, metrics) -> None:
    assert metrics.keys() >= KEYS
    stored = json.loads((folder / "metrics.json").read_text())
    assert stored == metrics
    for values in metrics["variants"].values():
        assert abs(values["K"] - values["L_null"] - values["K_minus_L_null"]) < 1e-9
        assert values["lower"] > values["K"] - 5
    for path in [*folder.glob("*.png"), *folder.glob("*.gif")]:
        with Image.open(path) as image:
            image.load()
            assert min(image.size) > 100


def test_heartbeat(heartbeat_run):
    folder, metrics = heartbeat_run
    check(folder, metrics)
    assert abs(metrics["L_null"] - 20 * (0.2 * math.log2(0.2) + 0.8 * math.log2(0.8))) < 1e-4
    assert metrics["seed"] == 3
    assert set(metrics["valid_samples"]) == {"modern", "paper"}
    assert {p.name for p in folder.glob("*.*")} == {
        "metrics.json",
        "results.md",
        "samples.png",
        "reverse.png",
        "reverse.gif",
        "training.png",
    }
    assert (folder / "results.md").read_text() == results(metrics)
    with Image.open(folder / "reverse.gif") as animation:
        assert animation.n_frames > 2


@pytest.mark.slow
def test_swiss_roll(swiss_roll_run):
    folder, metrics = swiss_roll_run
    check(folder, metrics)
    assert abs(metrics["L_null"] + 4.09) < 1.0  # 20 rows
    assert metrics["gain_of_the_learned_schedule"] == pytest.approx(
        metrics["variants"]["paper-learned"]["K"] - metrics["variants"]["paper-fixed"]["K"]
    )
    for name in (
        "trajectory-modern.png",
        "corridor-paper-learned.png",
        "samples.png",
        "schedules.png",
        "reverse.gif",
    ):
        assert (folder / name).stat().st_size > 1000


def test_the_same_seed_gives_the_same_numbers(heartbeat_run, tmp_path):
    _, first = heartbeat_run
    again = run(
        experiment("heartbeat"),
        tiny("heartbeat", trajectory_length=8),
        tmp_path / "again",
        seed=3,
        quick=True,
    )
    timeless = ("seconds", "training_seconds")

    def without_clock(values):
        return {
            k: without_clock(v) if isinstance(v, dict) else v
            for k, v in values.items()
            if k not in timeless
        }

    assert without_clock(again) == without_clock(first)


def test_parameters_can_be_loaded(heartbeat_run, tmp_path):
    folder, metrics = heartbeat_run
    chosen = experiment("heartbeat")
    model = load_parameters(folder / "modern", chosen)
    setting = tiny("heartbeat", trajectory_length=8)
    measure_key = jax.random.split(jax.random.key(3), 3)[1]
    found = measure(model, chosen.load(setting, 3), setting, 1, key=measure_key)
    assert found["K"] == metrics["variants"]["modern"]["K"]
    with pytest.raises(ModelFolderError, match="missing"):
        load_parameters(tmp_path, chosen)
    with pytest.raises(ModelFolderError):
        load_parameters(folder / "modern", experiment("swiss-roll"))
    for name in ("model.json", "parameters.safetensors"):
        (tmp_path / name).write_bytes((folder / "modern" / name).read_bytes())
    altered = bytearray((tmp_path / "parameters.safetensors").read_bytes())
    altered[-1] ^= 1
    (tmp_path / "parameters.safetensors").write_bytes(altered)
    with pytest.raises(ModelFolderError, match="not the parameters that heartbeat saved"):
        load_parameters(tmp_path, chosen)


def test_one_variant_alone_with_a_setting_of_its_own(tmp_path):
    """T and steps as its `adapt` says, when it is trained and when its parameters are loaded."""

    def shorter(setting: Setting) -> Setting:
        return replace(setting, trajectory_length=4, train=replace(setting.train, max_steps=2))

    whole = experiment("heartbeat")
    small = replace(whole, variants=tuple(replace(v, adapt=shorter) for v in whole.variants))
    metrics = run(
        small,
        tiny("heartbeat", trajectory_length=8),
        tmp_path / "out",
        variants=["modern"],
        quick=True,
    )
    assert list(metrics["variants"]) == ["modern"]
    assert metrics["K"] == metrics["variants"]["modern"]["K"]
    assert metrics["variants"]["modern"]["steps"] == 2
    assert not (tmp_path / "out" / "paper").exists()
    assert load_parameters(tmp_path / "out" / "modern", small).trajectory_length == 4
    with pytest.raises(SettingError, match="no variant 'newer'"):
        run(whole, tiny("heartbeat"), tmp_path / "new", variants=["newer"])
    assert not (tmp_path / "new").exists()


def test_swiss_roll_with_one_of_its_models(tmp_path):
    setting = tiny("swiss-roll", trajectory_length=6, n_train=64, n_valid=32, n_test=20)
    metrics = run(experiment("swiss-roll"), setting, tmp_path / "out", variants=["paper-fixed"])
    assert list(metrics["variants"]) == ["paper-fixed"]
    assert "gain_of_the_learned_schedule" not in metrics
    assert (tmp_path / "out" / "schedules.png").stat().st_size > 1000


def test_a_variant_that_fails_does_not_lose_the_one_before(tmp_path):
    whole = experiment("heartbeat")
    first, second, *_ = whole.variants
    broken = replace(whole, variants=(first, replace(second, build=lambda setting, key: 1 / 0)))
    with pytest.raises(ZeroDivisionError):
        run(broken, tiny("heartbeat", trajectory_length=8), tmp_path / "out")
    assert load_parameters(tmp_path / "out" / first.name, whole).trajectory_length == 8
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_an_older_result_is_gone_before_the_new_run_has_ended(tmp_path):
    """So that no table takes numbers of one run for the figures and parameters of another."""
    chosen = experiment("heartbeat")
    (tmp_path / "metrics.json").write_text("{}")
    (tmp_path / "results.md").write_text("older")
    (tmp_path / "notes.txt").write_text("mine")
    broken = replace(chosen, load=lambda setting, seed: (_ for _ in ()).throw(DataError("no data")))
    with pytest.raises(DataError):
        run(broken, tiny("heartbeat"), tmp_path, force=True)
    assert (tmp_path / "metrics.json").exists()  # nothing has been replaced
    stopped = replace(
        chosen.variants[0], build=lambda setting, key: (_ for _ in ()).throw(KeyboardInterrupt())
    )
    with pytest.raises(KeyboardInterrupt):
        run(replace(chosen, variants=(stopped,)), tiny("heartbeat"), tmp_path, force=True)
    assert not (tmp_path / "metrics.json").exists()
    assert not (tmp_path / "results.md").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_holds_something_is_not_written_into(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="holds something already"):
        run(experiment("heartbeat"), tiny("heartbeat"), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_missing_data_leave_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("QUASISTATIC_DATA", str(tmp_path))
    for name in ("mnist", "bmnist", "cifar10"):
        with pytest.raises(DataError, match="the data are not there"):
            run(experiment(name), experiment(name).quick, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tables(heartbeat_run, tmp_path):
    _, metrics = heartbeat_run
    for name, found in (
        ("a", metrics),
        ("b", metrics | {"experiment": "swiss-roll", "quick": False}),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(json.dumps(found))
    lines = write_table("table1", tmp_path).splitlines()
    assert len(lines) == 2 + 2 + 2
    assert lines[2].startswith("| swiss-roll | modern |")
    assert "| heartbeat (quick) | paper | bits per sequence |" in lines[-1]
    assert lines[-1].endswith("| -2.414 | 12.024 |")
    assert (tmp_path / "table1.md").read_text().splitlines() == lines
    with pytest.raises(DataError, match="no results for table2"):
        write_table("table2", tmp_path)
    parzen = {"paper": {"bits_per_image": 300.04, "stderr": 2.0, "samples": 10_000}}
    (tmp_path / "c").mkdir()
    found = {
        "experiment": "mnist",
        "quick": False,
        "parzen": parzen,
        "variants": {"paper": {"K": 1.5, "K_stderr": 0.25}},
    }
    (tmp_path / "c" / "metrics.json").write_text(json.dumps(found))
    assert "| this program, paper | 300.0 ± 2.0 | 10000 | 1.500 ± 0.250 |" in write_table(
        "table2", tmp_path
    )
    nats = {"modern": {"K": -90.0, "K_stderr": 1.0, "lower": -88.25, "lower_stderr": 0.5}}
    found = {
        "experiment": "bmnist",
        "quick": True,
        "nats_per_image": nats,
        "test_images": 64,
        "published_nats_per_image": {"DRAW": -80.97},
    }
    (tmp_path / "c" / "metrics.json").write_text(json.dumps(found))
    assert write_table("table3", tmp_path).splitlines()[2:] == [
        "| DRAW |  | -80.970 |  |",
        "| this program, modern (quick) | -90.000 ± 1.000 | -88.250 ± 0.500 | 64 |",
    ]
    (tmp_path / "c" / "metrics.json").write_text("{}")
    with pytest.raises(DataError, match="no result of an experiment"):
        write_table("table2", tmp_path)


def test_the_catalogue():
    assert {name for names in TABLES.values() for name in names} == set(EXPERIMENTS)
    for name in EXPERIMENTS:
        assert experiment(name).name == name
        assert len({v.name for v in experiment(name).variants}) == len(experiment(name).variants)
    with pytest.raises(SettingError, match="no experiment 'bark'"):
        experiment("bark")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_model_of_both_sizes_can_be_built(name):
    """Sizes that do not fit raise; every variant of an experiment models the same columns, in the
    same steps but for the one whose steps are few."""
    chosen = experiment(name)
    for setting in (chosen.quick, chosen.full):
        models = {v.name: v.build(setting, jax.random.key(0)) for v in chosen.variants}
        lengths = {n: m.trajectory_length for n, m in models.items()}
        assert lengths.pop("few-steps", FEW_STEPS) == FEW_STEPS
        assert set(lengths.values()) == {setting.trajectory_length}
        assert len({m.forward.n_columns for m in models.values()}) == 1


@pytest.fixture(scope="module")
def images():
    setting = Setting(
        TrainConfig(),
        trajectory_length=5,
        n_train=40,
        n_valid=8,
        n_test=8,
        repetitions=1,
        trajectories=3,
        sizes={
            "side": 8,
            "channels": 3,
            "layers": 1,
            "scales": 2,
            "dense": 1,
            "bumps": 3,
            "unet": 4,
            "depth": 1,
        },
    )
    stacks = [patches(n, 8, seed) for seed, n in enumerate((40, 8, 8))]
    return setting, image_data(*stacks), stacks


def test_the_unit_of_image_likelihoods_is_a_density_of_unit_variance(images):
    """The mass of a narrow cell over its width is the density at its centre: L_null is -2.047 bits
    a pixel on such data."""
    setting, data, _ = images
    model = modern_model(setting, jax.random.key(0))
    null = log_null(model.forward.blocks[0], data.train) + data.log_volume
    density = -0.5 * np.sum(
        data.train.value.astype(np.float64) ** 2 + math.log(2 * math.pi), axis=1
    )
    np.testing.assert_allclose(null, density, atol=0.02)
    assert abs(null.mean() / 64 / math.log(2) + 2.047) < 0.01


@pytest.mark.parametrize("build", [paper_model, modern_model])
def test_untrained_image_models_can_be_measured_and_drawn(images, build, tmp_path):
    setting, data, stacks = images
    model = build(setting, jax.random.key(0))
    found = measure(model, data, setting, 64, key=jax.random.key(1))
    assert all(np.isfinite(value) for value in found.values())
    if build is modern_model:
        samples_beside_data(stacks[2], {"model": stacks[0][:8]}, tmp_path / "s.png")
        reverse_pictures(
            model, data.decode, tmp_path / "r.png", tmp_path / "r.gif", key=jax.random.key(0), n=4
        )
        assert (tmp_path / "r.gif").stat().st_size > 500


def test_kept_states_are_those_of_sampling(images):
    setting, data, _ = images
    model, key = modern_model(setting, jax.random.key(0)), jax.random.key(2)
    states = reverse_states(model, 3, [5, 3, 0], key=key)
    assert [x.shape for x in states] == [(3, 64)] * 3
    whole = reverse_states(model, 3, [0], key=key)
    np.testing.assert_allclose(states[-1], whole[0], atol=1e-5)
    assert np.std(sample_rows(model, 64, key=key)[0]) == pytest.approx(1.0, abs=0.2)
    noisy = forward_states(model, data.test, [0, 5], key=key)
    np.testing.assert_array_equal(noisy[0], data.test.value)
    assert abs(np.std(noisy[1]) - 1) < 0.2
