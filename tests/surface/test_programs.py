"""Few programs: what a command has to compile before it begins is its waiting time."""

import json
import subprocess
import sys

import pytest

from surface.conftest import ONCE

COUNT = """
import json, sys
import jax
from typer.testing import CliRunner
from quasistatic.cli.app import app

found = []
def listen(event, seconds, **_):
    if event == "/jax/core/compile/backend_compile_duration":
        found[-1] += 1
jax.monitoring.register_event_duration_secs_listener(listen)
for arguments in json.loads(sys.argv[1]):
    found.append(0)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory, penguins_path):
    """Numbers of programs of a first fit, and of questions in the same process after it."""
    folder = tmp_path_factory.mktemp("programs")
    model, data = folder / "model", penguins_path
    commands = {
        "fit": ["fit", data, "-o", model, *ONCE],
        "score": ["score", model, data, "-o", folder / "scores.csv"],
        "sample": ["sample", model, "-n", 10, "-o", folder / "rows.csv"],
        "impute": ["impute", model, data, "-o", folder / "filled.csv", "-m", 1],
    }
    lines = json.dumps([[str(word) for word in line] for line in commands.values()])
    done = subprocess.run(
        [sys.executable, "-c", COUNT, lines], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(commands, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(
    ("command", "most"), [("fit", 6), ("score", 3), ("sample", 1), ("impute", 1)]
)
def test_a_command_has_few_programs(programs, command, most):
    """A fit has its network's first weights, its steps and its bound; the others are random
    keys."""
    assert 1 <= programs[command] <= most
