"""The laws of the house: sizes, names, docstrings, lazy imports, nothing of one machine in the
tree."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import quasistatic

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "quasistatic"
FILES = sorted(SOURCE.rglob("*.py"))
BANNED_NAMES = {"utils", "util", "misc", "helpers", "helper", "common", "core"}
HEAVY = (
    *("jax", "sklearn", "polars", "numpy", "pandas", "equinox", "optax", "matplotlib", "jinja2"),
    *("starlette", "uvicorn"),
)
COMMANDS = (
    "fit",
    "sample",
    "score",
    "compare",
    "impute",
    "condition",
    "denoise",
    "outliers",
    "certify",
    "inspect",
    "privacy",
    "report",
    "explore",
    "serve",
    "demo",
    "reproduce",
)


def short(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def test_no_file_is_over_400_lines():
    lengths = {short(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    # The shell is one class with all its methods documented.
    too_long = {
        name: length
        for name, length in lengths.items()
        if length > (500 if name == "estimator/density.py" else 400)
    }
    assert not too_long


def test_names_say_what_a_file_is_about():
    empty_words = {
        short(path)
        for path in FILES
        for part in path.relative_to(SOURCE).parts
        if part.removesuffix(".py").strip("_") in BANNED_NAMES
    }
    assert not empty_words


def public_definitions(tree: ast.Module):
    """Public functions and classes of a module, and the public methods of its public classes."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                # An implementation of a contract inherits its docstring: only methods of a
                # base-less class are looked at.
                methods = node.body if not node.bases else []
                for method in methods:
                    if isinstance(method, kinds) and not method.name.startswith("_"):
                        yield f"{node.name}.{method.name}", method


def test_every_public_thing_has_a_docstring():
    missing = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not tree.body:
            continue
        found = [("the module", tree), *public_definitions(tree)]
        missing += [f"{short(path)}: {name}" for name, node in found if not ast.get_docstring(node)]
    assert not missing, "no docstring:\n" + "\n".join(missing)


def test_the_facade_is_small_and_every_name_of_it_exists():
    names = quasistatic.__all__
    assert len(names) <= 25
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(quasistatic, name) is not None
    assert set(names) <= set(dir(quasistatic))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = quasistatic.no_such_name


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def heavy_after(code: str) -> str:
    """The heavy libraries that are loaded after the code has run."""
    return run_python(
        "import contextlib, io, sys\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        + "".join(f"    {line}\n" for line in code.splitlines())
        + f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    ).strip()


def test_importing_the_package_loads_nothing_heavy():
    assert heavy_after("import quasistatic") == ""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy(command):
    arguments = ["quasistatic", *command.split(), "--help"]
    assert (
        heavy_after(
            f"import sys\nsys.argv = {arguments!r}\nfrom quasistatic.cli import main\nmain()"
        )
        == ""
    )


def test_help_takes_at_most_half_a_second():
    """Of the processor: by the clock it would be a test of what else the machine does."""
    command = [sys.executable, "-m", "quasistatic", "--help"]
    code = (
        "import resource, subprocess\n"
        f"subprocess.run({command!r}, capture_output=True, check=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime)"
    )
    assert 0.01 < min(float(run_python(code)) for _ in range(3)) <= 0.5


def tracked_files() -> list[Path]:
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [REPOSITORY / name for name in listing.stdout.split("\0") if name]


# Written in pieces, so that this file does not find itself.
FOREIGN = re.compile(
    "|".join(
        [
            r"/(?:ho" + r"me|Us" + r"ers)/\w+/",
            r"(?<![\w.])/ro" + r"ot/",
            r"(?<![\w.])/wo" + r"rk/",
            r"https?://[\w.-]*(?:pypi|pytho" + r"nhosted)\.org/(?:simple|packages)",
            r"(?:extra-|)index-u" + r"rl\s*=",
            r"find-li" + r"nks\s*=",
        ]
    )
)


def test_no_file_carries_a_path_of_a_machine_or_a_registry_address():
    found = []
    for path in tracked_files():
        if not path.is_file() or path.name == "uv.lock":
            assert path.name != "uv.lock", "a lock file carries registry addresses"
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(REPOSITORY)}: {match.group()}" for match in FOREIGN.finditer(text)
        ]
    assert not found, "\n".join(found)
