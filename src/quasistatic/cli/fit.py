"""`quasistatic fit`: a density model of a table, of images or of sequences."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from quasistatic.cli.failure import say
from quasistatic.cli.options import Data, Force, Json, Quiet, Seed
from quasistatic.cli.progress import FitProgress
from quasistatic.cli.screen import Screen, describe, duration, in_bits, nats
from quasistatic.errors import OutputError, QuasistaticError, SchemaError, TrainingError

_TRAINING, _MODEL = "Training", "Model"


def _count(panel: str, text: str, *, least: int = 1) -> Any:
    return typer.Option(metavar="N", min=least, rich_help_panel=panel, help=text)


def _number(panel: str, text: str, *, most: float | None) -> Any:
    return typer.Option(metavar="X", min=0, max=most, rich_help_panel=panel, help=text)


def fit(
    data: Data,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="MODEL", help="The model folder to write.")
    ],
    schema: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Kinds of columns, as JSON: overrides what is inferred."),
    ] = None,
    kind: Annotated[
        Literal["table", "images", "sequence"] | None,
        typer.Option(
            metavar="NAME",
            help="`table`, `images` or `sequence`. [default: images for a folder and for a .npy "
            "file of 3 or 4 dimensions]",
        ),
    ] = None,
    preset: Annotated[
        Literal["default", "thorough"],
        typer.Option(
            metavar="NAME", help="`default`, or `thorough`: trains longer for a tighter bound."
        ),
    ] = "default",
    max_steps: Annotated[
        int | None, _count(_TRAINING, "Training steps at most. [default: by the table]")
    ] = None,
    max_minutes: Annotated[
        float | None,
        _number(
            _TRAINING,
            "Minutes of training at most; the result then depends on the machine's speed. "
            "Below 3, a table of fewer than 2,000 rows is not cross-validated.",
            most=None,
        ),
    ] = None,
    batch_size: Annotated[
        int | None, _count(_TRAINING, "Rows in a batch. [default: by the table]")
    ] = None,
    learning_rate: Annotated[
        float | None, _number(_TRAINING, "Peak learning rate. [default: 0.002]", most=None)
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=_TRAINING,
            help="Go on from MODEL.checkpoint; the result is the same.",
        ),
    ] = False,
    trajectory_length: Annotated[
        int | None, _count(_MODEL, "Steps T of the diffusion. [default: by the table]")
    ] = None,
    discrete_kernel: Annotated[
        Literal["absorbing", "binomial", "categorical"] | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_MODEL,
            help="How binary and categorical columns diffuse: `absorbing` (default), "
            "`binomial` or `categorical`.",
        ),
    ] = None,
    schedule: Annotated[
        Literal["learned", "linear", "cosine"] | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_MODEL,
            help="How fast numbers diffuse: `learned` (default), `linear` or `cosine`.",
        ),
    ] = None,
    column_transform: Annotated[
        Literal["auto", "affine", "spline"] | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_MODEL,
            help="Numbers before they diffuse: `affine` (standardised), `spline` (made normal), "
            "`auto` (default; by column).",
        ),
    ] = None,
    width: Annotated[
        int | None, _count(_MODEL, "Width of the network. [default: by the table]")
    ] = None,
    depth: Annotated[
        int | None, _count(_MODEL, "Blocks of the network. [default: by the table]")
    ] = None,
    dropout: Annotated[
        float | None, _number(_MODEL, "Dropout in training. [default: by the table]", most=0.95)
    ] = None,
    frequencies: Annotated[
        int | None,
        _count(
            _MODEL,
            "Octaves of sines by which the network sees each number. [default: by the table]",
            least=0,
        ),
    ] = None,
    members: Annotated[
        int | None,
        _count(
            _MODEL,
            "Networks that are trained apart and asked together. [default: 4 on a small table, "
            "else 1]",
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a density model to a table, to images or to sequences, and save it as a folder.

    The kinds of the columns (number, count, category, date ...) are inferred and printed. Missing
    cells are accepted. Training stops by itself when the bound on held-out rows no longer improves.
    Ctrl-C keeps a checkpoint: go on with `--resume`.

    **Examples**

    `quasistatic fit table.csv -o model`

    `quasistatic fit table.parquet -o model --seed 7 --max-minutes 10`

    `quasistatic fit table.csv -o model --resume`

    `quasistatic fit folder-of-images -o model --max-minutes 20`

    `quasistatic fit spikes.npy --kind sequence -o model`
    """
    screen = Screen(as_json=as_json, quiet=quiet)
    settings = {
        "discrete_kernel": discrete_kernel,
        "schedule": schedule,
        "column_transform": column_transform,
        "preset": preset,
        "trajectory_length": trajectory_length,
        "max_steps": max_steps,
        "max_minutes": max_minutes,
        "width": width,
        "depth": depth,
        "dropout": dropout,
        "frequencies": frequencies,
        "members": members,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "random_state": seed,
    }
    _, values = fit_and_save(
        screen, data, output, settings, kind=kind, schema_file=schema, resume=resume, force=force
    )
    images = values.get("layout", {}).get("kind") == "images"
    screen.tell(
        f"Next: quasistatic sample {output} "
        f"{'-n 64 -o grid.png' if images else '-n 1000 -o synthetic.csv'}"
    )
    screen.tell(f"      quasistatic score {output} {data} -o scores.csv")
    screen.tell(f"      quasistatic inspect {output}")
    screen.json(values)


def checkpoint_folder(output: str) -> Path:
    """Where the checkpoints of a fit are kept until it has succeeded."""
    path = Path(output)
    return path.with_name(path.name + ".checkpoint")


def fit_and_save(
    screen: Screen,
    data: str,
    output: str,
    settings: dict[str, Any],
    *,
    kind: Literal["table", "images", "sequence"] | None = None,
    schema_file: str | None = None,
    resume: bool = False,
    force: bool = False,
) -> tuple[Any, dict[str, Any]]:
    """Fit with progress and checkpoints, save the model, and say what was reached.

    Returns:
        The fitted `DiffusionDensity`, and the values of the JSON result.
    """
    checkpoint = checkpoint_folder(output)
    _check_outputs(output, checkpoint, resume=resume, force=force)

    from quasistatic.data.arranged import read_data
    from quasistatic.data.columns.infer import infer_schema

    table = read_data(data, kind)
    overrides = None if schema_file is None else _read_json(schema_file)
    schema = infer_schema(table, overrides)
    width = f"{table.frame.width} columns" if table.layout is None else table.layout.words
    screen.tell(f"{data}: {table.frame.height} rows, {width}")
    screen.schema(schema)

    from quasistatic import DiffusionDensity

    density = DiffusionDensity(
        **{name: value for name, value in settings.items() if value is not None}
    )
    start = time.monotonic()
    if checkpoint.exists() and not resume:
        shutil.rmtree(checkpoint)
    try:
        with FitProgress(screen.errors, hidden=screen.quiet) as progress:
            density.fit(
                table,
                schema=overrides,
                checkpoint=str(checkpoint),
                resume=resume,
                callback=progress,
            )
        seconds = time.monotonic() - start
        density.save(output, force=force)
    except KeyboardInterrupt:
        _say_how_to_resume(checkpoint)
        raise typer.Exit(130) from None
    except OSError:  # no space to save, say: the work so far is kept
        _say_how_to_resume(checkpoint)
        raise
    except QuasistaticError:
        if not resume:
            shutil.rmtree(checkpoint, ignore_errors=True)
        raise
    shutil.rmtree(checkpoint, ignore_errors=True)

    values = {
        "model": output,
        "data": data,
        "rows": table.frame.height,
        **describe(density.schema_),
        "validation_bound": max(event["valid_nats"] for event in density.history_),
        "unit": "nats per row",
        "steps": density.history_[-1]["step"],
        "seconds": seconds,
        "seed": settings["random_state"],
    }
    for before, after in zip(schema.columns, density.schema_.columns, strict=True):
        if before.atoms and not after.atoms:
            screen.tell(
                f"Column {before.name!r} goes without point masses: "
                "held-out rows are no more likely with them"
            )
    screen.result(
        f"Validation bound: {nats(values['validation_bound'])} nats per row (a lower bound on the "
        "mean log p of held-out rows)"
    )
    if schema.layout is not None:
        values |= {"validation_bound_bits": schema.layout.bits(values["validation_bound"])}
        values |= {"bits_unit": schema.layout.bits_unit}
        screen.result(f"  = {in_bits(schema.layout, values['validation_bound'])}")
    screen.result(f"Base measure: {values['base_measure']}")
    screen.result(f"Model saved: {output} ({values['steps']} steps, {duration(seconds)})")
    return density, values


def _read_json(file: str) -> Any:
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SchemaError(
            "there is no such file", where=file, fix="Check the path behind `--schema`."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"the file cannot be read ({error})", where=file) from None
    except json.JSONDecodeError as error:
        fix = 'Write {"columns": {NAME: {"kind": KIND}}}.'
        raise SchemaError(
            f"this is no JSON: {error.msg}", where=f"{file}, line {error.lineno}", fix=fix
        ) from None


def _check_outputs(output: str, checkpoint: Path, *, resume: bool, force: bool) -> None:
    """Refuse before any work what would fail or lose something after it."""
    model = Path(output)
    if not model.parent.is_dir():
        fix = f"Make it: mkdir -p {model.parent}"
        raise OutputError(f"there is no folder {str(model.parent)!r}", where=output, fix=fix)
    if not os.access(model.parent, os.W_OK | os.X_OK):
        raise OutputError(
            f"the folder {str(model.parent)!r} cannot be written",
            where=output,
            fix="Choose another one.",
        )
    if os.path.lexists(model) and not force:
        raise OutputError(
            "it exists already", where=output, fix="Give another name, or --force to replace it."
        )
    replaceable = (model / "manifest.json").is_file() or (
        model.is_dir() and not any(model.iterdir())
    )
    if os.path.lexists(model) and not replaceable:
        raise OutputError(
            "it exists and is no model folder", where=output, fix="Give another name, or remove it."
        )
    if resume and not checkpoint.exists():
        fix = "Leave out --resume to start from the beginning."
        raise TrainingError("there is no checkpoint to resume from", where=str(checkpoint), fix=fix)
    if checkpoint.exists() and not resume and not force:
        fix = "Go on from it with --resume, or start again with --force, which deletes it."
        raise OutputError("an earlier fit left its checkpoint here", where=str(checkpoint), fix=fix)


def _say_how_to_resume(checkpoint: Path) -> None:
    if any(checkpoint.glob("*/*.safetensors")):
        say(
            f"Stopped. The checkpoint is in {checkpoint}: give the same command again with "
            "`--resume` to go on from it."
        )
    else:
        shutil.rmtree(
            checkpoint, ignore_errors=True
        )  # folders for a checkpoint that was never written
        say("Stopped before the first checkpoint: nothing was written.")
