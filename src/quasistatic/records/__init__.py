"""JSON that anyone may have written, held against the types that a declaration says.

A dataclass or a `TypedDict` is the declaration of an object; its hints give the types, and
`Annotated[int, Within(0, 99)]` the range:

>>> from dataclasses import dataclass
>>> @dataclass
... class Point:
...     x: float
...     name: str = ""
>>> check(Point, {"x": 1})
>>> check(list[Point], [{"x": "1"}])
Traceback (most recent call last):
quasistatic.records._plain.Misfit: [0].x = '1' is no number
"""

from quasistatic.records._declared import Within, check
from quasistatic.records._plain import Misfit, parse_json, shown

__all__ = ["Misfit", "Within", "check", "parse_json", "shown"]
