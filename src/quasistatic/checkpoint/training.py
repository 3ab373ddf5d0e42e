"""The checkpoint of a training run, from which it goes on as if it had not stopped."""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors import numpy as safetensors

from quasistatic.checkpoint.arrays import arrays_of, digest_of, with_arrays, write_file
from quasistatic.errors import OutputError, TrainingError

__all__ = ["FILE", "TrainingStore", "clear_checkpoints", "remove_checkpoints"]

FILE = "training.safetensors"


@dataclass(frozen=True)
class TrainingStore:
    """The checkpoint of a training run: one file, replaced as a whole after every evaluation.

    Args:
        folder: folder that the checkpoint lies in.
        identity: text of all that the run depends on (settings, data fingerprint); another run's
            checkpoint is refused.
        resume: whether to go on from the checkpoint that is there; otherwise a run starts anew
            (default False).
    """

    folder: Path
    identity: str
    resume: bool = False

    @property
    def _file(self) -> Path:
        return self.folder / FILE

    def restore(self, state: Any) -> tuple[Any, list[dict[str, float]]]:
        """The stored state and history, or the given state when there is nothing to resume.

        Args:
            state: a `train.TrainState` of the same run, before its first step.

        Raises:
            TrainingError: the checkpoint is of another run, or damaged.
        """
        if not (self.resume and self._file.exists()):
            return state, []
        try:
            content = self._file.read_bytes()
            size = int.from_bytes(content[:8], "little")
            header = json.loads(content[8 : 8 + size])["__metadata__"]
            identity, text, digest = header["identity"], header["scalars"], header["sha256"]
            arrays = safetensors.load(content)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise self._error(f"the checkpoint is damaged ({error})") from error
        if digest != _digest(identity, text, arrays):
            raise self._error("the checkpoint is damaged (its SHA-256 differs)")
        if identity != self.identity:
            raise self._error("the checkpoint is of a run with other data, settings or versions")
        scalars = json.loads(text)
        restored = with_arrays(state._replace(**dict.fromkeys(scalars["state"])), arrays)
        return restored._replace(**scalars["state"]), scalars["history"]

    def save(self, state: Any, history: list[dict[str, float]]) -> None:
        """Store a `train.TrainState` and the evaluations so far."""
        scalars = {
            name: value for name, value in state._asdict().items() if isinstance(value, int | float)
        }
        arrays = arrays_of(state._replace(**dict.fromkeys(scalars)))
        text = json.dumps({"state": scalars, "history": history})
        metadata = {
            "identity": self.identity,
            "scalars": text,
            "sha256": _digest(self.identity, text, arrays),
        }
        fresh = self.folder / f".new-{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_file(fresh, safetensors.save(arrays, metadata))
            os.replace(fresh, self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise OutputError(
                f"the checkpoint cannot be written ({error.strerror})",
                where=str(self.folder),
                fix="free the disk",
            ) from error

    def clear(self) -> None:
        """Remove the checkpoint."""
        clear_checkpoints(self.folder)

    def _error(self, what: str) -> TrainingError:
        return TrainingError(
            what,
            where=str(self._file),
            fix="resume with the same command, or start anew without it",
        )


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of every phase of an earlier fit, and nothing else."""
    for file in folder.glob(f"*/{FILE}"):
        file.unlink()


def clear_checkpoints(folder: Path) -> None:
    """Remove the checkpoints below a folder, and the folders that are empty then; what is somebody
    else's stays.

    Args:
        folder: folder of the checkpoints of a fit, or of one phase.
    """
    for file in folder.rglob("*"):
        if file.name == FILE or (file.name.startswith(".new-") and file.is_file()):
            file.unlink(missing_ok=True)
    below = sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True)
    for path in (*below, folder):
        with contextlib.suppress(OSError):
            path.rmdir()


def _digest(identity: str, scalars: str, arrays: dict[str, Any]) -> str:
    """SHA-256 of all that is restored."""
    return hashlib.sha256(f"{identity}\0{scalars}\0{digest_of(arrays)}".encode()).hexdigest()
