"""`quasistatic reproduce` on the command line."""

import json

import pytest
from typer.testing import CliRunner

from quasistatic.cli.app import app


def reproduce(*arguments: str):
    return CliRunner().invoke(app, ["reproduce", *arguments])


def test_missing_files_and_names_end_in_one_message(tmp_path, monkeypatch):
    monkeypatch.delenv("QUASISTATIC_DATA", raising=False)
    result = reproduce("mnist", "--quick", "-o", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "QUASISTATIC_DATA" in result.stderr
    assert "To do:" in result.stderr
    assert not (tmp_path / "out").exists()
    result = reproduce("table1", "-o", str(tmp_path))
    assert result.exit_code == 2
    assert "no results for table1" in result.stderr
    assert reproduce("bark", "-o", str(tmp_path)).exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["heartbeat", "swiss-roll"])
def test_quick_experiments(tmp_path, name):
    result = reproduce(name, "--quick", "-o", str(tmp_path / name), "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    assert metrics["K_minus_L_null"] > 1.0
    assert json.loads((tmp_path / name / "metrics.json").read_text())["K"] == metrics["K"]
    result = reproduce("table1", "-o", str(tmp_path))
    assert result.exit_code == 0
    assert f"{name} (quick)" in result.stdout
