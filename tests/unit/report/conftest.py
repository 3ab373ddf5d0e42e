"""A table whose names and categories are as bad as they come, a model of it, and what the report
finds."""

import datetime

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity, load
from quasistatic.data.table import Table
from quasistatic.report.compute import find
from quasistatic.report.findings import Limits

N = 80
SMALL = Limits(compared=60, scored=20, generated=24, weighed=16, ledger=8, certificate=12, paired=5)
SCRIPT = "<script>alert('x')</script>"
QUESTION = (
    "a question that somebody wrote into the heading, whole, with no thought of who would draw it?"
)
UNBREAKABLE = (
    "thisnamehasnoplacewhereitcouldbebrokenandgoesonforlongerthanaphoneiswideeveninsmalltype"
)


def nasty_table() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    start = datetime.date(2020, 1, 1)
    words = [
        "<b>bold</b>",
        "$\\frac{1}{0}$",
        "_under",
        "100 %",
        "日本語",
        "\U0001f642 \u202eleft",
        "nul\x00bell\x07",
        "a & b \"'",
    ]
    choice = rng.choice(words, N).tolist()
    choice[3] = None
    return pl.DataFrame(
        {
            SCRIPT: rng.normal(0, 1, N).round(2),
            "$a_{b}$ 100%": choice,
            "_hidden": rng.normal(1e6, 1e-3, N),
            QUESTION: rng.integers(0, 9, N),
            UNBREAKABLE: rng.random(N) < 0.4,
            "when\tit\nwas": [
                start + datetime.timedelta(int(day)) for day in rng.integers(0, 500, N)
            ],
            ']]> --> id="x" url(#y)': ["always"] * N,
        }
    )


@pytest.fixture(scope="session")
def nasty() -> Table:
    return Table(nasty_table(), "nasty.csv")


@pytest.fixture(scope="session")
def folder(nasty, tmp_path_factory):
    """Of a model of the nasty table, with four steps and hardly trained."""
    settings = {
        "trajectory_length": 4,
        "width": 8,
        "depth": 1,
        "dropout": 0.0,
        "frequencies": 0,
        "model": "diffusion",
        "components": 1,
        "max_steps": 2,
        "max_minutes": 2,
        "random_state": 0,
    }
    path = tmp_path_factory.mktemp("report") / "model"
    DiffusionDensity(**settings).fit(nasty).save(path)
    return path


@pytest.fixture(scope="session")
def look(folder):
    """`look(table)`: what the report finds with small limits."""

    def of(table, density=None, **settings):
        options = {
            "name": "model <i>",
            "data_name": "data <i>.csv",
            "settings": {"width": 8, "patience": None},
        }
        options |= {"trajectories": 4, "seed": 1, "limits": SMALL}
        return find(load(folder) if density is None else density, table, **options | settings)

    return of


@pytest.fixture(scope="session")
def findings(look, nasty):
    """Of the model and the table that it was fitted on."""
    return look(nasty)


@pytest.fixture(scope="session")
def alone(look):
    """Of the model without data."""
    return look(None)
