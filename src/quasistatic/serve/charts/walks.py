"""A row along the trajectory: what each step costs, and each column on its way there and back."""

import numpy as np
from markupsafe import Markup

from quasistatic.data.schema import Column
from quasistatic.serve.charts.canvas import WIDTH, line, picture, rect, round_ticks, short, text
from quasistatic.serve.subject import labels
from quasistatic.serve.values import place_text

__all__ = ["costs", "way"]

_LEFT = 66.0


def costs(nats: np.ndarray, stderr: np.ndarray) -> Markup:
    """What each step costs, a bar each, with its error.

    Args:
        nats: costs `[T + 1]` nats, steps 1 .. T and then the prior.
        stderr: their Monte Carlo standard errors.
    """
    tall, left = 120.0, 34.0
    low, high = min(float(nats.min()), 0.0), 1.05 * max(float((nats + stderr).max()), 1e-3)
    scale = tall / (high - low)
    zero = tall + scale * low
    width = (WIDTH - left) / len(nats)
    parts: list[Markup] = []
    for value in round_ticks(low, high, 3):
        y = zero - scale * value
        parts += [line(left, y, WIDTH, y, "grid"), text(left - 6, y + 4, short(value), "end")]
    every = max(len(nats) // 9, 1)
    for i, (value, error) in enumerate(zip(nats, stderr, strict=True)):
        x = left + i * width
        top = zero - scale * max(float(value), 0.0)
        parts.append(rect(x + 0.1 * width, top, 0.8 * width, scale * abs(float(value)), "bar mode"))
        middle = x + width / 2
        ends = (zero - scale * float(value + s * error) for s in (1, -1))
        parts.append(line(middle, next(ends), middle, next(ends), "error"))
        if i == len(nats) - 1:
            parts.append(text(WIDTH, tall + 16, "prior", "end"))
        elif i % every == 0 and x < WIDTH - 60:
            parts.append(text(middle, tall + 16, str(i + 1), "middle"))
    steps = ", ".join(f"step {i + 1} {value:.2f}" for i, value in enumerate(nats[:-1]))
    return picture(parts, tall + 22, f"Nats of each step: {steps}; prior {nats[-1]:.2f}")


def way(there: np.ndarray, back: np.ndarray, column: Column) -> Markup:
    """One column of the row, destroyed from the left to the middle, made again to the right.

    Args:
        there: its cell at t = 0 .. T, coordinates or codes; NaN where it is masked.
        back: its cell at t = T .. 0.
        column: column.
    """
    both = np.concatenate([there, back[1:]])
    if column.is_discrete:
        seen = sorted({int(v) for v in both if not np.isnan(v)})
        names = labels(column)
        levels = {code: place + 1 for place, code in enumerate(seen)}
        values = np.array([0 if np.isnan(v) else levels[int(v)] for v in both], float)
        words = {float(levels[code]): names[code] for code in seen} | {0.0: "masked"}
        low, high = (0.0 if np.isnan(both).any() else 1.0), float(len(seen))
        ticks = [(v, w) for v, w in words.items() if low <= v <= high]
    else:
        values = both
        low, high = float(np.nanmin(both)), float(np.nanmax(both))
        ticks = [(v, place_text(column, v)) for v in dict.fromkeys((low, high))]
    tall = max(26.0 * (len(ticks) - 1), 52.0)
    span = (high - low) or 1.0
    step = (WIDTH - _LEFT - 8) / max(len(values) - 1, 1)
    x = _LEFT + 4 + step * np.arange(len(values))
    y = (
        8 + tall - tall * (values - low) / span
        if high > low
        else np.full(len(values), 8 + tall / 2)
    )
    parts: list[Markup] = []
    for value, name in ticks:
        height = 8 + tall - tall * (value - low) / span if high > low else 8 + tall / 2
        shown = name if len(name) <= 9 else name[:8] + "…"
        parts += [
            line(_LEFT, height, WIDTH, height, "grid"),
            text(_LEFT - 6, height + 4, shown, "end"),
        ]
    middle = len(there) - 1
    parts.append(line(x[middle], 0, x[middle], tall + 16, "axis"))
    for i in range(len(values) - 1):
        kind = "way real-line" if i < middle else "way sampled"
        parts.append(line(x[i], y[i], x[i + 1], y[i + 1], kind))
    for i in range(len(values)):
        kind = "dot real" if i < middle else "dot noise" if i == middle else "dot sampled-bar"
        parts.append(
            Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3.2"/>').format(kind, x[i], y[i])
        )
    ends = [_word(column, value) for value in (there[0], back[-1])]
    alt = f"{column.name}: {ends[0]}, destroyed in {middle} steps, made again as {ends[1]}"
    return picture(parts, tall + 16, alt)


def _word(column: Column, value: float) -> str:
    if np.isnan(value):
        return "masked"
    return labels(column)[int(value)] if column.is_discrete else place_text(column, value)
