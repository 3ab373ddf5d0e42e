"""Arguments and options that several commands share."""

from typing import Annotated

import typer

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model folder, as written by `quasistatic fit`.")
]
Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="The table: .csv, .tsv, .parquet, .feather/.arrow, .jsonl, .npy or .npz. "
        "Empty cells and NA are missing. Or images: a folder of image files, "
        "or a .npy stack.",
    ),
]
Rows = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="The file to write; its ending chooses the format. `-`: CSV to stdout.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        max=2**32 - 1,
        help="Same seed, version and machine: same result.",
    ),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace the output if it exists.")]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="One JSON object on stdout and nothing else; human text goes to stderr."
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Print the result and warnings only: no schema, no progress."
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="COLUMN",
        help="A column of DATA with frequencies: a row of weight 2 is two rows. It is no column of "
        "the model.",
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Processes of this machine that share the pieces of a large table (65,536 rows each); "
        "the output is that of one. [default: 1]",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        min=1,
        help="Walk the best K of the T steps: faster, a looser bound. [default: all]",
    ),
]
FewSteps = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        min=1,
        help="Walk the best K of the T steps. [default: evenly spaced steps, 64 at most]",
    ),
]
