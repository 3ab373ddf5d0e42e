"""`quasistatic reproduce`: the paper's experiments."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from quasistatic.cli.options import Force, Json, Quiet, Seed
from quasistatic.cli.screen import Screen, duration

if TYPE_CHECKING:
    from quasistatic.train.loop import Event

Name = Literal[
    "swiss-roll",
    "heartbeat",
    "dead-leaves",
    "textures",
    "mnist",
    "bmnist",
    "cifar10",
    "table1",
    "table2",
    "table3",
    "rivals",
]


def reproduce(
    name: Annotated[
        Name,
        typer.Argument(
            metavar="NAME", help="The experiment, or table1, table2 or table3 to collect results."
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="The folder to write.")
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="A small version that takes at most three minutes.")
    ] = False,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            metavar="VARIANT",
            help="Only this model of the experiment; may be repeated.",
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run one of the experiments of Sohl-Dickstein et al. (2015): train, measure, draw.

    NAME is `swiss-roll`, `heartbeat`, `dead-leaves`, `textures`, `mnist`, `bmnist` or `cifar10`;
    `table1`, `table2` and `table3` (binary MNIST) collect the results that lie in the folders below
    DIR. `rivals` sets the methods that the paper names beside diffusion, on data whose truth is
    known: `--variant` is then `glass`, `glass-models`, `bits`, `digits` or `roll`.

    Writes `metrics.json`, the parameters of every model and the figures into DIR. `mnist`, `bmnist`
    and `cifar10` need their files in the folder that the variable QUASISTATIC_DATA names.

    **Examples**

    `quasistatic reproduce heartbeat --quick -o runs/heartbeat`

    `quasistatic reproduce table1 -o runs`
    """
    from pathlib import Path

    from quasistatic.errors import SettingError
    from quasistatic.experiments.catalogue import experiment
    from quasistatic.experiments.running import run
    from quasistatic.experiments.tables import TABLES, write_table

    screen, folder = Screen(as_json=as_json, quiet=quiet), Path(output)
    if name == "rivals":
        from quasistatic.experiments.rivals import running

        metrics = running.run(
            folder, quick=quick, seed=seed, benches=variant or (), force=force, stage=screen.tell
        )
        screen.result((folder / "results.md").read_text(encoding="utf-8"))
        screen.result(f"Numbers and figure: {output} ({duration(metrics['seconds'])})")
        screen.json(metrics)
        return
    if name in TABLES:
        if variant:
            raise SettingError(
                f"--variant has no meaning for {name}: it has the models that were run",
                fix="leave it out",
            )
        screen.result(write_table(name, folder))
        screen.json({"table": name, "folder": output})
        return
    chosen = experiment(name)
    setting = chosen.quick if quick else chosen.full

    def tell(variant: str, event: "Event") -> None:
        bound = event.train_nats if event.valid_nats != event.valid_nats else event.valid_nats
        screen.tell(
            f"{variant}: step {event.step} of {event.max_steps}, "
            f"bound {bound:.4f} nats per row (model's units), about "
            f"{duration(event.seconds_left)} left"
        )

    metrics = run(
        chosen,
        setting,
        folder,
        seed=seed,
        variants=variant or (),
        quick=quick,
        force=force,
        progress=tell,
        stage=screen.tell,
    )
    rows = [
        [variant, *(f"{values[key]:.3f}" for key in ("K", "K_minus_L_null", "lower"))]
        for variant, values in metrics["variants"].items()
    ]
    published = chosen.published
    if published.k is not None:
        rows.append(["published", f"{published.k:.3f}", f"{published.k_minus_l_null:.3f}", None])
    screen.result(f"{chosen.title}: {chosen.units}")
    screen.table("", ["model", "K", "K - L_null", "lower (AIS)"], rows)
    for variant, nats in metrics.get("nats_per_image", {}).items():
        screen.result(
            f"{variant}: K {nats['K']:.2f} ± {nats['K_stderr']:.2f}, lower (AIS) "
            f"{nats['lower']:.2f} ± {nats['lower_stderr']:.2f} nats per image "
            f"({metrics['test_images']} test images)"
        )
    screen.result(f"Numbers, parameters and figures: {output} ({duration(metrics['seconds'])})")
    screen.json(metrics)
