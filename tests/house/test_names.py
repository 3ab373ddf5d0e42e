"""Public names are those that are promised; CONTRIBUTING.md has the rule."""

import ast

from house.source import trees

ROOMS = (
    "data", "report", "fitting", "fitted", "estimator", "posterior", "bound", "thermodynamics",
    "train", "checkpoint", "belief", "network", "forward", "assemble", "model", "trajectory",
    "rows", "particles", "distribution", "rivals",
)  # fmt: skip
"""Rooms that keep the rule: all but the commands and the experiments, of which no name is promised,
and what is below every room (`typing`, `errors`, `numerics`, `compiled`, `config`)."""


def is_private(module: str) -> bool:
    """Whether a part of a module's path begins with an underscore; `__init__` counts as one."""
    return any(part.startswith("_") for part in module.split("/"))


def public_names(tree: ast.Module) -> list[str]:
    """Functions, classes and variables of a module whose names have no underscore in front."""
    names = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [
                leaf.id for t in targets for leaf in ast.walk(t) if isinstance(leaf, ast.Name)
            ]
    return sorted(name for name in names if not name.startswith("_"))


def promised_names(tree: ast.Module) -> list[str]:
    """What a module's `__all__` lists."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return sorted(ast.literal_eval(node.value))
    return []


def test_public_names_are_those_that_are_promised():
    for path, tree in trees().items():
        module = path.removesuffix(".py")
        if module.split("/")[0] in ROOMS and not is_private(module):
            assert public_names(tree) == promised_names(tree), path


def test_private_modules_stay_in_their_room():
    for path, tree in trees().items():
        room = path.split("/")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                parts = node.module.split(".")
                foreign = parts[0] == "quasistatic" and parts[1:2] != [room]
                names = [*parts[1:], *(alias.name for alias in node.names)]
                private = [name for name in names if name.startswith("_")]
                assert not (foreign and parts[1:2] and parts[1] in ROOMS and private), path
