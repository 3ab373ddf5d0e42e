"""From a table to a fitted model: which candidate, which schema and how many steps, decided by the
bound K on held-out rows.

What held-out rows decide by knows nothing of them: neither networks and transforms nor atoms that
were found.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

import numpy as np

from quasistatic import workers
from quasistatic.cache import enable_compilation_cache
from quasistatic.checkpoint import remove_checkpoints
from quasistatic.compiled import require_own_process
from quasistatic.data.codec import Codec, check_columns
from quasistatic.data.columns.alternatives import Schemas, with_atoms_of
from quasistatic.data.columns.precision import lost_digits
from quasistatic.data.disk.cells import bytes_of_cells
from quasistatic.data.disk.parts import require_disk
from quasistatic.data.disk.table import ROWS, AnyTable, DiskTable
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.layout import are_images
from quasistatic.data.memory import check_size
from quasistatic.data.schema import Schema
from quasistatic.errors import SettingError, warn
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.settling import stopped_in_folds
from quasistatic.fitting._candidates import Candidate, candidates, is_cross_validated
from quasistatic.fitting._clusters import BASELINE, FEW_ROWS, MANY_ROWS, Size, best_size
from quasistatic.fitting._completion import ENOUGH_HELD_OUT, worth_completing
from quasistatic.fitting._defaults import COMPONENTS
from quasistatic.fitting._folds import Folds
from quasistatic.fitting._levels import with_states
from quasistatic.fitting._mixture import mixture_alone
from quasistatic.fitting._plan import groups
from quasistatic.fitting._steps import enough_steps
from quasistatic.fitting._trials import Trial, best_trial, mean_curve
from quasistatic.fitting.settings import FitSettings
from quasistatic.fitting.training import FitEvent, Trained, Trainer
from quasistatic.train import FitResult

__all__ = ["cross_validated", "fit_table", "split_once"]


class _Chosen(NamedTuple):
    """What is kept of all trainings.

    Args:
        result: trained model, its bound on held-out rows (nats per row) and its history.
        codec: codec of the model.
        candidate: settings of the final training.
        held_out: words that say which rows decided.
        stopped: sentence that says where the clock stopped a cross-validation (default: nowhere).
    """

    result: FitResult
    codec: Codec
    candidate: Candidate
    held_out: str
    stopped: str = ""


def fit_table(
    table: AnyTable,
    schemas: Schemas,
    settings: FitSettings,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    callback: Callable[[FitEvent], None] | None = None,
) -> Fitted:
    """Train on a table; schema, network and number of steps are chosen by the bound on held-out
    rows.

    A table of `defaults.SMALL` rows or more is split once, and so are images and what has less than
    `defaults.FEWEST_MINUTES`; the first schema is theirs. On a smaller table every schema is
    cross-validated with the first network, every other network with the best schema (given up if it
    is behind on the first fold), and the best combination is trained on all rows for the number of
    steps at which its mean held-out bound was highest. Where rows are completed (`_completion`) so
    many folds are trained on as hold `ENOUGH_HELD_OUT` rows. Where a mixture of products
    (`_mixture.py`) is better on the held-out rows, it is kept instead; what is behind it on the
    first fold is given up, too.

    Args:
        table: table of the rows to fit.
        schemas: schemas of the table's columns.
        settings: settings of the fit.
        checkpoint: folder of the training checkpoints; None (default) keeps none.
        resume: whether to go on from the checkpoints (default False).
        callback: function that is told the progress after each evaluation; None (default) tells
            nobody.
    """
    require_own_process()
    enable_compilation_cache()
    _check_room(table, schemas.first)
    check_columns(table, schemas.first)
    if checkpoint is not None and not resume and workers.is_first():
        remove_checkpoints(checkpoint)
    data = workers.meet(fingerprint(table) if workers.is_first() else "")
    trainer = Trainer(table, settings.column_transform, data, checkpoint, resume, callback)
    n = len(table)
    folds = (
        Folds.of(n, settings.seed)
        if is_cross_validated(n, schemas.first, settings)
        else Folds.once(n, settings.validation_fraction, settings.seed)
    )
    schemas = with_states(table, schemas, settings.column_transform, seed=settings.seed)
    schema = schemas.first
    size = _size_of_mixture(trainer, schemas, settings, folds)
    rival = None if settings.model == "diffusion" else size
    chosen = (
        None
        if settings.model == "mixture"
        else _diffusion(trainer, schemas, settings, folds, size, rival)
    )
    if chosen is None and rival is not None:
        chosen = _Chosen(*mixture_alone(table, schema, settings, rival), folds.words)
    if chosen is None and settings.model == "mixture":
        raise SettingError("model = 'mixture' has no meaning for images", fix="leave it out")
    if chosen is None:
        raise SettingError(
            "every network that was trained finds a held-out row impossible",
            fix="leave model = 'diffusion' out: a mixture of products is kept then",
        )
    record = {
        "data": {
            "fingerprint": data,
            "rows": len(table),
            "columns": len(schema.names),
            "held_out": chosen.held_out,
        },
        "seed": settings.seed,
        "validation_bound_nats": chosen.result.valid_nats,
        "base_measure": schema.base_measure(),
        "history": chosen.result.history,
    }
    if chosen.stopped:
        record["stopped_early"] = chosen.stopped
    for words in lost_digits(chosen.codec, table):
        warn(f"{table.source}, {words}")
    final = chosen.candidate
    return Fitted(chosen.result.model, chosen.codec, final.model, final.train, record)


def _check_room(table: AnyTable, schema: Schema) -> None:
    """Refuse what does not fit into memory; of a table on the disk a piece is there, and the
    encoded rows are on the disk.
    """
    check_size(schema, min(len(table), ROWS) if isinstance(table, DiskTable) else len(table))
    if isinstance(table, DiskTable):
        folder = Path(gettempdir()) if table.scratch is None else table.scratch
        needed = bytes_of_cells(schema, len(table))
        require_disk(needed, folder, what=f"the encoded table of {len(table)} rows")


def _size_of_mixture(
    trainer: Trainer, schemas: Schemas, settings: FitSettings, folds: Folds
) -> Size | None:
    """The size of the mixture that trainings are measured against, and may start from: none for
    images, and where a diffusion is asked for that does not.
    """
    starts = len(folds.rests) > 1 and settings.components != 1
    if are_images(schemas.first.layout) or (settings.model == "diffusion" and not starts):
        return None
    of_many = settings.model is None and len(trainer.table) > FEW_ROWS
    schema = _known_to(trainer, folds.rests, schemas.first, schemas)
    return best_size(
        partial(trainer.rows, schema),
        folds,
        seed=settings.seed,
        components=BASELINE
        if of_many
        else settings.components
        if settings.model == "mixture"
        else None,
        most_rows=FEW_ROWS if of_many else MANY_ROWS,
    )


def _diffusion(
    trainer: Trainer,
    schemas: Schemas,
    settings: FitSettings,
    folds: Folds,
    size: Size | None,
    rival: Size | None,
) -> _Chosen | None:
    """The best of the trainings; None where a mixture is better on the rows that they are judged
    by.
    """
    table, schema, in_folds = trainer.table, schemas.first, len(folds.rests) > 1
    completed = worth_completing(table, schema)
    if completed and in_folds:
        folds = folds.first(ENOUGH_HELD_OUT)
    n_folds = len(folds.rests)
    options = candidates(
        len(table),
        schema,
        settings,
        n_schemas=len(schemas.options),
        n_folds=n_folds,
        completed=completed,
        clusters=0 if size is None else size.components,
        steps=_steps_needed(trainer, schemas, settings, folds, size),
    )
    trials = len(options) + len(schemas.options) - 1 if in_folds else len(options)
    members = options[0].model.members
    together = groups(trials, n_folds if in_folds else None, members, completed=completed)
    trainer.plan.count(sum(together))
    if not in_folds:
        chosen = split_once(trainer, options, schemas, folds, completed=completed)
    else:
        bar = () if rival is None else rival.by_fold
        chosen = cross_validated(trainer, options, schemas, folds, bar, completed=completed)
    if chosen is None or rival is None or (completed and in_folds):
        return chosen
    return None if chosen.result.valid_nats < rival.on_first(n_folds) else chosen


def _steps_needed(
    trainer: Trainer, schemas: Schemas, settings: FitSettings, folds: Folds, size: Size | None
) -> int:
    """T that the correlations of the numbers need, which the rows of the first training tell; 0
    where it is given, or there is no mixture that says what classes explain of them.
    """
    if size is None or settings.trajectory_length is not None:
        return 0
    schema = _known_to(trainer, folds.rests, schemas.first, schemas)
    rows = trainer.rows(schema, folds.rests[0], folds.held_out[0])
    n_classes = min(size.components, COMPONENTS)
    return enough_steps(rows.train, rows.codec, n_classes, settings.seed)


def split_once(
    trainer: Trainer,
    options: list[Candidate],
    schemas: Schemas,
    folds: Folds,
    *,
    completed: bool = False,
) -> _Chosen:
    """Every candidate trained on most rows and judged on the others; the best one is kept, with a
    bound that can be compared with those of other models.
    """
    (train_index,), (valid_index,) = folds.rests, folds.held_out
    schema = _known_to(trainer, folds.rests, schemas.first, schemas)

    def train(trainer: Trainer, number: int, option: Candidate) -> Trained:
        phase = f"candidate {number}"
        trained = trainer.train(option, schema, train_index, valid_index, phase)
        return trainer.complete(option, trained, phase) if completed else trained

    trainings = [partial(train, number=i, option=option) for i, option in enumerate(options, 1)]
    tried = zip(trainer.side_by_side(trainings), options, strict=True)
    best, candidate = max(tried, key=lambda pair: pair[0].result.valid_nats)
    result = trainer.with_members(candidate, best, "best candidate")
    result = result._replace(valid_nats=best.held_out_nats(candidate.train))
    return _Chosen(result, best.rows.codec, candidate, folds.words)


def cross_validated(
    trainer: Trainer,
    options: list[Candidate],
    schemas: Schemas,
    folds: Folds,
    rival: Sequence[float] = (),
    *,
    completed: bool = False,
) -> _Chosen | None:
    """Candidates and schemas cross-validated; the best combination, trained on all rows. None where
    all are behind a rival's bounds on the folds.
    """
    n = len(trainer.table)
    known = [_known_to(trainer, folds.rests, schema, schemas) for schema in schemas.options]
    best = best_trial(trainer, options, known, folds, rival, completed=completed)
    if best is None or (completed and rival and _is_behind(best, rival)):
        return None

    def stopping_at(step: int) -> Candidate:
        return replace(best.candidate, train=replace(best.candidate.train, stop_step=step))

    schema, final = schemas.options[best.which], stopping_at(best.step)
    trained = trainer.train(stopping_at(best.first_step), schema, np.arange(n), None, "all rows")
    if completed:
        trained = trainer.complete(final, trained, "all rows")
    result = trainer.with_members(final, trained, "all rows")
    history = [
        entry | {"valid_nats": held_out}
        for entry, held_out in zip(result.history, mean_curve(best.curves), strict=False)
    ]
    result = FitResult(result.model, best.reached(), history)
    stopped = stopped_in_folds(best.curves, best.candidate.train)
    return _Chosen(result, trained.rows.codec, final, folds.words, stopped)


def _is_behind(best: Trial, rival: Sequence[float]) -> bool:
    """Whether a mixture explains the held-out rows better than trainings on completed rows.

    They are few, rows with holes are answered by walks among particles, and a mixture has log p
    itself: where K is behind it, what those walks find decides.
    """
    bar = float(np.mean(rival[: len(best.completed)]))
    seed = best.candidate.train.seed
    return best.reached() < bar and bar > float(
        np.mean([trained.evidence_nats(seed) for trained in best.completed])
    )


def _known_to(
    trainer: Trainer, parts: list[np.ndarray], schema: Schema, schemas: Schemas
) -> Schema:
    """The schema with the atoms that each of these parts of the rows has by itself."""
    tables = [trainer.table.take(part) for part in parts]
    return with_atoms_of(tables, schema, schemas.found_atoms)
