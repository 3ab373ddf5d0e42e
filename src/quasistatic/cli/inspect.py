"""`quasistatic inspect`: what a model folder holds."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from quasistatic.cli.certify import show_certificate
from quasistatic.cli.fitting import show_proposed
from quasistatic.cli.ledger import ledger_values, show_ledger
from quasistatic.cli.options import Json, Model, Seed
from quasistatic.cli.screen import Screen, describe, nats
from quasistatic.errors import SettingError


def inspect(
    model: Model,
    ledger: Annotated[
        bool,
        typer.Option(
            "--ledger", help="Where along the trajectory the nats are lost, and what to change."
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DATA", help="Rows for the ledger. [default: rows the model generates]"
        ),
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Show the columns, settings, training, certificate and origin of a model.

    The sums of all files in the folder are verified on the way.

    **Examples**

    `quasistatic inspect model`

    `quasistatic inspect model --ledger --data table.csv`

    `quasistatic inspect model --json`
    """
    screen = Screen(as_json=as_json)
    if data is not None and not ledger:
        raise SettingError(
            "--data is read for the ledger alone", fix="add --ledger, or leave out --data"
        )

    from quasistatic import DiffusionDensity
    from quasistatic.estimator.loading import load, load_diffusion

    density = load_diffusion(model) if ledger else load(model)
    manifest = dict(density.manifest_)
    history = manifest.pop("history")
    parameters = manifest.pop("parameters")
    certificate = manifest.pop("certificate", None)
    config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    settings = config["model"] | config["train"]
    training = summary(history)

    screen.schema(density.schema_)
    screen.result(f"Base measure: {density.schema_.base_measure()}")
    room = config.get("ties", {}).get("room", {})
    if room.get("columns"):
        names, nats = ", ".join(room["columns"]), room["log_share"]
        screen.result(f"log p is given the limits of {names}, log-probability {nats:.3f} nats")
    proposed = manifest.pop("proposed", [])
    patterns = manifest.pop("missing", None)
    show_proposed(screen, proposed)
    screen.tell()
    screen.table(
        "Settings", ["setting", "value"], [[name, _text(value)] for name, value in settings.items()]
    )
    screen.tell()
    screen.table("Training", ["", ""], [[name, _text(value)] for name, value in training.items()])
    screen.tell()
    screen.table("Model folder", ["", ""], [[name, text] for name, text in _flat(manifest)])
    screen.tell()
    if not isinstance(density, DiffusionDensity):
        screen.tell("No certificate: an energy has no trajectory.")
    elif certificate is None:
        screen.tell(
            f"No certificate yet: `quasistatic certify {model}` bounds the error of its "
            "likelihoods."
        )
    else:
        from quasistatic.fitted.certificate import Certificate

        show_certificate(screen, Certificate.from_json(certificate))
    report = _ledger(density, data, seed) if ledger else None
    if report is not None:
        screen.tell()
        show_ledger(screen, report)
    screen.json(
        {
            "model": model,
            "certificate": certificate,
            "ledger": None if report is None else ledger_values(report),
            **describe(density.schema_),
            "proposed": proposed,
            "missing": patterns,
            "parameters": parameters,
            "settings": settings,
            "training": training,
            "history": history,
            "manifest": manifest,
        }
    )


def _ledger(density: Any, data: str | None, seed: int) -> Any:
    from quasistatic.data.arranged import read_like

    return density.ledger(
        None if data is None else read_like(density.schema_, data), random_state=seed
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
