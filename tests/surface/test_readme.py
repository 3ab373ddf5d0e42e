"""Every command and every Python block of the README and of the pages about posteriors runs as it
stands there, with small networks that are trained once for a few steps."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

README = Path(__file__).resolve().parents[2] / "README.md"
PAGES = [README] + [
    README.parent / "docs" / f"{n}.md"
    for n in ("filling-holes", "conditional-questions", "your-own-r", "constraints")
]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.fixture
def checkout(tmp_path, monkeypatch, repository):
    """An empty folder that holds what the README takes for granted, every sixth row of the
    table; the first of them has holes."""
    shutil.copytree(repository / "examples", tmp_path / "examples")
    table = tmp_path / "examples" / "penguins.csv"
    head, *rows = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join([head, *rows[3::6]]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@every_page
def test_the_page_has_code(page):
    assert len(blocks(page, "python")) >= 1


def test_the_readme_has_commands():
    assert len(blocks(README, "console")) >= 2


@every_page
def test_commands_run(checkout, small_fits, page):
    from quasistatic.cli.app import app

    lines = [
        line[2:]
        for block in blocks(page, "console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "quasistatic"
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, f"{line}\n{done.output}"


@every_page
def test_python_runs(checkout, small_fits, page):
    names = {"__name__": page.stem}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)


def test_links_point_to_files():
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (README.parent / target).exists(), target
