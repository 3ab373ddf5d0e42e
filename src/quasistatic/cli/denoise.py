"""`quasistatic denoise`: the posterior mean of columns that were measured with noise."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from quasistatic.cli.options import Data, Force, Json, Model, Quiet, Rows, Seed
from quasistatic.cli.screen import Screen
from quasistatic.data.text.names import resolve
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl


def denoise(
    model: Model,
    data: Data,
    output: Rows,
    sigma: Annotated[
        list[str],
        typer.Option(
            "--sigma",
            "-s",
            metavar="COLUMN=SD",
            help="Standard deviation of the noise of a column, in its units. "
            "Repeat it for more columns. Only SD: of all numbers, such as the pixels of images.",
        ),
    ],
    draws: Annotated[int, typer.Option(metavar="N", min=1, help="Draws behind each mean.")] = 64,
    particles: Annotated[
        int, typer.Option(metavar="N", min=2, help="Particles a row: more are more exact.")
    ] = 64,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Replace noisy numbers by their posterior mean, given all cells of their row.

    The noise is taken to be Gaussian, independent in every cell, and the model that of clean rows.
    Missing cells of the columns with noise are filled by their posterior mean; all other columns
    stay as they are.

    **Examples**

    `quasistatic denoise model table.csv --sigma pressure=2.0 -o clean.csv`

    `quasistatic denoise model table.csv -s pressure=2.0 -s temperature=0.5 -o clean.csv`

    `quasistatic denoise image-model noisy.npy --sigma 25 -o clean.png`
    """
    from quasistatic.cli.rows import STDOUT, check_rows_output, layout_of, write_rows

    widths = read_sigma(sigma)
    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    layout = layout_of(model)
    check_rows_output(output, force=force, as_json=as_json, layout=layout)

    from quasistatic.data.arranged import read_like
    from quasistatic.data.layout import are_images
    from quasistatic.data.table import Table
    from quasistatic.estimator.loading import load_diffusion
    from quasistatic.fitted import denoising

    fitted = load_diffusion(model).fitted_
    widths = read_sigma(sigma, fitted.schema.names)
    table = read_like(fitted.schema, data)
    key = fitted.key(seed)
    found = denoising.denoise(fitted, table, widths, draws, particles, key=key)
    if are_images(layout) and not output.endswith((".npy", ".npz")):
        found = Table(in_levels(found.frame, fitted.schema.columns[0].dtype))
    write_rows(found, output, force=force, layout=layout)
    if output != STDOUT:
        what = ", ".join(map(repr, widths)) if isinstance(widths, dict) else "all numbers"
        screen.result(f"{len(found)} rows, {what} as posterior means: {output}")
    screen.json(
        {
            "model": model,
            "data": data,
            "output": output,
            "rows": len(found),
            "sigma": widths,
            "seed": seed,
        }
    )


def in_levels(frame: "pl.DataFrame", dtype: str) -> "pl.DataFrame":
    """Means of pixels at the nearest grey level, as a picture needs them; those of real pixels as
    they are.
    """
    import polars as pl

    return frame.select(pl.all().round().clip(0, 255).cast(pl.UInt8)) if dtype == "UInt8" else frame


def read_sigma(given: "Sequence[str]", names: "Sequence[str]" = ()) -> dict[str, float] | float:
    """Column -> standard deviation of `--sigma` options, or the one of all columns.

    Args:
        given: values of the command-line option: `COLUMN=SD` each, where a name may hold an equals
            sign; or one `SD`.
        names: names of the columns (default: none are known).

    Raises:
        SettingError: no number, a number that is not positive, or a column twice.
    """
    found: dict[str, float] = {}
    for text in given:
        name, relation, value = text.rpartition("=")
        name = resolve(name, names) or name.strip()
        try:
            width = float(value)
        except ValueError:
            width = math.nan
        alone = not relation and len(given) == 1
        if math.isnan(width) or not (alone or name):
            raise SettingError(
                f"--sigma {text!r} is no column with a number", fix="write column=2.0"
            )
        if not 0 < width < math.inf:
            raise SettingError(
                f"--sigma {text!r}: a standard deviation is positive and finite",
                fix="leave the column out where it has no noise",
            )
        if alone:
            return width
        if name in found:
            raise SettingError(f"--sigma names {name!r} twice", fix="name each column once")
        found[name] = width
    return found
