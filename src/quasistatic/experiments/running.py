"""Running an experiment: train every variant, measure it, write numbers, parameters and figures."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from quasistatic.checkpoint import versions
from quasistatic.errors import OutputError, SettingError
from quasistatic.experiments.experiment import Experiment, Run, Setting, Trained, Variant
from quasistatic.experiments.machine import machine
from quasistatic.experiments.metrics import measure
from quasistatic.experiments.results import results
from quasistatic.experiments.store import save_parameters
from quasistatic.experiments.written import write_file
from quasistatic.train.loop import Event, fit
from quasistatic.trajectory import sample_rows

Progress = Callable[[str, Event], None]
Stage = Callable[[str], None]


def run(
    experiment: Experiment,
    setting: Setting,
    folder: Path,
    *,
    seed: int = 0,
    variants: Sequence[str] = (),
    quick: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    stage: Stage = lambda message: None,
) -> dict[str, Any]:
    """Run an experiment and write `metrics.json`, `results.md`, one folder of parameters per
    variant, and the figures.

    Args:
        experiment: experiment to run.
        setting: size of the run, usually `experiment.full` or `experiment.quick`.
        folder: folder for all output, created if absent.
        seed: seed of data, initial weights, training and evaluation (default 0).
        variants: names of the variants to run; empty: all.
        quick: whether this is the quick setting; noted in metrics.json, no other effect.
        force: whether to write into a folder that is not empty. Old numbers are deleted first, so
            a metrics.json is always that of a complete run.
        progress: function called with the variant's name after each evaluation during training.
        stage: function called with a message before work that takes long and reports no steps.

    Returns:
        The content of metrics.json.

    Raises:
        OutputError: the folder is not empty (and not `force`).
        DataError: a file of the data is missing or damaged.
        SettingError: there is no variant of that name.
    """
    folder = Path(folder)
    chosen = _chosen(experiment, variants)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not force:
        raise OutputError(
            "the folder holds something already",
            where=str(folder),
            fix="choose another one, or --force",
        )
    began = time.monotonic()
    data = experiment.load(setting, seed)  # before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("metrics.json", "results.md"):
        (folder / name).unlink(missing_ok=True)
    done = Run(experiment, setting, data, (), folder, seed)
    for variant in chosen:
        item = _train(experiment, setting, variant, data, seed, progress, stage)
        save_parameters(
            folder / variant.name, done, item
        )  # at once: the next one may fail after an hour
        done = done._replace(trained=(*done.trained, item))
    stage("comparisons and figures")
    first = done.trained[0].metrics
    metrics = {
        "experiment": experiment.name,
        **{name: first[name] for name in ("K", "L_null", "K_minus_L_null", "lower", "upper")},
        "units": experiment.units,
        "seed": seed,
        "quick": quick,
        "versions": versions(),
        "machine": machine(),
        "published": asdict(experiment.published),
        "variants": {
            item.variant.name: {"note": item.variant.note, **item.metrics} for item in done.trained
        },
        **(experiment.extra(done) if experiment.extra else {}),
    }
    if experiment.draw is not None:
        experiment.draw(done)
    metrics["seconds"] = round(time.monotonic() - began, 1)
    write_file(folder / "results.md", results(metrics))
    write_file(folder / "metrics.json", json.dumps(metrics, indent=1, allow_nan=False) + "\n")
    return metrics


def _chosen(experiment: Experiment, names: Sequence[str]) -> tuple[Variant, ...]:
    known = [variant.name for variant in experiment.variants]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingError(
            f"{experiment.name} has no variant {unknown[0]!r}",
            fix=f"choose among {', '.join(known)}",
        )
    return tuple(variant for variant in experiment.variants if not names or variant.name in names)


def _train(
    experiment: Experiment,
    setting: Setting,
    variant: Variant,
    data: Any,
    seed: int,
    progress: Progress | None,
    stage: Stage,
) -> Trained:
    build_key, measure_key, sample_key = jax.random.split(jax.random.key(seed), 3)
    setting = variant.adapt(setting)
    config = replace(setting.train, seed=seed)
    if variant.learning_rate is not None:
        config = replace(config, learning_rate=variant.learning_rate)
    began = time.monotonic()

    minutes: list[float] = []

    def tell(event: Event) -> None:
        minutes.append((time.monotonic() - began) / 60)
        if progress is not None:
            progress(variant.name, event)

    model = experiment.prepare(variant.build(setting, build_key), data)
    valid = None if data.valid is None else (data.valid,)
    found = fit(model, (data.train,), valid, config, callback=tell)
    seconds = time.monotonic() - began
    history = [
        event | {"minutes": round(m, 3)} for event, m in zip(found.history, minutes, strict=True)
    ]
    stage(
        f"{variant.name}: {setting.n_test} test rows are scored, "
        f"{setting.trajectories} trajectories each"
    )
    metrics = measure(found.model, data, setting, experiment.per_row(setting), key=measure_key)
    metrics |= {"test_rows": setting.n_test, "trajectories": setting.trajectories}
    metrics |= {"steps": history[-1]["step"], "training_seconds": round(seconds, 1)}
    stage(f"{variant.name}: {setting.n_samples} rows are drawn")
    samples = np.asarray(sample_rows(found.model, setting.n_samples, key=sample_key)[0])
    return Trained(variant, found.model, history, metrics, samples)
