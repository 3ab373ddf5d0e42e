"""`quasistatic demo`: everything once, on the penguins."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from quasistatic.cli.claim import claimed
from quasistatic.cli.options import Force, Json, Quiet, Seed
from quasistatic.cli.screen import Screen
from quasistatic.errors import DataError

_FILE = "penguins.csv"


def demo(
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="The folder to write.")
    ] = "demo-output",
    max_steps: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Training steps at most. [default: by the table]"),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit, sample and score a real table: 344 penguins, numbers and categories with missing cells.

    Writes the folder `model`, `synthetic.csv` and `scores.csv` into DIR.

    **Examples**

    `quasistatic demo`

    `quasistatic demo -o somewhere --force`
    """
    from quasistatic.cli.fitting import fit_and_save, prepare
    from quasistatic.cli.rows import check_rows_output, write_pieces, write_rows
    from quasistatic.cli.scoring import Scored

    screen = Screen(as_json=as_json, quiet=quiet)
    data = str(penguins())
    folder = Path(output)
    model, synthetic, scores = (
        str(folder / name) for name in ("model", "synthetic.csv", "scores.csv")
    )
    made = not folder.exists()
    if made:
        folder.mkdir(parents=True)
    try:
        for path in (synthetic, scores):
            check_rows_output(path, force=force, as_json=False)
        with claimed(model):
            job = prepare(screen, data, model, force=force)

            from quasistatic import DiffusionDensity

            density = DiffusionDensity(max_steps=max_steps, random_state=seed)
            values = fit_and_save(screen, density, job)
    except BaseException:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        raise

    from quasistatic import read_table
    from quasistatic.fitted.sampling import sample

    rows = sample(density.fitted_, values["rows"], key=density.fitted_.key(seed))
    write_rows(rows, synthetic, force=force)
    screen.tell()
    screen.table(f"Synthetic rows ({synthetic})", rows.names, rows.frame.head(5).iter_rows())

    screen.tell()
    scored = Scored(density, "ais", seed=seed)
    answer = scored.answer(lambda: read_table(data))
    write_pieces(scored.frames([answer], screen), scores, force=force)
    score = scored.show(screen)
    screen.tell(f"One line a row: {scores}")
    screen.json(
        {
            "fit": values,
            "synthetic": synthetic,
            "scores": scores,
            "score": score,
        }
    )


def penguins() -> Path:
    """The example table: shipped inside the package, or in `examples/` of a checkout.

    Raises:
        DataError: neither is there.
    """
    shipped = Path(str(files("quasistatic") / "examples" / _FILE))
    checkout = Path(__file__).parents[3] / "examples" / _FILE
    for path in (shipped, checkout):
        if path.is_file():
            return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    raise DataError(
        "the example table is missing", where=str(shipped), fix="install the package again"
    )
