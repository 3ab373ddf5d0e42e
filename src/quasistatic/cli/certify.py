"""`quasistatic certify`: how far the likelihoods of a model can be off."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from quasistatic.cli.options import Json, Model, Quiet, Seed, Steps
from quasistatic.cli.screen import Screen, nats

if TYPE_CHECKING:
    from quasistatic.fitted.certificate import Certificate


def certify(
    model: Model,
    number: Annotated[
        int,
        typer.Option(
            "--number", "-n", metavar="N", min=2, help="How many rows the model generates for it."
        ),
    ] = 500,
    trajectories: Annotated[int, typer.Option(metavar="N", min=2, help="Trajectories a row.")] = 64,
    steps: Steps = None,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Bound log p of rows that the model generates from both sides, and store the gap in the model
    folder.

    A generated row comes with its own trajectory, so that the upper side is a true bound
    (bidirectional Monte Carlo). The gap says how far `score --method ais` with the same number of
    trajectories can be off on rows like the model's own.

    **Examples**

    `quasistatic certify model`

    `quasistatic certify model -n 1000 --trajectories 128`
    """
    screen = Screen(as_json=as_json, quiet=quiet)

    from quasistatic.estimator.loading import load_diffusion

    density = load_diffusion(model)
    found = density.certify(n=number, trajectories=trajectories, random_state=seed, steps=steps)
    density.save(model, force=True)
    show_certificate(screen, found)
    screen.result(f"Base measure: {density.schema_.base_measure()}")
    screen.tell(f"Stored in {model}: `quasistatic inspect {model}` shows it.")
    screen.json(
        {
            "model": model,
            "certificate": found.to_json(),
            "base_measure": density.schema_.base_measure(),
        }
    )


def show_certificate(screen: Screen, found: "Certificate") -> None:
    """The certificate in three lines."""
    screen.result(
        f"Certificate: the sides of log p are {nats(found.gap, found.gap_stderr)} nats per row "
        f"apart ({found.rows} generated rows, {found.trajectories} trajectories of {found.steps} "
        "steps)"
    )
    screen.result(
        f"  {nats(found.lower)} <= {nats(found.log_likelihood, found.log_likelihood_stderr)} <= "
        f"{nats(found.upper)} nats per row (lower side, Bennett's estimate, upper side)"
    )
    slope = (
        f"{nats(found.crooks_slope, found.crooks_stderr)} (1 where the weights are right)"
        if math.isfinite(found.crooks_slope)
        else "unknown (the work of a row hardly varies)"
    )
    screen.result(
        f"  Crooks' slope {slope}, effective sample size {found.ess:.1f} of {found.trajectories}"
    )
