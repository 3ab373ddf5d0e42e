"""Every command and every Python block of the README runs as it stands there, with a small budget."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

README = Path(__file__).resolve().parents[2] / "README.md"
BUDGET = 20


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path, monkeypatch, repository):
    """An empty folder that holds what the README takes for granted."""
    shutil.copytree(repository / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_readme_has_code():
    assert len(blocks("python")) >= 1
    assert len(blocks("console")) >= 2


def test_commands_run(checkout):
    from quasistatic.cli.app import app

    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert lines
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "quasistatic"
        if arguments[0] in ("fit", "demo"):
            arguments += ["--max-steps", str(BUDGET)]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, f"{line}\n{done.output}"


def test_python_runs(checkout, monkeypatch):
    import quasistatic

    fit = quasistatic.DiffusionDensity.fit

    def short_fit(self, *args, **kwargs):
        """The same fit with a budget for tests."""
        return fit(self.set_params(max_steps=BUDGET), *args, **kwargs)

    monkeypatch.setattr(quasistatic.DiffusionDensity, "fit", short_fit)
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


def test_links_point_to_files():
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (README.parent / target).exists(), target
