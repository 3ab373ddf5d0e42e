"""docs/api.md and the code name the same things."""

import importlib
import re
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import quasistatic

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
DIRECTIVE = re.compile(r"^\.\. auto(class|function|module):: (\S+)\n((?:   .*\n)*)", re.MULTILINE)
NAMED = {target: options for _, target, options in DIRECTIVE.findall(PAGE)}
SHELLS = ("DiffusionDensity", "DiffusionImputer", "DiffusionOutlierDetector")


def resolve(target: str):
    """The object of a dotted name."""
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        return importlib.import_module(target)


def public_methods(shell: type) -> set[str]:
    """Its own, not those of scikit-learn's base classes."""
    return {
        name
        for name, value in vars(shell).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, classmethod))
    }


@pytest.mark.parametrize("target", NAMED)
def test_everything_on_the_page_exists_and_is_documented(target):
    assert resolve(target).__doc__


def test_every_name_of_the_root_is_on_the_page():
    errors = set(vars(resolve("quasistatic.errors")))
    on_page = {target.removeprefix("quasistatic.") for target in NAMED} | errors
    assert "quasistatic.errors" in NAMED
    assert set(quasistatic.__all__) - {"__version__"} <= on_page


@pytest.mark.parametrize("name", SHELLS)
def test_the_methods_of_a_shell_are_those_on_the_page(name):
    shell = getattr(quasistatic, name)
    assert issubclass(shell, BaseEstimator)
    listed = re.search(r":members: (.*)", NAMED[f"quasistatic.{name}"]).group(1).split(", ")
    assert len(listed) == len(set(listed))
    assert set(listed) == public_methods(shell)
    assert all(getattr(shell, method).__doc__ for method in listed)


def test_each_class_stands_alone():
    """One class, not the classes that it is put together from."""
    for name in SHELLS:
        shell = getattr(quasistatic, name)
        own = [base for base in shell.__mro__[1:] if base.__module__.startswith("quasistatic")]
        assert not own
