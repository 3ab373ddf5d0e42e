"""`quasistatic privacy`: is a synthetic table somebody's data?"""

from typing import TYPE_CHECKING, Annotated

import typer

from quasistatic.cli.options import Json, Model, Quiet, Seed
from quasistatic.cli.screen import Screen, nats
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    from quasistatic.fitted.privacy import Privacy

_SHOWN = 5


def privacy(
    model: Model,
    train: Annotated[
        str, typer.Argument(metavar="TRAIN", help="The table that the model was fitted on.")
    ],
    holdout: Annotated[
        str,
        typer.Argument(
            metavar="HOLDOUT", help="Rows of the same source that the model was not fitted on."
        ),
    ],
    number: Annotated[
        int | None,
        typer.Option(
            "--number", "-n", metavar="N", min=20, help="Rows to draw. [default: as HOLDOUT has]"
        ),
    ] = None,
    synthetic: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Rows that are judged in place of new ones: what is handed out."
        ),
    ] = None,
    rows: Annotated[
        int,
        typer.Option(
            metavar="N", min=20, help="Rows of each table, at most, that are scored and guessed."
        ),
    ] = 2000,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask whether rows drawn from a model are somebody's data: do they tell of the training rows
    what they do not tell of rows that the model has not seen?

    Four questions, each with its error: are drawn rows nearer to training rows than to the
    hold-out? are they exact copies? does the likelihood tell training rows from the hold-out? are
    cells of training rows guessed better from drawn rows? All rows of both tables are searched.

    Hold rows out before the fit: a hold-out taken from the training table finds nothing. No answer
    is a guarantee, such as differential privacy gives.

    **Examples**

    `quasistatic privacy model train.csv held-out.csv`

    `quasistatic privacy model train.csv held-out.csv --synthetic synthetic.csv`
    """
    screen = Screen(as_json=as_json, quiet=quiet)
    if synthetic is not None and number is not None:
        raise SettingError("--synthetic has its own number of rows", fix="leave out -n")

    from quasistatic.data.arranged import read_like
    from quasistatic.estimator.loading import load_diffusion
    from quasistatic.fitted import privacy as room
    from quasistatic.fitted.privacy_words import LIMITS, sentences

    density = load_diffusion(model)
    seen, unseen = (read_like(density.schema_, path) for path in (train, holdout))
    given = None if synthetic is None else read_like(density.schema_, synthetic)
    fitted = density.fitted_
    found = room.privacy(fitted, seen, unseen, number, rows, given, key=fitted.key(seed))
    _show_columns(screen, found)
    for sentence in sentences(found):
        screen.result(sentence)
    screen.result(LIMITS)
    tables = {"train_table": train, "holdout_table": holdout, "synthetic_table": synthetic}
    values = {"model": model} | tables
    screen.json(values | found.to_json() | {"seed": seed})


def _show_columns(screen: Screen, found: "Privacy") -> None:
    """Distances, and the columns whose cells are guessed better on training rows than by chance."""
    screen.table(
        "Distance to the closest training row, 0 to 1",
        ["", "5 % of rows are closer than", "50 %"],
        [
            ["drawn rows", *(f"{distance:.4f}" for distance in found.closest_drawn)],
            ["the hold-out", *(f"{distance:.4f}" for distance in found.closest_holdout)],
        ],
    )
    screen.table(
        "Errors of guessed cells, the largest differences first",
        ["column", "training rows", "the hold-out", "difference"],
        [
            [
                name,
                f"{guess.train:.4f}",
                f"{guess.holdout:.4f}",
                nats(guess.advantage, guess.stderr),
            ]
            for name, guess in found.exposed(_SHOWN)
        ],
    )
