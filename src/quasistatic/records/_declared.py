"""Plain data against the types of a declaration."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from quasistatic.records._plain import Misfit, refuse_halves, shown

_LARGEST = 1e300
_MOST_ITEMS = 2**22
_WORDS = {int: "whole number", float: "number", str: "text", bool: "flag"}


class Within(NamedTuple):
    """The range of a number, or of the length of a list or text, for `Annotated`.

    Args:
        low: smallest value.
        high: largest value.
    """

    low: float
    high: float


def check(hint: Any, value: Any, place: str = "") -> None:
    """Refuse data that are not as a type hint declares them.

    Args:
        hint: dataclass, `TypedDict`, or a hint of JSON types; floats are finite and at most 1e300,
            integers have 64 bits at most.
        value: data in JSON types.
        place: where the value lies, for the message (default the top).

    Raises:
        Misfit: naming the first place, its value and what is declared; or the keys that are unknown
            or missing.
    """
    if hint is Any:
        return
    origin, arguments = _parts(hint)
    if origin is None and not isinstance(value, dict) and hint in _WORDS:
        if not _is_plain(hint, value):
            raise _misfit(place, value, f"is no {_word(hint)}")
    elif origin in (Required, NotRequired):
        check(arguments[0], value, place)
    elif origin is Annotated:
        check(arguments[0], value, place)
        for limits in arguments[1:]:
            _check_range(limits, value, place)
    elif origin in (Union, types.UnionType):
        _check_union(arguments, value, place)
    elif origin is Literal:
        if not isinstance(value, str) or value not in arguments:
            raise _misfit(place, value, f"is none of {', '.join(map(repr, arguments))}")
    elif is_typeddict(hint) or is_dataclass(hint):
        _check_object(hint, value, place)
    elif origin in (list, tuple, Sequence):
        _check_list(arguments, value, place)
    elif origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise _misfit(place, value, "is no object")
        for key, item in value.items():
            check(str, key, f"{place}.{shown(key)}")
            check(arguments[1], item, f"{place}.{key}" if isinstance(key, str) else place)
    elif not _is_plain(hint, value):
        raise _misfit(place, value, f"is no {_word(hint)}")


@cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(hint), get_args(hint)


def _is_plain(hint: Any, value: Any) -> bool:
    if hint in (None, type(None)):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint is str:
        if isinstance(value, str):
            refuse_halves(value)
        return isinstance(value, str)
    if isinstance(value, bool):
        return False
    if hint is int:
        return isinstance(value, Integral) and -(2**63) <= int(value) < 2**64
    if hint is float:
        return isinstance(value, int | float | Real) and bool(abs(value) <= _LARGEST)  # type: ignore[operator]
    raise TypeError(f"no declaration can hold {hint!r}")


def _check_union(hints: tuple[Any, ...], value: Any, place: str) -> None:
    others = [hint for hint in hints if hint is not type(None)]
    if value is None and len(others) < len(hints):
        return
    if len(others) == 1:
        check(others[0], value, place)
        return
    for hint in others:
        try:
            check(hint, value, place)
        except Misfit:
            continue
        return
    words = [_word(hint) for hint in others if not (hint is int and float in others)]
    raise _misfit(place, value, f"is no {' or '.join(words)}")


def _check_list(hints: tuple[Any, ...], value: Any, place: str) -> None:
    if not isinstance(value, list | tuple):
        raise _misfit(place, value, "is no list")
    if len(value) > _MOST_ITEMS:
        raise _misfit(place, f"{len(value)} items", "are too many")
    if len(hints) == 1 or hints[1] is ...:
        hints = (hints[0],) * len(value)
    elif len(hints) != len(value):
        raise _misfit(place, value, f"is no list of {len(hints)}")
    if hints[:1] == (float,) and all(
        type(item) is float and abs(item) <= _LARGEST for item in value
    ):
        return  # long lists of numbers, quickly
    for number, (hint, item) in enumerate(zip(hints, value, strict=True)):
        check(hint, item, f"{place}[{number}]")


def _check_object(hint: Any, value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise _misfit(place, value, "is no object")
    known, required = _declared(hint)
    inside = f" of {place}" if place else ""
    unknown = [key for key in value if key not in known]
    if unknown:
        raise Misfit(f"unknown keys {shown(unknown)}{inside}")
    absent = [key for key in required if key not in value]
    if absent:
        raise Misfit(f"missing keys {shown(absent)}{inside}")
    for key, item in value.items():
        check(known[key], item, f"{place}.{key}" if place else key)


@cache
def _declared(hint: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The hints of an object by key, and the keys that it must have."""
    hint = vars(hint).get("JSON", hint)
    hints = get_type_hints(hint, include_extras=True)
    if is_typeddict(hint):
        return hints, tuple(key for key in hints if key in hint.__required_keys__)
    own = fields(hint)
    required = (f.name for f in own if f.default is MISSING and f.default_factory is MISSING)
    return {f.name: hints[f.name] for f in own}, tuple(required)


def _check_range(limits: Any, value: Any, place: str) -> None:
    if not isinstance(limits, Within) or value is None:
        return
    size = len(value) if isinstance(value, str | list | tuple | dict) else value
    if not limits.low <= size <= limits.high:
        what = "" if size is value else "the length of "
        raise Misfit(
            f"{what}{place} = {shown(size)} is not between {limits.low:g} and {limits.high:g}"
        )


def _word(hint: Any) -> str:
    hint = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return _WORDS.get(hint, getattr(hint, "__name__", "such value"))


def _misfit(place: str, value: Any, words: str) -> Misfit:
    return Misfit(f"{f'{place} = ' if place else ''}{shown(value)} {words}")
