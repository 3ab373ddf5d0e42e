"""Classes are abstract or final: a method is implemented once, and no class asks what it has."""

import ast

from house.source import trees

# An exception hierarchy is there to be caught by its base, and Python asks for `super().__init__`.
EXCEPTIONS = {"errors.py"}
# Scikit-learn's mixins are written for cooperative inheritance.
SHELLS = "estimator/"


class Class:
    """A class of the package: where it is, its bases of the package, its methods."""

    def __init__(self, path: str, node: ast.ClassDef) -> None:
        self.path, self.node, self.name = path, node, node.name
        self.bases = [_last(base) for base in node.bases]
        functions = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        self.abstract = {f.name for f in functions if _is_abstract(f)}
        self.concrete = {f.name for f in functions} - self.abstract
        self.variables = {
            n.target.id
            for n in node.body
            if isinstance(n, ast.AnnAssign)
            and isinstance(n.target, ast.Name)
            and "AbstractVar" in ast.unparse(n.annotation)
        }


def _last(node: ast.expr) -> str:
    """`Module` of `eqx.Module`, `Generic` of `Generic[T]`."""
    if isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)


def _is_abstract(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("abstract" in ast.unparse(decorator) for decorator in function.decorator_list)


def collect(modules: dict[str, ast.Module]) -> dict[str, Class]:
    """Every class of the modules by its name; a name that two modules share would hide one."""
    found: dict[str, Class] = {}
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name if node.name not in found else f"{path}:{node.name}"] = Class(
                    path, node
                )
    return found


def ancestors(one: Class, classes: dict[str, Class]) -> list[Class]:
    near = [classes[name] for name in one.bases if name in classes and classes[name] is not one]
    return near + [far for base in near for far in ancestors(base, classes)]


def faults(modules: dict[str, ast.Module]) -> list[str]:
    """Classes that are neither abstract nor final, and methods that are implemented twice."""
    classes = collect(modules)
    found = []
    for one in classes.values():
        if one.path in EXCEPTIONS:
            continue
        for base in ancestors(one, classes):
            if base.path in EXCEPTIONS:
                continue
            if not base.name.lstrip("_").startswith("Abstract"):
                found.append(f"{one.path}: {one.name} inherits from the concrete {base.name}")
            found += [
                f"{one.path}: {one.name}.{method} overrides that of {base.name}"
                for method in sorted(one.concrete & base.concrete)
            ]
        if one.name.startswith("Abstract") and not any(
            a.abstract | a.variables for a in [one, *ancestors(one, classes)]
        ):
            found.append(f"{one.path}: {one.name} has nothing abstract")
    return found


def calls(modules: dict[str, ast.Module], *names: str) -> list[str]:
    """Where the named functions are called."""
    return [
        f"{path}:{node.lineno}: {node.func.id}"
        for path, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


def test_classes_are_abstract_or_final_and_methods_are_implemented_once():
    assert not faults(trees()), "\n".join(faults(trees()))


def test_nothing_outside_the_scikit_learn_shells_calls_super_or_hasattr():
    modules = {path: tree for path, tree in trees().items() if not path.startswith(SHELLS)}
    found = calls({p: t for p, t in modules.items() if p not in EXCEPTIONS}, "super", "hasattr")
    assert not found, "\n".join(found)
    assert len(calls({p: t for p, t in modules.items() if p in EXCEPTIONS}, "super")) <= 1


def test_a_second_implementation_and_a_concrete_base_are_found():
    toy = ast.parse(
        "class AbstractA:\n"
        "    @abc.abstractmethod\n    def f(self): ...\n    def g(self): ...\n"
        "class B(AbstractA):\n    def f(self): ...\n    def g(self): ...\n"
        "class C(B):\n    pass\n"
        "class AbstractD:\n    def f(self): hasattr(self, 'g')\n"
    )
    assert faults({"toy.py": toy}) == [
        "toy.py: B.g overrides that of AbstractA",
        "toy.py: C inherits from the concrete B",
        "toy.py: AbstractD has nothing abstract",
    ]
    assert calls({"toy.py": toy}, "hasattr") == ["toy.py:11: hasattr"]
