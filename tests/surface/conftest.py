"""A small model, fitted once, and a way to run the command line."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

BUDGET = ["--model", "diffusion", "--max-steps", "20", "--trajectory-length", "10", "--width", "16"]
BUDGET += ["--components", "1", "--members", "1", "--frequencies", "0"]
"""Options that make a fit take a second; what was compiled for one such model serves the others."""

ONCE = [*BUDGET, "--max-minutes", "2"]
"""The same, and one training: a small table is cross-validated where there is more time."""

SMALL = {
    "model": "diffusion",
    "components": 1,
    "max_steps": 20,
    "max_minutes": 2,
    "trajectory_length": 10,
    "width": 16,
    "members": 1,
    "frequencies": 0,
}
"""The settings of `ONCE`."""


@dataclasses.dataclass
class Outcome:
    """What a command did."""

    code: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Outcome:
    """Run `quasistatic` in this process."""
    from quasistatic.cli.app import app

    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Outcome(done.exit_code, done.stdout, done.stderr)


def refused(*arguments: object, folder: Path) -> str:
    """Run a command that must fail: exit code 2, one clear error, no traceback, nothing written.
    Returns the message."""
    before = contents(folder)
    outcome = run(*arguments)
    assert outcome.code == 2, f"{outcome.stdout}\n{outcome.stderr}"
    assert outcome.stderr.count("Error: ") == 1, outcome.stderr
    assert "Traceback" not in outcome.stderr + outcome.stdout
    assert contents(folder) == before
    return outcome.stderr[outcome.stderr.index("Error: ") :]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="session")
def fitted(tmp_path_factory, penguins_path) -> Path:
    """A model folder, fitted on the penguins for a few steps. Do not change it: copy it."""
    folder = tmp_path_factory.mktemp("fitted") / "model"
    outcome = run("fit", penguins_path, "-o", folder, *BUDGET, "--quiet")
    assert outcome.code == 0, outcome.stderr
    return folder


@pytest.fixture
def small_fits(monkeypatch):
    """Whatever its settings, every fit trains a small network once, as with `ONCE`."""
    from quasistatic import DiffusionDensity

    fit = DiffusionDensity.fit

    def small_fit(self, *args, **kwargs):
        return fit(self.set_params(**SMALL), *args, **kwargs)

    monkeypatch.setattr(DiffusionDensity, "fit", small_fit)


@pytest.fixture
def model(fitted, tmp_path) -> Path:
    """A copy of the small model in the test's own folder."""
    return Path(shutil.copytree(fitted, tmp_path / "model"))
