"""`quasistatic inspect`: what a model folder holds."""

import json
from pathlib import Path
from typing import Any

from quasistatic.cli.options import Json, Model
from quasistatic.cli.screen import Screen, describe, nats


def inspect(model: Model, as_json: Json = False) -> None:
    """Show the columns, settings, training and origin of a model.

    The sums of all files in the folder are verified on the way.

    **Examples**

    `quasistatic inspect model`

    `quasistatic inspect model --json`
    """
    screen = Screen(as_json=as_json)

    from quasistatic import load

    density = load(model)
    manifest = dict(density.manifest_)
    history = manifest.pop("history")
    parameters = manifest.pop("parameters")
    config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    settings = config["model"] | config["train"]
    training = summary(history)

    screen.schema(density.schema_)
    screen.result(f"Base measure: {density.schema_.base_measure()}")
    screen.tell()
    screen.table("Settings", ["setting", "value"], [[name, _text(value)] for name, value in settings.items()])
    screen.tell()
    screen.table("Training", ["", ""], [[name, _text(value)] for name, value in training.items()])
    screen.tell()
    screen.table("Model folder", ["", ""], [[name, text] for name, text in _flat(manifest)])
    screen.json(
        {
            "model": model,
            **describe(density.schema_),
            "parameters": parameters,
            "settings": settings,
            "training": training,
            "history": history,
            "manifest": manifest,
        }
    )


def summary(history: list[dict[str, Any]]) -> dict[str, Any]:
    """The training history in four numbers."""
    if not history:
        return {}
    best = max(history, key=lambda event: event["valid_nats"])
    return {
        "evaluations": len(history),
        "steps": history[-1]["step"],
        "best step": best["step"],
        "validation bound, nats per row": best["valid_nats"],
        "training bound there, nats per row": best["train_nats"],
    }


def _text(value: Any) -> str:
    return nats(value) if isinstance(value, float) and abs(value) >= 1 else str(value)


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as lines: `versions.jax  0.10.2`."""
    lines = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines += _flat(value, f"{prefix}{name}.")
        else:
            lines.append((f"{prefix}{name}", str(value)))
    return lines
