r"""Are sampled rows like real ones? Prints a Markdown table: means over the seeds, ± the standard
error where there are several.

    QUASISTATIC_DATA=... python benchmarks/samples.py [penguins mixed yeast ...] [--seeds 0 1 2]

Every method is fitted on four fifths of the rows and draws as many; judged are its rows against the
last fifth, which it has not seen: column shapes, pair trends, the largest difference of two rank
correlations, the share of rows with a pair of values that the whole table never has and not by
chance, the area under the curve of boosted trees that tell both apart, and how well trees that were
fitted on its rows predict each column of real ones (`likeness.py`). `bootstrap` draws rows of the
training part: the limit. `shuffled` draws every column by itself: what no dependence is worth.

Others are judged where their libraries are installed, with default settings: SDV's synthesizers
(`sdv` 2.0); an adversarial random forest (`arfpy` with numpy below 2.3), of rows without holes;
UnmaskingTrees (`utrees` with scikit-learn below 1.7; OMP_NUM_THREADS=1 where others use the
processor), which draws no holes; and TabularARGN (`mostlyai-engine`, whose numbers are drawn digit
by digit or in bins, without `torchvision` if that is of another PyTorch). Draws of the forest and
of UnmaskingTrees are rounded as the columns are.
"""

import argparse
import importlib
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from density import load_mixed
from likeness import impossible, learned_from, pairs, rank_correlations, shapes, told_apart
from sklearn.datasets import load_diabetes
from throughput import mixed_table

from quasistatic import DiffusionDensity

Sampler = Callable[[pl.DataFrame, int, int], pl.DataFrame]
SDV = "GaussianCopulaSynthesizer", "TVAESynthesizer", "CTGANSynthesizer"
PACKAGED: dict[str, Callable] = {
    "diabetes": lambda: load_diabetes(as_frame=True, scaled=False).frame,
    "affairs": lambda: importlib.import_module("statsmodels.datasets.fair").load_pandas().data,
}
"""Of scikit-learn and of statsmodels, where it is installed: all numbers, some of few values."""
HEADERS = "shapes", "pairs", "rank corr.", "impossible", "AUC", "learned", "CPU s"


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", default=["penguins", "mixed"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--methods", nargs="*", help="only these of the methods")
    arguments = parser.parse_args()
    known = methods()
    print("| table | method | " + " | ".join(HEADERS) + " |\n" + "|---" * 9 + "|", flush=True)
    for table in arguments.tables:
        frame = load(table)
        for name in arguments.methods or known:
            rows = [judged(frame, known[name], seed) for seed in arguments.seeds]
            cells = [_said(column) for column in zip(*rows, strict=True)]
            print(f"| {table} | {name} | " + " | ".join(cells) + " |", flush=True)


def load(name: str) -> pl.DataFrame:
    """The example table, the generator of `throughput.py`, a table of a package, or one of the
    folder `fd27`.
    """
    if name == "penguins":
        example = Path(__file__).resolve().parents[1] / "examples" / "penguins.csv"
        return pl.read_csv(example, null_values="NA")
    if name == "mixed":
        return mixed_table(10_000)
    if name in PACKAGED:
        return pl.from_pandas(PACKAGED[name]())
    return load_mixed(Path(os.environ["QUASISTATIC_DATA"]) / "fd27" / f"{name}.npz")


def methods() -> dict[str, Sampler]:
    """Functions of the training rows, the number of rows to draw and the seed."""
    found: dict[str, Sampler] = {
        "bootstrap": lambda train, n, seed: train.sample(n, with_replacement=True, seed=seed),
        "shuffled": _shuffled,
        "quasistatic": lambda train, n, seed: (
            DiffusionDensity(random_state=seed).fit(train).sample(n, random_state=seed)
        ),
        "quasistatic, mixture": lambda train, n, seed: (
            DiffusionDensity(model="mixture", random_state=seed)
            .fit(train)
            .sample(n, random_state=seed)
        ),
    }
    if importlib.util.find_spec("sdv") is not None:
        found |= {name: _of_sdv(name) for name in SDV}
    if importlib.util.find_spec("arfpy") is not None:
        found["adversarial random forest"] = _of_forest
    if importlib.util.find_spec("utrees") is not None:
        found["UnmaskingTrees"] = _of_unmasking
    if importlib.util.find_spec("mostlyai") is not None:
        found["TabularARGN"] = _of_argn
    return found


def judged(frame: pl.DataFrame, method: Sampler, seed: int) -> tuple[float, ...]:
    """The numbers of one method on one split."""
    order = np.random.default_rng(seed).permutation(len(frame))
    train, held_out = frame[order[len(frame) // 5 :]], frame[order[: len(frame) // 5]]
    began = time.process_time()
    drawn = method(train, len(train), seed).select(frame.columns)
    seconds = time.process_time() - began
    return (
        shapes(held_out, drawn),
        pairs(held_out, drawn),
        rank_correlations(held_out, drawn),
        impossible(frame, drawn),
        told_apart(held_out, drawn, seed),
        learned_from(drawn, held_out, seed),
        seconds,
    )


def _shuffled(train: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            train[name].sample(n, with_replacement=True, seed=seed + j)
            for j, name in enumerate(train.columns)
        ]
    )


def _of_sdv(name: str) -> Sampler:
    def sample(train: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
        words = [name for name in train.columns if not train[name].dtype.is_numeric()]
        # Not as categories, which they refuse.
        tables = {"table": train.with_columns(pl.col(words).cast(pl.String)).to_pandas()}
        describe = importlib.import_module("sdv.metadata").Metadata.detect_from_dataframes
        synthesizer = getattr(importlib.import_module("sdv.single_table"), name)(
            describe(tables, infer_keys=None)
        )
        synthesizer.fit(tables)
        drawn = synthesizer.sample(n)
        drawn = drawn["table"] if isinstance(drawn, dict) else drawn
        return pl.from_pandas(drawn).cast(dict(train.schema), strict=False)

    return sample


def _of_forest(train: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    np.random.seed(seed)  # noqa: NPY002  pandas shuffles with it
    whole = train.drop_nulls()
    table = whole.to_pandas()
    words = [name for name in whole.columns if not whole[name].dtype.is_numeric()]
    table[words] = table[words].astype("category")
    forest = importlib.import_module("arfpy.arf").arf(x=table, verbose=False, random_state=seed)
    forest.forde()
    drawn = pl.from_pandas(forest.forge(n).astype(dict.fromkeys(words, str)))
    return _like(whole, drawn)


def _of_unmasking(train: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    """Other columns than numbers as codes, which it is told to be categories."""
    np.random.seed(seed)  # noqa: NPY002  values within bins are drawn with it
    words = [name for name in train.columns if not train[name].dtype.is_numeric()]
    codes = train.with_columns(pl.col(words).rank("dense") - 1).cast(pl.Float64)
    kinds = ["categorical" if name in words else "continuous" for name in train.columns]
    model = importlib.import_module("utrees").UnmaskingTrees(random_state=seed)
    model.fit(codes.fill_null(np.nan).to_numpy(), quantize_cols=kinds)
    drawn = pl.DataFrame(model.generate(n), schema=train.columns)
    states = {name: train[name].drop_nulls().unique().sort() for name in words}
    named = [states[name].gather(drawn[name].cast(pl.Int64)).alias(name) for name in words]
    return _like(train, drawn.with_columns(named))


def _of_argn(train: pl.DataFrame, n: int, seed: int) -> pl.DataFrame:
    words = [name for name in train.columns if not train[name].dtype.is_numeric()]
    table = train.with_columns(pl.col(words).cast(pl.String)).to_pandas()
    with importlib.import_module("mostlyai.engine").TabularARGN(random_state=seed) as model:
        drawn = pl.from_pandas(model.fit(table).sample(n))
    return drawn.cast(dict(train.schema), strict=False)


def _like(real: pl.DataFrame, drawn: pl.DataFrame) -> pl.DataFrame:
    """Numbers rounded as the real ones are, and the same dtypes."""
    rounded = [
        pl.col(name).round(_decimals(real[name]))
        for name in real.columns
        if real[name].dtype.is_numeric()
    ]
    return drawn.with_columns(rounded).cast(dict(real.schema), strict=False)


def _decimals(column: pl.Series) -> int:
    """Digits after the point that the values have, 8 at most."""
    return next((d for d in range(8) if (column.round(d) == column).all()), 8)


def _said(values: tuple[float, ...]) -> str:
    """Nothing where a table has no such number: one with a single column has no pairs."""
    if np.isnan(values).any():
        return ""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.3f} ± {error:.3f}"


if __name__ == "__main__":
    main()
