"""The package's sources as text and syntax trees, for the laws about them."""

import ast
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "quasistatic"


@cache
def trees() -> dict[str, ast.Module]:
    """Syntax tree of every module, by its path below `src/quasistatic`."""
    return {
        path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
    }


def read(name: str) -> str:
    """Text of a file of the repository."""
    return (REPOSITORY / name).read_text(encoding="utf-8")
