r"""Imputed cells against their true values, by the protocol of ForestDiffusion. Prints a Markdown
table.

    QUASISTATIC_DATA=... python benchmarks/imputation.py [NAMES] [--seeds 3] \
        [--methods quasistatic miceforest ...] [--mask mcar | mar | mnar] [--intervals]

The figures of each seed go to stderr as they come.

Protocol (Jolicoeur-Martineau, Fatras, Kachman 2024): 80 % of the rows; a fifth of the cells of X
missing completely at random, the target y observed, rows without any cell of X left out; each
method gets this table alone, and imputes it five times. Numbers are scaled to [0, 1] by the rows'
range, categories are one-hot divided by two (Gower), and the distance is summed over the missing
cells and divided by their number. MinMAE takes for each row the best of the five tables, AvgMAE
their mean; a method with one imputation has one number for both. "apart" is the same distance
between two of the five tables. The true value is itself a draw from the exact posterior, so draws
from it are as far from the true value as from one another: AvgMAE = apart. Where AvgMAE is larger,
the draws vary less than the uncertainty. The seconds of `quasistatic` are those of one fit, five
draws and a point imputation.

Beside these the energy score of a row's missing cells (lower is better; the truth's own posterior
has the lowest), and with `--intervals` the coverage of central intervals of 50 and 90 %, for which
each method imputes 19 times (`filling_figures.py`); MinMAE, AvgMAE and apart are of the first five
then, too. `--mask` takes cells that are missing at random or not at random (`holes.py`) in place of
completely at random; a method that sees the table alone cannot be right about the last.

`utrees` (with scikit-learn below 1.7) and `hyperimpute` (with pandas below 3) are methods where
they are installed.
"""

import argparse
import importlib.util
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from density import load_mixed
from filling_figures import INTERVALS, coverage, energy, figures
from holes import MASKS, with_holes
from machine import describe

IMPUTATIONS = 5


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--methods",
        nargs="*",
        choices=tuple(METHODS),
        default=[m for m in METHODS if m not in ("forest-diffusion", "clear-atoms")],
    )
    parser.add_argument("--mask", choices=MASKS, default="mcar")
    parser.add_argument("--intervals", action="store_true")
    arguments = parser.parse_args()
    draws = INTERVALS if arguments.intervals else IMPUTATIONS
    warnings.filterwarnings("ignore", module="sklearn|miceforest|missforest|lightgbm")
    warnings.filterwarnings("ignore", message="Mean of empty slice")
    folder = Path(os.environ["QUASISTATIC_DATA"]) / "fd27"
    names = arguments.names or sorted(path.stem for path in folder.glob("*.npz"))
    print(f"Machine: {describe()}; {arguments.seeds} seeds from 0; cells {arguments.mask}\n")
    head = ("table", "method", "MinMAE", "AvgMAE", "apart", "energy", "50 %", "90 %", "s")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    means: dict[str, list[np.ndarray]] = {}
    for name in names:
        for method in arguments.methods:
            runs = []
            for seed in range(arguments.seeds):
                path = folder / f"{name}.npz"
                runs.append(run(path, method, seed, arguments.mask, draws))
                print(name, seed, runs[-1], file=sys.stderr, flush=True)
            for kind in runs[0]:
                found = np.array([r[kind] for r in runs])
                means.setdefault(kind, []).append(found.mean(axis=0))
                show(name, kind, found)
    for method, rows in means.items():
        means_of = np.nanmean(rows, axis=0)
        show("mean; sum of s", method, np.array([[*means_of[:-1], np.sum(rows, axis=0)[-1]]]))


def show(name: str, method: str, runs: np.ndarray) -> None:
    """A line: means over the seeds with their standard error; what there is not is left empty."""
    mean = runs.mean(axis=0)
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else None
    cells = [
        ""
        if np.isnan(mean[i])
        else f"{mean[i]:.4f}" + ("" if error is None else f" ± {error[i]:.4f}")
        for i in range(len(mean) - 1)
    ]
    print(f"| {name} | {method} | {' | '.join(cells)} | {mean[-1]:.0f} |", flush=True)


def run(path: Path, method: str, seed: int, mask: str, draws: int) -> dict[str, tuple[float, ...]]:
    """The figures and the seconds of one method on one table, for each kind of filling that it
    has.
    """
    frame, missing, holed = with_holes(load_mixed(path), seed, mask)
    began = time.monotonic()
    filled = METHODS[method](holed, seed, draws)
    seconds = time.monotonic() - began
    kinds = filled if isinstance(filled, dict) else {method: filled}
    return {
        kind: (
            *figures(frame, missing, frames[:IMPUTATIONS]),
            energy(frame, missing, frames),
            *coverage(frame, missing, frames),
            seconds,
        )
        for kind, frames in kinds.items()
    }


def ours(holed: pl.DataFrame, seed: int, draws: int = IMPUTATIONS) -> dict[str, list[pl.DataFrame]]:
    """Draws given the other cells; medians and most frequent categories. Default options."""
    return our_fillings(holed, seed, draws, "quasistatic", None)


def ours_with_clear_atoms(
    holed: pl.DataFrame, seed: int, draws: int
) -> dict[str, list[pl.DataFrame]]:
    """The same without point masses that are in doubt, whatever held-out rows say."""
    from quasistatic.data.columns.alternatives import infer_schemas
    from quasistatic.data.table import from_frame

    clear = infer_schemas(from_frame(holed)).options[-1]
    return our_fillings(holed, seed, draws, "quasistatic, clear point masses", clear)


def our_fillings(
    holed: pl.DataFrame, seed: int, draws: int, name: str, schema: Any
) -> dict[str, list[pl.DataFrame]]:
    """Draws and the point imputation."""
    from quasistatic import DiffusionDensity

    model = DiffusionDensity(random_state=seed).fit(holed, schema=schema)
    return {
        name: model.impute(holed, n_imputations=draws),
        f"{name}, point": [model.impute(holed, n_imputations=1, point=True)],
    }


def miceforest(holed: pl.DataFrame, seed: int, draws: int) -> list[pl.DataFrame]:
    """Gradient-boosted trees in chained equations with predictive mean matching."""
    from miceforest import ImputationKernel

    kernel = ImputationKernel(to_pandas(holed), num_datasets=draws, random_state=seed)
    kernel.mice(5)
    return [from_pandas(kernel.complete_data(i), holed) for i in range(draws)]


def missforest(holed: pl.DataFrame, seed: int, draws: int) -> list[pl.DataFrame]:
    """MissForest (Stekhoven and Buehlmann 2012): 100 trees, column after column, until the table
    changes more than before. It draws nothing.
    """
    del draws
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    x, categories = codes(holed)
    missing = np.isnan(x)
    filled = np.where(missing, [guess(x[:, j], j in categories) for j in range(x.shape[1])], x)
    discrete, scale = np.isin(np.arange(x.shape[1]), categories), np.nanvar(x, axis=0) + 1e-12
    last = np.inf
    for _ in range(10):
        before = filled.copy()
        for j in np.argsort(missing.sum(axis=0), kind="stable"):
            if not missing[:, j].any():
                continue
            forest = (RandomForestClassifier if j in categories else RandomForestRegressor)(
                n_jobs=-1, random_state=seed
            )
            others = np.delete(filled, j, axis=1)
            forest.fit(others[~missing[:, j]], x[~missing[:, j], j])
            filled[missing[:, j], j] = forest.predict(others[missing[:, j]])
        change = np.mean(
            np.where(discrete, filled != before, (filled - before) ** 2 / scale)[missing]
        )
        if change >= last:
            return [decoded(before, holed)]
        last = change
    return [decoded(filled, holed)]


def guess(column: np.ndarray, categorical: bool) -> float:
    """Mean, or most frequent category, of the observed cells."""
    there = column[~np.isnan(column)]
    return np.bincount(there.astype(int)).argmax() if categorical else there.mean()


def chained(holed: pl.DataFrame, seed: int, draws: int) -> list[pl.DataFrame]:
    """scikit-learn's IterativeImputer with draws of the posterior."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    def fill(x: np.ndarray, i: int) -> np.ndarray:
        return IterativeImputer(sample_posterior=True, random_state=draws * seed + i).fit_transform(
            x
        )

    return [one_hot_filled(holed, lambda x, i=i: fill(x, i)) for i in range(draws)]


def neighbours(holed: pl.DataFrame, seed: int, draws: int) -> list[pl.DataFrame]:
    """scikit-learn's KNNImputer, which draws nothing."""
    del seed, draws
    from sklearn.impute import KNNImputer

    return [one_hot_filled(holed, KNNImputer().fit_transform)]


def forest_diffusion(holed: pl.DataFrame, seed: int, draws: int) -> list[pl.DataFrame]:
    """ForestDiffusion's VP diffusion with RePaint, its defaults; hours on the larger tables."""
    from ForestDiffusion import ForestDiffusionModel

    x, categories = codes(holed)
    several = [j for j in categories if holed[:, j].dtype.categories.len() > 2]
    binary = [j for j in categories if j not in several]
    model = ForestDiffusionModel(
        x, diffusion_type="vp", cat_indexes=several, bin_indexes=binary, n_jobs=-1, seed=seed
    )
    filled = model.impute(k=draws, repaint=True, r=10, j=0.1)
    return [decoded(f, holed) for f in filled]


def unmasking_trees(holed: pl.DataFrame, seed: int, draws: int) -> list[pl.DataFrame]:
    """UnmaskingTrees (McCarter 2024), its defaults, categories told as such."""
    from utrees import UnmaskingTrees

    np.random.seed(seed)  # noqa: NPY002  values within bins are drawn with it
    x, categories = codes(holed)
    kinds = ["categorical" if j in categories else "continuous" for j in range(x.shape[1])]
    model = UnmaskingTrees(random_state=seed).fit(x, quantize_cols=kinds)
    return [decoded(filled, holed) for filled in model.impute(n_impute=draws)]


def hyperimpute(holed: pl.DataFrame, seed: int, draws: int) -> list[pl.DataFrame]:
    """HyperImpute (Jarrett et al. 2022), its defaults: columns in turn, each by the model that is
    best for it. It draws nothing, and with pandas 3 it would return means.
    """
    del draws
    from hyperimpute.plugins.imputers import Imputers

    x, _ = codes(holed)
    filled = Imputers().get("hyperimpute", random_state=seed).fit_transform(pd.DataFrame(x))
    return [decoded(filled.to_numpy(), holed)]


Filled = list[pl.DataFrame] | dict[str, list[pl.DataFrame]]
METHODS: dict[str, Callable[[pl.DataFrame, int, int], Filled]] = {
    "quasistatic": ours,
    "clear-atoms": ours_with_clear_atoms,
    "miceforest": miceforest,
    "missforest": missforest,
    "iterative": chained,
    "knn": neighbours,
    "forest-diffusion": forest_diffusion,
}
METHODS |= {
    name: method
    for name, method in (("utrees", unmasking_trees), ("hyperimpute", hyperimpute))
    if importlib.util.find_spec(name) is not None
}


def to_pandas(holed: pl.DataFrame) -> pd.DataFrame:
    """Numbers with NaN, categories as pandas' own."""
    return pd.DataFrame(
        {
            c.name: pd.Categorical(
                c.cast(pl.String).to_list(), categories=c.dtype.categories.to_list()
            )
            if c.dtype == pl.Enum
            else c.cast(pl.Float64).to_numpy()
            for c in holed.iter_columns()
        }
    )


def from_pandas(frame: pd.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    """Inverse of `to_pandas`."""
    return pl.DataFrame(
        {
            c.name: pl.Series(frame[c.name].astype(str).to_list(), dtype=c.dtype)
            if c.dtype == pl.Enum
            else frame[c.name].to_numpy(dtype=float)
            for c in like.iter_columns()
        }
    )


def codes(holed: pl.DataFrame) -> tuple[np.ndarray, list[int]]:
    """One array, categories as their number, and which columns are categories."""
    categories = [j for j, c in enumerate(holed.iter_columns()) if c.dtype == pl.Enum]
    columns = [
        (c.to_physical() if c.dtype == pl.Enum else c).cast(pl.Float64).fill_null(np.nan).to_numpy()
        for c in holed.iter_columns()
    ]
    return np.stack(columns, axis=1), categories


def decoded(x: np.ndarray, like: pl.DataFrame) -> pl.DataFrame:
    """Numbers of categories to their names."""
    columns = {}
    for j, c in enumerate(like.iter_columns()):
        if c.dtype == pl.Enum:
            names = c.dtype.categories.to_list()
            columns[c.name] = pl.Series(
                [names[round(v)] for v in np.clip(x[:, j], 0, len(names) - 1)], dtype=c.dtype
            )
        else:
            columns[c.name] = x[:, j]
    return pl.DataFrame(columns)


def one_hot_filled(holed: pl.DataFrame, fill: Callable[[np.ndarray], np.ndarray]) -> pl.DataFrame:
    """`fill` on standardised numbers and one-hot categories but the first, which the others would
    determine.
    """
    x, categories = codes(holed)
    parts = []
    for j in range(x.shape[1]):
        column = x[:, j, None]
        if j in categories:
            hot = (column == np.arange(1, holed[:, j].dtype.categories.len())).astype(float)
            column = np.where(np.isnan(column), np.nan, hot)
        parts.append(column)
    edges = np.cumsum([part.shape[1] for part in parts])[:-1]
    whole = np.concatenate(parts, axis=1)
    centre, scale = np.nanmean(whole, axis=0), np.nanstd(whole, axis=0) + 1e-12
    pieces = np.split(fill((whole - centre) / scale) * scale + centre, edges, axis=1)
    columns = [
        np.argmax(np.c_[1.0 - p.sum(axis=1), p], axis=1).astype(float)
        if j in categories
        else p[:, 0]
        for j, p in enumerate(pieces)
    ]
    return decoded(np.stack(columns, axis=1), holed)


if __name__ == "__main__":
    main()
