"""`quasistatic fit`: a density model of a table, of images or of sequences."""

from contextlib import nullcontext
from typing import Annotated, Any, Literal

import typer

from quasistatic.cli.claim import claimed
from quasistatic.cli.families import FAMILIES, ModelName, settings_of
from quasistatic.cli.fitting import prepare
from quasistatic.cli.options import Data, Force, Json, Quiet, Seed, Weights
from quasistatic.cli.processes import in_processes, keep_stdout, send_pulse
from quasistatic.cli.screen import Screen
from quasistatic.config import DiscreteKernel, ScheduleName
from quasistatic.data.disk.sharing import ALONE, Sharing
from quasistatic.data.text.names import refuse_halves

_TRAINING, _MODEL, _ENERGY = "Training", "Model", "Energy (boltzmann, rbm)"


def _count(panel: str, text: str, *, least: int = 1) -> Any:
    return typer.Option(metavar="N", min=least, rich_help_panel=panel, help=text)


def _number(panel: str, text: str, *, most: float | None) -> Any:
    return typer.Option(metavar="X", min=0, max=most, rich_help_panel=panel, help=text)


def fit(
    context: typer.Context,
    data: Data,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="MODEL", help="The model folder to write.")
    ],
    schema: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Kinds of columns, as JSON: overrides what is inferred."),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOKEN",
            help="A cell that means missing, besides empty, NA and the like. Repeat it for more.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONSTRAINT",
            help="What holds in every row: `end > start`, `total = a + b`, `city determines "
            "country`, `combinations of a, b`, `price in steps of 0.05`. Repeat it.",
        ),
    ] = None,
    unique: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMNS",
            help="Columns in which no two rows of a sampled table are alike: `number`, or `shop, "
            "day` together. Repeat it.",
        ),
    ] = None,
    weights: Weights = None,
    kind: Annotated[
        Literal["table", "images", "sequence"] | None,
        typer.Option(
            metavar="NAME",
            help="`table`, `images` or `sequence`. [default: images for a folder and for a .npy "
            "file of 3 or 4 dimensions]",
        ),
    ] = None,
    model: Annotated[
        ModelName | None,
        typer.Option(
            metavar="NAME",
            help="`diffusion`; `mixture`, a mixture of independent columns, in seconds; or a rival "
            "for binary columns: `boltzmann` (a Boltzmann machine) or `rbm` (a restricted one). "
            "[default: diffusion, or mixture where held-out rows prefer it]",
        ),
    ] = None,
    preset: Annotated[
        Literal["default", "thorough"],
        typer.Option(
            metavar="NAME", help="`default`, or `thorough`: trains longer for a tighter bound."
        ),
    ] = "default",
    max_steps: Annotated[
        int | None, _count(_TRAINING, "Training steps at most. [default: by the table]")
    ] = None,
    max_minutes: Annotated[
        float | None,
        _number(
            _TRAINING,
            "Minutes of training at most; the result then depends on the machine's speed. "
            "Below 3, a table of fewer than 2,000 rows is not cross-validated.",
            most=None,
        ),
    ] = None,
    batch_size: Annotated[
        int | None, _count(_TRAINING, "Rows in a batch. [default: by the table]")
    ] = None,
    learning_rate: Annotated[
        float | None,
        _number(_TRAINING, "Peak learning rate. [default: by the table]", most=None),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=_TRAINING,
            help="Go on from MODEL.checkpoint; the result is the same.",
        ),
    ] = False,
    trajectory_length: Annotated[
        int | None, _count(_MODEL, "Steps T of the diffusion. [default: by the table]")
    ] = None,
    components: Annotated[
        int | None,
        _count(
            _MODEL,
            "Components of the mixture that each reverse step is; 1: independent columns. "
            "[default: by the table]",
        ),
    ] = None,
    discrete_kernel: Annotated[
        DiscreteKernel,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_MODEL,
            help="How binary and categorical columns diffuse: `absorbing`, `binomial` or "
            "`categorical`.",
        ),
    ] = "absorbing",
    schedule: Annotated[
        ScheduleName,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_MODEL,
            help="How fast numbers diffuse: `learned`, `linear` or `cosine`.",
        ),
    ] = "learned",
    column_transform: Annotated[
        Literal["auto", "affine", "spline"],
        typer.Option(
            metavar="NAME",
            rich_help_panel=_MODEL,
            help="Numbers before they diffuse: `affine` (standardised), `spline` (made normal), "
            "`auto` (by column).",
        ),
    ] = "auto",
    width: Annotated[
        int | None, _count(_MODEL, "Width of the network. [default: by the table]")
    ] = None,
    depth: Annotated[
        int | None, _count(_MODEL, "Blocks of the network. [default: by the table]")
    ] = None,
    dropout: Annotated[
        float | None, _number(_MODEL, "Dropout in training. [default: by the table]", most=0.95)
    ] = None,
    frequencies: Annotated[
        int | None,
        _count(
            _MODEL,
            "Octaves of Fourier features (sines and cosines) of each number. "
            "[default: by the table]",
            least=0,
        ),
    ] = None,
    members: Annotated[
        int | None,
        _count(
            _MODEL,
            "Networks of the deep ensemble: trained apart, their outputs averaged. "
            "[default: 4 on a small table, else 1]",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_ENERGY,
            help="How it is learned: `exact`, `pseudolikelihood`, `mpf`, `mpf-opposite`, "
            "`ratio`, `cd`, `pcd`, "
            "`centred-pcd`; boltzmann also `mean-field`, `tap`, `bethe`. [default: mpf; "
            "centred-pcd for rbm]",
        ),
    ] = None,
    graph: Annotated[
        str | None,
        typer.Option(
            metavar="GRAPH",
            rich_help_panel=_ENERGY,
            help="boltzmann: `complete`, or a lattice such as `10x10`. [default: complete]",
        ),
    ] = None,
    hidden: Annotated[int | None, _count(_ENERGY, "rbm: hidden bits. [default: 16]")] = None,
    l1: Annotated[
        float | None, _number(_ENERGY, "Weight of the absolute couplings. [default: 0]", most=None)
    ] = None,
    l2: Annotated[
        float | None,
        _number(
            _ENERGY,
            "Weight of the squared couplings. [default: 1e-4; 0 with chains]",
            most=None,
        ),
    ] = None,
    updates: Annotated[
        int | None, _count(_ENERGY, "Updates of contrastive divergence. [default: 4000]")
    ] = None,
    processes: Annotated[
        int | None,
        _count(
            _TRAINING,
            "Processes of this machine that share the rows of each batch. Under a launcher of "
            "several machines leave it out: the variables JAX_COORDINATOR_ADDRESS, "
            "JAX_NUM_PROCESSES and JAX_PROCESS_ID say the same. [default: 1]",
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a density model to a table, to images or to sequences, and save it as a folder.

    The kinds of the columns (number, count, category, date ...) are inferred and printed. Missing
    cells are accepted. Training stops by itself when the bound on held-out rows no longer improves.
    Ctrl-C keeps a checkpoint: go on with `--resume`.

    **Examples**

    `quasistatic fit table.csv -o model`

    `quasistatic fit table.parquet -o model --seed 7 --max-minutes 10`

    `quasistatic fit table.csv -o model --resume`

    `quasistatic fit stays.csv -o model --where "end > start" --where "city determines country"`

    `quasistatic fit table.csv -o baseline --model mixture`

    `quasistatic fit folder-of-images -o model --max-minutes 20`

    `quasistatic fit spikes.npy --kind sequence -o model`

    `quasistatic fit bits.csv --model boltzmann --method mpf -o model`
    """
    screen = Screen(as_json=as_json, quiet=quiet)
    refuse_halves("--missing", missing or ())
    refuse_halves("--where", where or ())
    refuse_halves("--unique", unique or ())
    given = {
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    }
    settings = settings_of(model, context.params, given)
    from quasistatic import workers

    if (processes or 1) > 1 and not workers.is_asked_for():
        with claimed(output):
            raise typer.Exit(in_processes(processes or 1))
    is_watched = send_pulse()
    if workers.is_asked_for():
        keep_stdout()
    workers.join()
    sharing = Sharing(workers.rank(), workers.count(), workers.meet) if is_watched else ALONE
    # Whoever starts the processes on one machine has claimed the output, too.
    with claimed(output) if workers.is_first() and not is_watched else nullcontext():
        job = prepare(
            screen,
            data,
            output,
            kind=kind,
            schema_file=schema,
            missing=missing or (),
            constraints=(*(where or ()), *(f"unique {names}" for names in unique or ())),
            weights=weights,
            seed=seed,
            resume=resume,
            force=force,
            sharing=sharing,
        )
        values = FAMILIES[model].fit(screen, job, settings)
    images = values.get("layout", {}).get("kind") == "images"
    drawn = "-n 64 -o grid.png" if images else "-n 1000 -o synthetic.csv"
    screen.tell(f"Next: quasistatic sample {output} {drawn}")
    screen.tell(f"      quasistatic score {output} {data} -o scores.csv")
    screen.tell(f"      quasistatic inspect {output}")
    if not images and model not in ("boltzmann", "rbm"):
        screen.tell(
            f"      quasistatic report {output} {data} --learning-curve (would more rows help?)"
        )
    screen.json(values)
    workers.leave()
