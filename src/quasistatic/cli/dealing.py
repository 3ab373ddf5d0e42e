"""Pieces of a table that are dealt to processes: each answers its own, the first writes all."""

import glob
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from quasistatic.cli.claim import claimed
from quasistatic.cli.processes import AGAIN, in_processes, keep_stdout, send_pulse
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    import polars as pl

    from quasistatic.data.table import Table

__all__ = ["Answer", "answered", "dealing"]

_WHOLE, _WARNINGS, _ROWS = "whole", "warnings", "rows {}"


class Answer(NamedTuple):
    """What is answered to one piece.

    Args:
        rows: for each output the rows that it gets; bytes where `rendered` has made them.
        values: numbers, texts and arrays beside them, by name.
    """

    rows: "Sequence[pl.DataFrame | Table | bytes]"
    values: Mapping[str, Any]


@contextmanager
def dealing(outputs: Sequence[str], processes: int | None) -> Iterator[bool]:
    """Within the `with` block this process is one of those that a command is dealt to, and knows
    whether it is the first; on one machine they are started here, and this one ends with them.

    Args:
        outputs: paths of the files to write.
        processes: number of processes that were asked for; None, and 1, ask for no others.

    Raises:
        SettingError: rows of several processes would go to standard output.
        TrainingError: a process is lost; it is named, and nothing is left of the files.
    """
    from quasistatic import workers

    is_asked_for = workers.is_asked_for()
    if not is_asked_for and (processes or 1) == 1:
        yield True
        return
    if "-" in outputs:
        raise SettingError(
            "rows of several processes do not go to standard output",
            fix="give `-o` a file",
        )
    if not is_asked_for:
        with claimed(outputs[0]):
            try:
                code = in_processes(processes or 1, AGAIN)
            finally:
                _clear(outputs)
        raise typer.Exit(code)
    is_watched = send_pulse()
    keep_stdout()
    workers.join()
    # Whoever starts the processes on one machine has claimed the output, too.
    with claimed(outputs[0]) if workers.is_first() and not is_watched else nullcontext():
        try:
            yield workers.is_first()
            if workers.is_first():
                workers.tell(_WHOLE)
            else:
                workers.hear(_WHOLE)
        finally:
            if workers.is_first():
                _clear(outputs)
    workers.leave()


def answered(jobs: Iterable[Callable[[], Answer]], outputs: Sequence[str]) -> Iterator[Answer]:
    """The answers in their order. Of several processes each does every n-th job; the first gets all
    answers, the others none, and have done what they had to do when there are no more.

    Args:
        jobs: functions that give the answers, one for each piece; every process has all of them.
        outputs: paths of the files to write: answers of others are handed over beside the first.
    """
    from quasistatic import workers

    for number, job in enumerate(jobs):
        doer = number % workers.count()
        if doer == workers.rank():
            if workers.is_first():
                yield job()
            else:
                _hand_over(job, number, outputs)
        elif workers.is_first():
            yield _received(number, outputs)


def _hand_over(job: Callable[[], Answer], number: int, outputs: Sequence[str]) -> None:
    """Do a job, and write its answer to a file; what it warns of is said by the first process."""
    import numpy as np

    from quasistatic import workers
    from quasistatic.data.disk.parts import rendered
    from quasistatic.data.output import refusals

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        found = job()
    kept: dict[str, Any] = {k: v for k, v in found.values.items() if v is not None}
    for i, (rows, output) in enumerate(zip(found.rows, outputs, strict=True)):
        made = rows if isinstance(rows, bytes) else rendered(output, rows, header=False)
        kept[_ROWS.format(i)] = np.frombuffer(made, np.uint8)
    kept[_WARNINGS] = np.array([str(item.message) for item in said], dtype=np.str_)
    path = _place(number, outputs)
    with refusals(path), path.open("wb") as file:
        np.savez(file, allow_pickle=False, **kept)
    workers.tell(f"piece {number}")


def _received(number: int, outputs: Sequence[str]) -> Answer:
    """The answer that another process has handed over; its file is removed."""
    import numpy as np

    from quasistatic import workers
    from quasistatic.errors import warn

    workers.hear(f"piece {number}")
    path = _place(number, outputs)
    with np.load(path, allow_pickle=False) as kept:
        arrays = dict(kept.items())
    path.unlink()
    for message in arrays.pop(_WARNINGS):
        warn(str(message))
    rows = [arrays.pop(_ROWS.format(i)).tobytes() for i in range(len(outputs))]
    return Answer(rows, {k: v if v.ndim else v.item() for k, v in arrays.items()})


def _place(number: int, outputs: Sequence[str]) -> Path:
    path = Path(outputs[0])
    return path.with_name(f".{path.name}.{number}.dealt")


def _clear(outputs: Sequence[str]) -> None:
    """Remove what processes that have ended left beside the outputs."""
    from quasistatic.data.exchange import remove_parts

    first = Path(outputs[0])
    for left in first.parent.glob(f".{glob.escape(first.name)}.*.dealt"):
        left.unlink(missing_ok=True)
    for output in outputs:
        remove_parts(Path(output).resolve())
