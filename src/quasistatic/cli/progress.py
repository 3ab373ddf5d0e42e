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
    """The callback of `DiffusionDensity.fit`: shows of each training that goes on the phase, the
    step, the validation bound in nats and the time left. Without a terminal that is a line now and
    then, the first at once.

    Args:
        console: console to write to (standard error: the result goes elsewhere).
        hidden: whether nothing is shown.
    """

    def __init__(self, console: Console, *, hidden: bool) -> None:
        self.console, self.hidden = console, hidden
        self.bars: Progress | None = None
        self.compiling: TaskID | None = None
        self.running: dict[str, TaskID] = {}
        self.first: dict[str, tuple[float, int]] = {}
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
            self.compiling = self.bars.add_task("Compiling", total=None, numbers="")
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
        # Compilation lies before the first evaluation.
        self.first.setdefault(event.phase, (time.monotonic(), event.step))
        if self.bars is not None:
            self._show(self.bars, name, event)
        elif time.monotonic() - self.last_line >= _SECONDS_BETWEEN_LINES:
            self._line(f"{name}: step {self._numbers(event)}")

    def _show(self, bars: Progress, name: str, event: "FitEvent") -> None:
        """A bar for each training that goes on, a line for each that has ended."""
        if self.compiling is not None:
            bars.remove_task(self.compiling)
            self.compiling = None
        bar = self.running.pop(event.phase, None)
        if event.is_last:
            if bar is not None:
                bars.remove_task(bar)
            self.console.print(Text(f"{name}: {self._numbers(event)}"))
            return
        self.running[event.phase] = bar = bars.add_task(name, numbers="") if bar is None else bar
        bars.update(
            bar,
            completed=event.step,
            total=event.max_steps or None,
            numbers=self._numbers(event),
        )

    def _line(self, text: str) -> None:
        self.last_line = time.monotonic()
        self.console.print(Text(text))

    def _numbers(self, event: "FitEvent") -> str:
        parts = [f"{event.step}/{event.max_steps}"]
        if math.isfinite(event.valid_nats):
            parts.append(f"held-out bound {event.valid_nats:.3f} nats")
        elif math.isfinite(event.train_nats):
            parts.append(f"bound {event.train_nats:.3f} nats")
        began, first = self.first[event.phase]
        seconds, steps = time.monotonic() - began, event.step - first
        if steps > 0 and not event.is_last:
            by_steps = seconds / steps * (event.max_steps - event.step)
            left = min(by_steps, event.seconds_left)  # a limit of time may end it sooner
            parts.append(f"{duration(left)} left")
        return " · ".join(parts)
