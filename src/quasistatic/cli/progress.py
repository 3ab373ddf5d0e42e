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
    """The callback of `DiffusionDensity.fit`: shows the phase, the step, the validation bound in
    nats and the time left of the phase. Without a terminal that is a line now and then, the first
    at once.

    Args:
        console: console to write to (standard error: the result goes elsewhere).
        hidden: whether nothing is shown.
    """

    def __init__(self, console: Console, *, hidden: bool) -> None:
        self.console, self.hidden = console, hidden
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.last_line = -math.inf
        self.phase = ""
        self.first = (time.monotonic(), 0)

    def __enter__(self) -> Self:
        if not self.hidden and self.console.is_terminal:
            self.bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[numbers]}", markup=False),
                console=self.console,
            )
            self.bar.start()
            self.task = self.bar.add_task("Compiling", total=None, numbers="")
        elif not self.hidden:
            self._line("Compiling")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, event: "FitEvent") -> None:
        """Show an evaluation."""
        if self.hidden:
            return
        name = event.phase[:1].upper() + event.phase[1:]
        if event.phase != self.phase:
            self.phase = event.phase
            self.first = (time.monotonic(), event.step)  # compilation lies before it
            if self.bar is not None:
                self.console.print(Text(name))
        if self.bar is not None and self.task is not None:
            self.bar.update(
                self.task,
                description="Training",
                completed=event.step,
                total=event.max_steps or None,
                numbers=self._numbers(event),
            )
        elif time.monotonic() - self.last_line >= _SECONDS_BETWEEN_LINES:
            self._line(f"{name}: step {self._numbers(event)}")

    def _line(self, text: str) -> None:
        self.last_line = time.monotonic()
        self.console.print(Text(text))

    def _numbers(self, event: "FitEvent") -> str:
        parts = [f"{event.step}/{event.max_steps}"]
        if math.isfinite(event.valid_nats):
            parts.append(f"held-out bound {event.valid_nats:.3f} nats")
        elif math.isfinite(event.train_nats):
            parts.append(f"bound {event.train_nats:.3f} nats")
        seconds, steps = time.monotonic() - self.first[0], event.step - self.first[1]
        if steps > 0:
            by_steps = seconds / steps * (event.max_steps - event.step)
            left = min(by_steps, event.seconds_left)  # a limit of time may end it sooner
            parts.append(f"{duration(left)} left")
        return " · ".join(parts)
