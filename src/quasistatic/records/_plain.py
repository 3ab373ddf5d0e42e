"""JSON text to plain data: bounded, finite, whole characters."""

import json
import math
import reprlib
from typing import Any

_MOST_LEVELS = 32
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_LONGEST_SHOWN = 120


class Misfit(ValueError):
    """Data that are not as they are declared: place, value and what may stand there."""


def parse_json(text: bytes) -> Any:
    """The data of a JSON text in UTF-8: plain, without NaN, infinities and halves of characters,
    and of 32 levels at most.

    Args:
        text: content of the file.

    Raises:
        Misfit: it is no such text.
    """
    try:
        data = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise Misfit(f"it has more than {_MOST_LEVELS} levels") from error
    except UnicodeDecodeError as error:
        raise Misfit(f"byte {error.start + 1} is no UTF-8") from error
    except json.JSONDecodeError as error:
        raise Misfit(f"this is no JSON: {error.msg}, line {error.lineno}") from error
    except ValueError as error:  # numbers of thousands of digits
        raise (
            error if isinstance(error, Misfit) else Misfit("it has a number without end")
        ) from error
    _refuse_odd(data)
    return data


def _refuse_constant(name: str) -> Any:
    raise Misfit(f"{name} is no number of JSON")


def _refuse_odd(data: Any) -> None:
    """Refuse what `json` gives and no file of ours has; level by level, for there may be many."""
    level, depth = [data], 0
    while level:
        if depth > _MOST_LEVELS:
            raise Misfit(f"it has more than {_MOST_LEVELS} levels")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
                below += value.keys()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str):
                refuse_halves(value)
            elif isinstance(value, float) and not math.isfinite(value):
                raise Misfit("a number is too large")
        level, depth = below, depth + 1


def refuse_halves(text: str) -> None:
    """Refuse text that UTF-8 cannot hold."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Misfit("a text holds half of a character (a lone surrogate)") from error


def shown(value: Any) -> str:
    """A value for a message, short however large it is.

    Args:
        value: value of any type.
    """
    text = _SHORT.repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
