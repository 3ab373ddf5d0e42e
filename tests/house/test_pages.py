"""What pages and docstrings say of the code is true of it: paths, names, lists, the layers."""

import re
import tomllib

import pytest

from house.references import docstrings, exists, path_exists, stale, ticked
from house.source import REPOSITORY, read, trees

PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
        *(REPOSITORY / "examples").glob("*.md"),
    ]
    # The changelog tells of names as they were.
    if path.name != "CHANGELOG.md" and "_build" not in path.parts
)
TO_ADD = "To add one:"


def test_paths_and_modules_named_on_pages_exist():
    found = [f"{page}: {name}" for page in PAGES for name in stale(read(page))]
    assert not found, "\n".join(found)


def test_paths_and_modules_named_in_docstrings_exist():
    found = [
        f"{path}: {name}"
        for path, tree in trees().items()
        for text in docstrings(tree)
        for name in stale(text, beside=path)
    ]
    assert not found, "\n".join(found)


def test_stale_names_are_found():
    text = "`forward/base.py`, `gone.py`, `rows.gone`, `data.cells.Cells.value`, `x.py`"
    assert stale(text, "forward/base.py") == ["gone.py", "rows.gone", "x.py"]
    text = "`base.py`, `model.DiffusionModel.gone`, `model.DiffusionModel.forward`"
    assert stale(text, "forward/base.py") == ["model.DiffusionModel.gone"]


def layers(text: str) -> list[set[str]]:
    """The rooms of `a -> b | c -> d`, floor by floor."""
    return [{room.strip(" ()\n") for room in floor.split("|")} for floor in text.split("->")]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_the_layers_on_the_page_are_those_that_are_enforced(page):
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    enforced = next(c["layers"] for c in contracts if c["type"] == "layers")
    told = next(block for block in re.findall(r"```\n(cli ->.*?)```", read(page), re.DOTALL))
    assert layers(told) == layers(" -> ".join(enforced))


def lists() -> dict[str, str]:
    """The list "To add one" of each contract, by its module."""
    found = {}
    for path, tree in trees().items():
        for text in docstrings(tree):
            if TO_ADD in text:
                found[path] = text.split(TO_ADD)[1].split("\n\n\n")[0]
    return found


def test_every_contract_says_how_to_add_one():
    assert {"forward/base.py", "forward/schedule.py", "network/base.py"} <= set(lists())
    assert any(path.startswith("posterior/evidence") for path in lists())


def test_lists_of_what_to_add_are_true():
    cases = read("tests/cases.py")
    for path, text in lists().items():
        bullets = re.findall(r"^ *- ", text, re.MULTILINE)
        assert len(bullets) >= 3, f"{path}: three bullets, one a line"
        assert not stale(text, beside=path), path
        tables = [name for name in ticked(text) if re.fullmatch(r"[A-Z]{4,}", name)]
        assert tables, f"{path} names no table of tests/cases.py"
        for name in tables:
            assert re.search(rf"^{name}\b.*=", cases, re.MULTILINE), f"{path}: {name}"
        for name in ticked(text):
            assert not name.endswith(".py") or path_exists(name, beside=path), f"{path}: {name}"


def glossary() -> list[list[str]]:
    """Rows of the glossary of docs/notation.md: symbol, word, name in the code, sentence."""
    section = read("docs/notation.md").split("## Glossary")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_names_of_the_glossary_exist_in_the_code():
    rows = glossary()
    assert len(rows) >= 30
    for symbol, word, names, sentence in rows:
        assert word, symbol
        assert sentence.endswith("."), word
        for name in ticked(names):
            assert exists(name), f"{word}: {name}"
