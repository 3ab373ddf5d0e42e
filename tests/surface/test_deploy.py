"""The files of `deploy/` parse, and run a command that this version has with options it knows."""

import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from quasistatic import workers
from quasistatic.cli.app import app

DEPLOY = Path(__file__).parents[2] / "deploy"


def commands():
    job = yaml.safe_load((DEPLOY / "kubeflow-trainjob.yaml").read_text())
    assert job["kind"] == "TrainJob"
    assert job["spec"]["runtimeRef"]["name"] == "jax-distributed"
    assert job["spec"]["trainer"]["numNodes"] == 2
    sky = yaml.safe_load((DEPLOY / "skypilot.yaml").read_text())
    assert sky["num_nodes"] == 2
    *exports, last = sky["run"].strip().splitlines()
    names = {line.split("=")[0].removeprefix("export ").strip() for line in exports}
    assert names == {workers._ADDRESS, workers._COUNT, workers._RANK}
    return {"kubeflow": job["spec"]["trainer"]["command"], "skypilot": shlex.split(last)}


@pytest.mark.parametrize("name", ["kubeflow", "skypilot"])
def test_the_commands_are_of_this_version(name):
    program, command, *arguments = commands()[name]
    assert program == "quasistatic"
    fit = get_command(app).get_command(None, command)
    parsed = fit.make_context(command, arguments, resilient_parsing=False)
    assert parsed.params["data"] == "/data/table"
    assert parsed.params["output"] == "/data/model"
