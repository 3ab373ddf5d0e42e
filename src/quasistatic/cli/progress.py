"""Progress of a fit: a bar on a terminal, a line now and then elsewhere."""

import math
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from quasistatic.cli.screen import duration

if TYPE_CHECKING:
    from quasistatic.fitting import FitEvent

_SECONDS_BETWEEN_LINES = 10.0


class FitProgress:
    """The callback of `DiffusionDensity.fit`: shows how long the fit still takes, and of each
    training that goes on the phase, the step, rows in a second and the validation bound in nats.
    Without a terminal that is a line now and then, the first at once.

    Args:
        console: console to write to (standard error: the result goes elsewhere).
        hidden: whether nothing is shown.
    """

    def __init__(self, console: Console, *, hidden: bool) -> None:
        self.console, self.hidden = console, hidden
        self.bars: Progress | None = None
        self.running: dict[str, TaskID] = {}
        self.first: tuple[float, float] | None = None
        self.last_line = -math.inf

    def __enter__(self) -> Self:
        if not self.hidden and self.console.is_terminal:
            self.bars = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[numbers]}", markup=False),
                console=self.console,
            )
            self.bars.start()
            self.bars.add_task("Compiling", total=None, numbers="")
        elif not self.hidden:
            self._line("Compiling")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bars is not None:
            self.bars.stop()

    def __call__(self, event: "FitEvent") -> None:
        """Show an evaluation."""
        if self.hidden:
            return
        name = event.phase[:1].upper() + event.phase[1:]
        left = self._left(event)
        if self.bars is not None:
            self._show(self.bars, name, event, left)
        elif time.monotonic() - self.last_line >= _SECONDS_BETWEEN_LINES:
            self._line(" · ".join(filter(None, [f"{name}: step {_numbers(event)}", left])))

    def _left(self, event: "FitEvent") -> str:
        """How long the fit takes from now on, as if no training were given up or stopped early;
        empty at the first evaluation, which has no speed: compilation lies before it.
        """
        if self.first is None:
            self.first = time.monotonic(), event.share
        began, share = self.first
        if event.share <= share:
            return ""
        seconds = (time.monotonic() - began) / (event.share - share) * (1.0 - event.share)
        return f"{duration(seconds)} left at most"

    def _show(self, bars: Progress, name: str, event: "FitEvent", left: str) -> None:
        """A bar for the whole fit and for each training that goes on, a line for each that has
        ended.
        """
        bars.update(
            bars.task_ids[0], description="Fit", total=1.0, completed=event.share, numbers=left
        )
        bar = self.running.pop(event.phase, None)
        if event.is_last:
            if bar is not None:
                bars.remove_task(bar)
            self.console.print(Text(f"{name}: {_numbers(event)}"))
            return
        self.running[event.phase] = bar = bars.add_task(name, numbers="") if bar is None else bar
        total = event.max_steps or None
        bars.update(bar, completed=event.step, total=total, numbers=_numbers(event))

    def _line(self, text: str) -> None:
        self.last_line = time.monotonic()
        self.console.print(Text(text))


def _numbers(event: "FitEvent") -> str:
    parts = [f"{event.step}/{event.max_steps}", f"{event.rows_per_second:,.0f} rows/s"]
    if math.isfinite(event.valid_nats):
        parts.append(f"held-out bound {event.valid_nats:.3f} nats")
    elif math.isfinite(event.train_nats):
        parts.append(f"bound {event.train_nats:.3f} nats")
    return " · ".join(parts)
