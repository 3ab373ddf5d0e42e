"""Small models of a table and of images, asked by all tests of the room."""

import time

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

from quasistatic import DiffusionDensity, image_table
from quasistatic.data.table import Table
from quasistatic.serve import reference, row_answer
from quasistatic.serve.app import application
from quasistatic.serve.guard import Rules
from quasistatic.serve.limits import Limits
from quasistatic.serve.subject import Subject
from quasistatic.serve.views import arranged, columns, trajectory
from unit.conftest import no_training

NASTY = "<img src=x onerror=alert(1)>"
"""A category that a page must not run."""
ADDRESS = "http://127.0.0.1:8000"
UNTRAINED = {"trajectory_length": 3, "width": 4, "max_steps": 4, "random_state": 0}


def frame() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    kind = rng.choice(["a", NASTY], 60)
    mass = np.where(kind == "a", 10.0, 14.0) + rng.normal(0.0, 1.0, 60)
    count = rng.poisson(4, 60).tolist()
    count[7] = None
    return pl.DataFrame({"kind": kind, "mass_g": np.round(mass, 1), "count": count})


@pytest.fixture(scope="session")
def density() -> DiffusionDensity:
    return DiffusionDensity(model="mixture", random_state=0).fit(frame())


@pytest.fixture(scope="session")
def quick():
    """Answers get better once, not three times; fewer rows say what is usual."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_answer, "_WHOLE", ((16, 16), (64, 16)))
        patch.setattr(row_answer, "_HOLED", ((16, 16),))
        patch.setattr(columns, "_DRAWN", (64,))
        patch.setattr(trajectory, "_DRAWS", (64,))
        patch.setattr(reference, "REFERENCE_ROWS", 64)
        yield


@pytest.fixture(scope="session")
def subject(density, quick) -> Subject:
    return Subject.of("tiny", density, Table(frame(), "somewhere/rows.csv"), "rows.csv")


@pytest.fixture(scope="session")
def client(subject):
    """A client of the service, once the model is calibrated."""
    rules = Rules(limits=Limits(body_bytes=20_000))
    with TestClient(application(subject, rules), base_url=ADDRESS) as client:
        end = time.monotonic() + 120
        while client.get("/healthz").json()["calibrated"] < 1:
            assert time.monotonic() < end, "the model is not calibrated"
            time.sleep(0.05)
        yield client


@pytest.fixture(scope="session")
def brief():
    """Answers get better once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arranged, "_WHOLE", (16,))
        patch.setattr(arranged, "_HOLED", ((8, 4), (8, 8)))
        patch.setattr(arranged, "_DENOISED", (8,))
        yield


@pytest.fixture(scope="session")
def image_subject(brief):
    stack = np.random.default_rng(3).integers(50, 200, (20, 4, 6), dtype=np.uint8)
    with no_training():
        density = DiffusionDensity(**UNTRAINED).fit(stack)
    return Subject.of("m", density, image_table(stack), "them")
