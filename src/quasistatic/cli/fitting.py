"""What `fit` and `demo` do: look before any work, fit with progress and checkpoints, save, and say
what was reached.
"""

import os
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from quasistatic.cli.failure import say
from quasistatic.cli.progress import FitProgress
from quasistatic.cli.screen import Screen, describe, duration, in_bits, nats
from quasistatic.errors import (
    DataError,
    OutputError,
    QuasistaticError,
    SchemaError,
    TrainingError,
)
from quasistatic.records import Misfit, parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quasistatic.data.columns.alternatives import Schemas
    from quasistatic.data.disk.sharing import Sharing
    from quasistatic.data.disk.table import AnyTable, DiskTable
    from quasistatic.estimator.density import DiffusionDensity


_LARGEST_SCHEMA = 2**26


@dataclass(frozen=True)
class Job:
    """A fit that can begin.

    Args:
        data: path of the data.
        table: table of the rows to fit.
        schemas: schemas of the table's columns.
        output: path of the model folder.
        resume: whether to go on from the checkpoint.
        force: whether an existing output is replaced.
        proposed: constraints that hold in every row and were not given.
    """

    data: str
    table: "AnyTable"
    schemas: "Schemas"
    output: str
    resume: bool
    force: bool
    proposed: "Sequence[str]" = ()

    @property
    def checkpoint(self) -> Path:
        """The folder of the training checkpoints."""
        return checkpoint_folder(self.output)


def checkpoint_folder(output: str) -> Path:
    """Where the checkpoints of a fit are kept until it has succeeded."""
    path = Path(output)
    return path.with_name(path.name + ".checkpoint")


def prepare(
    screen: Screen,
    data: str,
    output: str,
    *,
    kind: Literal["table", "images", "sequence"] | None = None,
    schema_file: str | None = None,
    missing: "Sequence[str]" = (),
    constraints: "Sequence[str]" = (),
    weights: str | None = None,
    seed: int = 0,
    resume: bool = False,
    force: bool = False,
    sharing: "Sharing | None" = None,
) -> Job:
    """Check the outputs, read the data, infer the schema and show it.

    Args:
        screen: screen on which the progress is shown.
        data: path of the data.
        output: path of the model folder.
        kind: kind of the data; None (default) goes by the file.
        schema_file: path of a JSON file with kinds of columns; None (default) infers all.
        missing: cells of a file of text that mean "missing", beside the usual ones (default none).
        constraints: what holds in every row, as it is written (default nothing).
        weights: name of a column of frequencies; None (default) counts every row once.
        seed: seed of the draws where frequencies are not whole numbers (default 0).
        resume: whether to go on from the checkpoint (default False).
        force: whether an existing output is replaced (default False).
        sharing: processes of this machine that have the same table; None (default): this one.
    """
    _check_outputs(output, resume=resume, force=force)

    from quasistatic.data.arranged import read_data
    from quasistatic.data.columns.alternatives import infer_schemas
    from quasistatic.data.constraints.found import find_constraints
    from quasistatic.data.constraints.tied import with_constraints
    from quasistatic.data.disk.fitting import table_on_disk
    from quasistatic.data.reading import read_as
    from quasistatic.data.text.names import resolve
    from quasistatic.data.weights import repeated, with_weights_left_out, without_weights

    folder = Path(output).resolve().parent
    # Of constraints all columns that one names are looked at together, in memory.
    streamed = kind in (None, "table") and not constraints
    on_disk = table_on_disk(data, folder, missing) if streamed else None
    if on_disk is not None:
        on_disk = on_disk if sharing is None else replace(on_disk, sharing=sharing)
        return _prepare_on_disk(
            screen, data, output, on_disk,
            schema_file=schema_file, weights=weights, seed=seed, resume=resume, force=force,
        )  # fmt: skip
    table = read_data(data, kind, missing)
    n_rows = len(table)
    if weights is not None:
        weights = resolve(weights, table.names) or weights
        table, frequencies = without_weights(table, weights)
        table = repeated(table, frequencies, seed)
    schemas = infer_schemas(table, None if schema_file is None else _read_json(schema_file))
    schemas = schemas if weights is None else with_weights_left_out(schemas, weights)
    schemas = with_constraints(table, schemas, constraints)
    table = read_as(table, schemas.first)
    width = f"{table.frame.width} columns" if table.layout is None else table.layout.words
    counted = "" if weights is None else f", {len(table)} by their weights"
    screen.tell(f"{data}: {n_rows} rows{counted}, {width}")
    screen.notes(table.notes)
    screen.schema(schemas.first)
    proposed = find_constraints(table, schemas.first)
    show_proposed(screen, proposed)
    return Job(data, table, schemas, output, resume, force, proposed)


def _prepare_on_disk(
    screen: Screen,
    data: str,
    output: str,
    table: "DiskTable",
    *,
    schema_file: str | None,
    weights: str | None,
    seed: int,
    resume: bool,
    force: bool,
) -> Job:
    """`prepare` of a table that is not held in memory."""
    from quasistatic.data.columns.alternatives import infer_schemas
    from quasistatic.data.constraints.found_on_disk import find_constraints_on_disk
    from quasistatic.data.disk.cells import bytes_of_cells
    from quasistatic.data.disk.parts import require_disk
    from quasistatic.data.text.names import resolve
    from quasistatic.data.weights import repeated, with_weights_left_out, without_weights

    folder, n_rows = Path(output).resolve().parent, len(table)
    if weights is not None:
        weights = resolve(weights, table.names) or weights
        table, frequencies = without_weights(table, weights)
        table = repeated(table, frequencies, seed)
    counted = "" if weights is None else f", {len(table)} by their weights"
    screen.tell(f"{data}: {n_rows} rows{counted}, {len(table.names)} columns, not held in memory")
    screen.notes(table.notes)
    schemas = infer_schemas(table, None if schema_file is None else _read_json(schema_file))
    schemas = schemas if weights is None else with_weights_left_out(schemas, weights)
    screen.schema(schemas.first)
    needed = bytes_of_cells(schemas.first, len(table))
    require_disk(needed, folder, what=f"the encoded table of {len(table)} rows")
    screen.tell(
        f"Until the fit has ended, its encoded rows take {needed / 2**30:.2f} GiB in {folder}"
    )
    proposed = find_constraints_on_disk(table, schemas.first)
    if proposed:
        screen.tell(f"These hold in every row of the table: {'; '.join(proposed)}")
    return Job(data, table, schemas, output, resume, force, proposed)


def show_proposed(screen: Screen, proposed: "Sequence[str]") -> None:
    """Constraints that hold in every row of the table, as the option that keeps them.

    Args:
        screen: screen on which they are shown.
        proposed: constraints as they are written.
    """
    if proposed:
        options = " ".join(f"--where {shlex.quote(text)}" for text in proposed)
        screen.tell(
            "These hold in every row of the table, and not in every sampled one. To keep them:"
        )
        screen.tell(f"  {options}")


def fit_and_save(screen: Screen, density: "DiffusionDensity", job: Job) -> dict[str, Any]:
    """Fit with progress and checkpoints, save the model, and say what was reached.

    Args:
        screen: screen on which the progress is shown.
        density: density to fit, with the settings of the fit.
        job: data to fit, and the path of the model folder.

    Returns:
        The values of the JSON result.
    """
    from quasistatic.checkpoint.training import clear_checkpoints

    checkpoint = job.checkpoint
    start = time.monotonic()
    from quasistatic import workers
    from quasistatic.fitted.settling import stopped_early

    if checkpoint.exists() and not job.resume and workers.is_first():
        clear_checkpoints(checkpoint)

    try:
        with FitProgress(screen.errors, hidden=screen.quiet) as progress:
            density.fit(
                job.table,
                schema=job.schemas,
                checkpoint=checkpoint,
                resume=job.resume,
                callback=progress,
            )
        seconds = time.monotonic() - start
        early = stopped_early(density.fitted_)
        if early:
            density.fitted_.record["stopped_early"] = early
        if job.proposed:
            density.fitted_.record["proposed"] = list(job.proposed)
        if workers.is_first():
            density.save(job.output, force=job.force)
    except KeyboardInterrupt:
        _say_how_to_resume(checkpoint)
        raise typer.Exit(130) from None
    except OSError:  # no space to save, say: the work so far is kept
        _say_how_to_resume(checkpoint)
        raise
    except QuasistaticError:
        if not job.resume and workers.count() == 1:
            clear_checkpoints(checkpoint)
        raise
    if workers.is_first():
        clear_checkpoints(checkpoint)
    return _reached(screen, density, job, seconds)


def _reached(
    screen: Screen, density: "DiffusionDensity", job: Job, seconds: float
) -> dict[str, Any]:
    """The values of the JSON result, said as well."""
    from quasistatic.fitted.rarity import rare_states, warning_of

    schema, history = density.schema_, density.history_
    bound = max(event["valid_nats"] for event in history)
    values = {
        "model": job.output,
        "data": job.data,
        "rows": len(job.table),
        **describe(schema),
        "proposed": list(job.proposed),
        "notes": list(job.table.notes),
        "validation_bound": bound,
        "unit": "nats per row",
        "steps": history[-1]["step"],
        "seconds": seconds,
        "seed": density.random_state,
    }
    for name in job.schemas.without_atoms(schema):
        screen.tell(
            f"Column {name!r} goes without point masses: held-out rows are no more likely with them"
        )
    for name in job.schemas.at_states(schema):
        screen.tell(f"The values of column {name!r} are states: held-out rows are likelier so")
    screen.result(
        f"Validation bound: {nats(bound)} nats per row "
        "(a lower bound on the mean log p of held-out rows)"
    )
    if schema.layout is not None:
        values |= {"validation_bound_bits": schema.layout.bits(bound)}
        values |= {"bits_unit": schema.layout.bits_unit}
        screen.result(f"  = {in_bits(schema.layout, bound)}")
    rare = warning_of(density.fitted_)
    if rare:
        values |= {"rare": rare_states(density.fitted_)}
        screen.warn(f"Warning: {rare}.")
    early = density.fitted_.record.get("stopped_early")
    if early:
        values |= {"stopped_early": early}
        screen.warn(f"Warning: {early}.")
    screen.result(f"Base measure: {values['base_measure']}")
    screen.result(f"Model saved: {job.output} ({values['steps']} steps, {duration(seconds)})")
    return values


def _read_json(file: str) -> Any:
    from quasistatic.data.door import ordinary

    fix = 'write {"columns": {NAME: {"kind": KIND}}}'
    try:
        ordinary(Path(file))
        if Path(file).stat().st_size > _LARGEST_SCHEMA:
            raise SchemaError(
                f"the file has more than {_LARGEST_SCHEMA} bytes", where=file, fix=fix
            )
        return parse_json(Path(file).read_bytes())
    except DataError as error:
        raise SchemaError(error.what, where=file, fix="give a file of JSON") from error
    except FileNotFoundError:
        raise SchemaError(
            "there is no such file", where=file, fix="check the path behind `--schema`"
        ) from None
    except OSError as error:
        raise SchemaError(f"the file cannot be read ({error.strerror})", where=file) from None
    except Misfit as error:
        raise SchemaError(str(error), where=file, fix=fix) from None


def _check_outputs(output: str, *, resume: bool, force: bool) -> None:
    """Refuse before any work what would fail or lose something after it."""
    from quasistatic.data.exchange import check_name

    model = Path(output)
    check_name(model)
    if not model.parent.is_dir():
        fix = f"make it: mkdir -p {model.parent}"
        raise OutputError(f"there is no folder {str(model.parent)!r}", where=output, fix=fix)
    if not os.access(model.parent, os.W_OK | os.X_OK):
        raise OutputError(
            f"the folder {str(model.parent)!r} cannot be written",
            where=output,
            fix="choose another one",
        )
    if os.path.lexists(model) and not force:
        raise OutputError(
            "it exists already", where=output, fix="give another name, or --force to replace it"
        )
    replaceable = (model / "manifest.json").is_file() or (
        model.is_dir() and not any(model.iterdir())
    )
    if os.path.lexists(model) and not replaceable:
        raise OutputError(
            "it exists and is no model folder", where=output, fix="give another name, or remove it"
        )
    checkpoint = checkpoint_folder(output)
    if resume and not checkpoint.exists():
        fix = "leave out --resume to start from the beginning"
        raise TrainingError("there is no checkpoint to resume from", where=str(checkpoint), fix=fix)
    if checkpoint.exists() and not resume and not force:
        fix = "go on from it with --resume, or start again with --force, which deletes it"
        raise OutputError("an earlier fit left its checkpoint here", where=str(checkpoint), fix=fix)


def _say_how_to_resume(checkpoint: Path) -> None:
    if any(checkpoint.glob("*/*.safetensors")):
        say(
            f"Stopped. The checkpoint is in {checkpoint}: give the same command again with "
            "`--resume` to go on from it."
        )
    else:
        # There may be folders for a checkpoint that was never written.
        from quasistatic.checkpoint.training import clear_checkpoints

        clear_checkpoints(checkpoint)
        say("Stopped before the first checkpoint: nothing was written.")
