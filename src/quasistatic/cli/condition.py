"""`quasistatic condition`: rows given what is known of some columns, and how probable that is."""

from typing import Annotated

import typer

from quasistatic.cli.options import Force, Json, Model, Quiet, Rows, Seed
from quasistatic.cli.screen import Screen, nats


def condition(
    model: Model,
    given: Annotated[
        list[str],
        typer.Option(
            "--given",
            "-g",
            metavar="COLUMN=VALUE",
            help="Also `COLUMN>V`, `<`, `>=`, `<=`; `V<=COLUMN<W`; `COLUMN=A|B`: either; "
            "`A - B < 30`: columns of numbers or times together. Repeat it.",
        ),
    ],
    number: Annotated[
        int, typer.Option("--number", "-n", metavar="N", min=1, help="How many rows.")
    ],
    output: Rows,
    particles: Annotated[
        int, typer.Option(metavar="N", min=2, help="Particles of a population.")
    ] = 64,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw rows that agree with what is given, and print its log evidence.

    The evidence is the log of the probability (the density, for numbers that are not rounded) that
    the model gives to the condition, in nats. The effective number of particles says how many
    independent rows stand behind the draws.

    **Examples**

    `quasistatic condition model --given sex=female --given "body_mass_g>4000" -n 100 -o rows.csv`
    """
    from quasistatic.cli.rows import STDOUT, check_rows_output, layout_of, write_rows

    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    layout = layout_of(model)
    check_rows_output(output, force=force, as_json=as_json, layout=layout)

    from quasistatic.data.constraints.moments import units_of
    from quasistatic.estimator.loading import load_diffusion
    from quasistatic.fitted.given import read_given
    from quasistatic.fitted.rarity import warning_of

    density = load_diffusion(model)
    schema = density.schema_
    discrete = [c.name for c in schema.columns if c.is_discrete]
    conditions = read_given(given, discrete, schema.names, units_of(schema))
    rare = warning_of(density.fitted_, [name for name in conditions if name in discrete])
    if rare:
        screen.warn(f"Warning: {rare}.")
    found = density.condition(conditions)
    table = found.draw(number, random_state=seed, particles=particles)
    write_rows(table, output, force=force, layout=layout)
    screen.result(
        f"Log evidence: {nats(found.log_evidence, found.stderr)} nats; "
        f"{found.ess:.0f} effective particles"
    )
    screen.result(f"Base measure: {found.base_measure}")
    if output != STDOUT:
        screen.result(f"{len(table)} rows: {output}")
    values = {
        "log_evidence_nats": found.log_evidence,
        "stderr": found.stderr,
        "ess": found.ess,
        "base_measure": found.base_measure,
    }
    screen.json(
        {
            "model": model,
            "given": given,
            "output": output,
            "rows": len(table),
            **values,
            "seed": seed,
        }
    )
