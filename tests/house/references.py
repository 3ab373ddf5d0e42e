"""What pages and docstrings name in backticks: paths, modules, classes, functions, fields."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from house.source import REPOSITORY, SOURCE, trees

_TICKED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]*)*")
_DOTTED = re.compile(r"(?:quasistatic\.)?[a-z_][\w]*(?:\.\w+)+")
_FENCE = re.compile(r"^(```+).*?^\1", re.MULTILINE | re.DOTALL)


def ticked(text: str) -> Iterator[str]:
    """Everything in single backticks outside of code blocks; line breaks within count as spaces."""
    for match in _TICKED.finditer(_FENCE.sub("", text)):
        yield match.group(1).strip()


def docstrings(tree: ast.Module) -> Iterator[str]:
    """Docstrings of a module, its classes and its functions, and the strings that explain names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if isinstance(node.value.value, str):
                yield node.value.value


@cache
def modules() -> dict[str, str]:
    """Path of each module below the package, by its dotted name without `quasistatic`."""
    return {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
        for path in trees()
        if path not in ("__init__.py", "__main__.py")
    }


def _members(node: ast.AST) -> set[str]:
    """Names that a module or class defines or imports, and attributes set on `self`."""
    found: set[str] = set()
    for child in ast.walk(node) if isinstance(node, ast.ClassDef) else ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            found.add(child.name)
        elif isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            found |= {ast.unparse(target).removeprefix("self.") for target in targets}
        elif isinstance(child, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in child.names}
    return found


def _class(tree: ast.Module, name: str) -> ast.ClassDef | None:
    return next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name), None)


# Objects that docstrings call by the name of their room.
_INSTANCES = {
    "forward": "forward.base.AbstractDiffusion",
    "network": "network.base.AbstractNetwork",
    "model": "model.DiffusionModel",
}


def exists(dotted: str) -> bool:
    """Whether a dotted name of the package leads to a module, or to what a module has in it."""
    dotted = dotted.removeprefix("quasistatic.")
    room, *attribute = dotted.split(".")
    if len(attribute) == 1 and room in _INSTANCES and exists(f"{_INSTANCES[room]}.{attribute[0]}"):
        return True
    if dotted in modules():
        return True
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, -1, -1):
        module = ".".join(parts[:cut])
        path = modules().get(module, "__init__.py" if cut == 0 else None)
        if path is None:
            continue
        tree, rest = trees()[path], parts[cut:]
        if rest[0] not in _members(tree) and not (cut == 0 and rest[0] in _public()):
            continue
        inside = _class(tree, rest[0])
        return len(rest) == 1 or inside is None or rest[1] in _members(inside)
    return False


@cache
def _public() -> set[str]:
    import quasistatic

    return set(quasistatic.__all__)


def path_exists(name: str, beside: str = "") -> bool:
    """Whether a path exists in the repository, in the package, or beside the file that names it."""
    roots = [REPOSITORY, SOURCE, REPOSITORY / "docs", REPOSITORY / "benchmarks"]
    if beside:
        roots.append((SOURCE / beside).parent)
    return any(any(root.glob(name.rstrip("/"))) for root in roots)


def variables(path: str) -> set[str]:
    """Parameters and fields of a module, whose attributes its docstrings may name."""
    nodes = list(ast.walk(trees()[path])) if path in trees() else []
    return {node.arg for node in nodes if isinstance(node, ast.arg)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def stale(text: str, beside: str = "") -> list[str]:
    """Names in backticks that look like a path or a module of this repository and are none."""
    rooms = {path.split("/")[0].removesuffix(".py") for path in trees()} - {"__init__", "__main__"}
    folders = {"tests", "src", "docs", "benchmarks", "examples", *rooms}
    found = []
    for name in ticked(text):
        if _PATH.fullmatch(name) and (name.endswith(".py") or name.split("/")[0] in folders):
            if ("/" in name or name.endswith(".py")) and not path_exists(name, beside):
                found.append(name)
        elif _DOTTED.fullmatch(name) and name.split(".")[0] in {*rooms, "quasistatic"}:
            is_file = name.endswith((".json", ".safetensors"))
            if not (is_file or name.split(".")[0] in variables(beside) or exists(name)):
                found.append(name)
    return found
