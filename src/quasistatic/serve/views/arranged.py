"""The view of one image or sequence: how likely it is, what may be in places that are hidden, and
what is left of it without noise.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from quasistatic.data.arranged import with_holes
from quasistatic.data.layout import Layout, are_images
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.fitted.denoising import denoise
from quasistatic.fitted.likelihood import Likelihood, log_likelihood
from quasistatic.fitted.sampling import sample
from quasistatic.serve.charts.arranged import Scale, drawn_row
from quasistatic.serve.reference import Reference
from quasistatic.serve.row_answer import RowAnswer, filled_row
from quasistatic.serve.subject import Subject
from quasistatic.serve.views.mask import mask_of, shape_of, text_of
from quasistatic.serve.views.row import summary
from quasistatic.serve.views.view import Params, Parts, View

__all__ = ["IMAGE", "SEQUENCE"]

_WHOLE = (16, 64, 256)
"""Trajectories of a whole row, round by round."""
_HOLED = ((8, 4), (8, 16), (8, 64))
"""Populations of a row with holes, and particles of each."""
_STEPS = 32
"""Steps of their walk."""
_DENOISED = (8, 32)
"""Draws behind a mean without noise."""
_SECONDS = 20.0
"""No further round begins where the one before took a quarter of this: it takes four times as
long."""
_SHOWN = 6
_SEED = 0


def _form(reference: Reference, params: Params) -> dict[str, Any]:
    subject, layout = reference.subject, _layout(reference.subject)
    number, rows = _number(subject, params), 0 if subject.table is None else len(subject.table)
    mask = mask_of(params.get("hide", ""), layout)
    down, across = shape_of(layout)
    seed = _whole(params.get("sample", ""), 10**9) or 0
    return {
        "thing": "Image" if are_images(layout) else "Sequence",
        "places": "pixels" if are_images(layout) else "places",
        "words": layout.words,
        "row": number,
        "rows": rows,
        "sample": "" if number else str(seed),
        "before": number - 1 if number > 1 else 0,
        "after": number + 1 if 0 < number < rows else 0,
        "another": seed + 1 if not number else 1,
        "hide": text_of(mask),
        "across": across,
        "down": down,
        "brush": max(round(min(across, down) / 8), 1) if down > 1 else 1,
        "numbers": not subject.schema.columns[0].is_discrete,
        "sigma": params.get("sigma", ""),
        "noisy": params.get("noisy", "") == "yes",
        "example": f"{0.1 * (Scale.of(subject.fitted).high - Scale.of(subject.fitted).low):.2g}",
    }


def _layout(subject: Subject) -> Layout:
    layout = subject.schema.layout
    assert layout is not None, "a model of images or sequences"
    return layout


def _whole(text: str, most: int) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 and int(text) <= most else None


def _number(subject: Subject, params: Params) -> int:
    """The row of the table, counted from 1; 0 for one that the model draws."""
    text, rows = params.get("row", ""), 0 if subject.table is None else len(subject.table)
    if not text:
        return min(rows, 0 if "sample" in params else 1)
    number = _whole(text, rows)
    if not number:
        fix = f"give one from 1 to {rows}" if rows else "leave it out: there is no table"
        raise DataError(f"there is no row {text[:20]!r}", where=subject.table_name, fix=fix)
    return number


def _row(subject: Subject, params: Params) -> Table:
    number = _number(subject, params)
    if number and subject.table is not None:
        return subject.table.take(np.array([number - 1]))
    seed = _whole(params.get("sample", ""), 10**9) or 0
    return sample(subject.fitted, 1, key=subject.fitted.key(seed))


def _sigma(params: Params) -> float | None:
    """The standard deviation of the noise; None for none."""
    text = params.get("sigma", "").strip().replace(",", ".")
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e9:
        raise DataError(f"{text[:20]!r} is no standard deviation", fix="write a number above 0")
    return found


def _parts(reference: Reference, params: Params) -> Iterator[Parts]:
    subject = reference.subject
    fitted, layout, scale = subject.fitted, _layout(subject), Scale.of(subject.fitted)
    row, sigma = _row(subject, params), _sigma(params)
    mask = mask_of(params.get("hide", ""), layout)
    thing = "image" if are_images(layout) else "sequence"
    holed = with_holes(row, mask if are_images(layout) else mask[0])
    shown = drawn_row(_values(row, layout), scale, f"The {thing}")
    yield {"original": ("picture.html.jinja", {"svg": shown})}
    if fitted.whole_rows(holed)[0]:
        yield from _whole_answers(reference, row)
        yield {"filled": ("nothing_hidden.html.jinja", {"thing": thing})}
    else:
        yield from _filled_answers(reference, holed, scale)
    if sigma is not None and not subject.schema.columns[0].is_discrete:
        yield from _denoised_answers(reference, row, holed, sigma, params, scale)


def _values(table: Table, layout: Layout) -> np.ndarray:
    """The first row `[D]`, NaN where it is missing."""
    return table.frame.select(layout.names).head(1).cast(pl.Float64).to_numpy()[0]


def _rounds(efforts: tuple[Any, ...]) -> Iterator[tuple[int, Any]]:
    """Number and effort of each round, as long as they take no too long time."""
    for number, effort in enumerate(efforts):
        begin = time.monotonic()
        yield number + 1, effort
        if time.monotonic() - begin > _SECONDS / 4:
            return


def _whole_answers(reference: Reference, row: Table) -> Iterator[Parts]:
    fitted = reference.subject.fitted
    first: Likelihood | None = None
    for number, n in _rounds(_WHOLE):
        found = log_likelihood(fitted, row, "sandwich", n, key=fitted.key(_SEED))
        first = first or found  # as many trajectories as the model's own rows have
        answer = RowAnswer(True, fitted.schema.names, found, round=number, rounds=len(_WHOLE))
        yield summary(reference, answer, ranked=first.lower)


def _filled_answers(reference: Reference, holed: Table, scale: Scale) -> Iterator[Parts]:
    fitted, layout = reference.subject.fitted, scale.layout
    names = tuple(n for n in layout.names if holed.frame[n].null_count() == 0)
    for number, (populations, particles) in _rounds(_HOLED):
        found = filled_row(fitted, holed, particles, populations, _STEPS)
        answer = RowAnswer(
            False, names, found.likelihood if names else None, round=number, rounds=len(_HOLED)
        )
        draws = found.drawn.frame.select(layout.names).cast(pl.Float64).to_numpy()
        places = np.linspace(0, len(draws) - 1, min(_SHOWN, len(draws))).astype(int)
        pictures = [drawn_row(draws[i], scale, f"Draw {i + 1}") for i in places]
        mean = drawn_row(draws.mean(axis=0), scale, "Mean of all draws")
        told = {"pictures": pictures, "mean": None if scale.discrete else mean}
        told |= {"ess": f"{found.ess:.1f}", "draws": len(draws)}
        yield summary(reference, answer) | {"filled": ("filled.html.jinja", told)}


def _denoised_answers(
    reference: Reference, row: Table, holed: Table, sigma: float, params: Params, scale: Scale
) -> Iterator[Parts]:
    fitted, layout = reference.subject.fitted, scale.layout
    frame = holed.frame.with_columns(pl.col(layout.names).cast(pl.Float64))
    if params.get("noisy", "") == "yes":
        noise = np.random.default_rng(_SEED).normal(0.0, sigma, layout.size)
        frame = frame.with_columns(
            pl.col(n) + e for n, e in zip(layout.names, noise.tolist(), strict=True)
        )
    noisy = Table(frame, row.source, row.container)
    for _, n in _rounds(_DENOISED):
        clean = denoise(fitted, noisy, sigma, n, n, key=fitted.key(_SEED))
        before, after = (_values(table, layout) for table in (noisy, clean))
        error = np.sqrt(np.nanmean(np.square(after - _values(row, layout))))
        told: dict[str, Markup | str | int] = {
            "noisy": drawn_row(before, scale, "With noise"),
            "clean": drawn_row(after, scale, "Without noise"),
            "draws": n,
            "error": f"{error:.3g}",
            "sigma": f"{sigma:g}",
        }
        yield {"denoised": ("denoised.html.jinja", told)}


def _usual(reference: Reference) -> Params:
    """Half of a row that the model draws is hidden."""
    down, across = shape_of(_layout(reference.subject))
    mask = np.zeros((down, across), bool)
    mask[:, across // 2 :] = True
    return {"sample": "0", "hide": text_of(mask)}


IMAGE = View("/image", "Image", _form, _parts, usual=_usual, shows="images", page="arranged")
"""One image."""
SEQUENCE = View(
    "/sequence", "Sequence", _form, _parts, usual=_usual, shows="sequence", page="arranged"
)
"""One sequence."""
