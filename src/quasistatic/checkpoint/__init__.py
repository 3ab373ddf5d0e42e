"""What is kept on disk: model folders and training checkpoints. JSON and safetensors; no pickle."""

from quasistatic.checkpoint.diffusion import StoredModel, load_model, save_model
from quasistatic.checkpoint.folder import versions
from quasistatic.checkpoint.training import TrainingStore, remove_checkpoints

__all__ = [
    "StoredModel",
    "TrainingStore",
    "load_model",
    "remove_checkpoints",
    "save_model",
    "versions",
]
