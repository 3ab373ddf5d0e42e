"""The parameters of an experiment's model: safetensors and JSON, as everywhere; no pickle."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jax
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from quasistatic.checkpoint.arrays import arrays_of, with_arrays
from quasistatic.config import TrainConfig
from quasistatic.errors import ModelFolderError
from quasistatic.experiments.experiment import Experiment, Run, Setting, Trained
from quasistatic.experiments.written import write_file
from quasistatic.model import DiffusionModel


def save_parameters(folder: Path, run: Run, trained: Trained) -> None:
    """Write `parameters.safetensors` and `model.json`: which experiment and variant, its setting,
    the training's history.
    """
    folder.mkdir(exist_ok=True)
    content = safetensors.save(arrays_of(trained.model))
    own = trained.variant.adapt(run.setting)
    setting = {**own.__dict__, "train": own.train.to_json(), "sizes": dict(own.sizes)}
    record: dict[str, Any] = {
        "experiment": run.experiment.name,
        "variant": trained.variant.name,
        "seed": run.seed,
        "setting": setting,
        "history": [
            {k: v for k, v in event.items() if v == v} for event in trained.history
        ],  # without NaN
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_file(folder / "parameters.safetensors", content)
    write_file(folder / "model.json", json.dumps(record, indent=1, allow_nan=False) + "\n")


def load_parameters(folder: str | Path, experiment: Experiment) -> DiffusionModel:
    """The trained model of a variant's folder.

    Args:
        folder: folder written by `save_parameters`.
        experiment: experiment that the folder names.

    Raises:
        ModelFolderError: the folder is missing, altered, or of another experiment.
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        content = (folder / "parameters.safetensors").read_bytes()
        variant = {v.name: v for v in experiment.variants}[record["variant"]]
        if (
            record["experiment"] != experiment.name
            or hashlib.sha256(content).hexdigest() != record["sha256"]
        ):
            raise ModelFolderError(
                f"these are not the parameters that {experiment.name} saved",
                where=str(folder),
                fix="run the experiment again",
            )
        setting = Setting(
            **record["setting"] | {"train": TrainConfig.from_json(record["setting"]["train"])}
        )
        return with_arrays(variant.build(setting, jax.random.key(0)), safetensors.load(content))
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        if isinstance(error, ModelFolderError):
            raise
        raise ModelFolderError(
            f"the folder's files are missing or do not fit together ({error})",
            where=str(folder),
            fix="run the experiment again",
        ) from error
