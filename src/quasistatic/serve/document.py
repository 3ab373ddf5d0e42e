"""The document of the service, OpenAPI 3.1, made of the declarations that requests are held against
(`records.check`).
"""

import re
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from importlib.metadata import version
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from quasistatic.records import Within

__all__ = ["Described", "OfModel", "document", "schema_of"]

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    float: {"type": "number", "minimum": -1e300, "maximum": 1e300},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}
_LINE = re.compile(r"^ {8}(\w+): (.+?)(?=\n {8}\w|\n {4}\S|\n\n|\Z)", re.MULTILINE | re.DOTALL)
_REASONS = {
    400: "The body is no JSON, or not as declared.",
    403: "The request comes from another page, or names another host.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The model cannot answer this.",
    429: "Too many questions wait; Retry-After says when to ask again.",
    500: "A defect of the service.",
    503: "No answer in time, or not ready yet; Retry-After says when to ask again.",
}


class Described(NamedTuple):
    """What the document says of one endpoint.

    Args:
        path: path of the endpoint.
        asks: declaration of the question; a dataclass without fields is asked with GET.
        answers: declaration of the answer.
    """

    path: str
    asks: type
    answers: type


class OfModel(NamedTuple):
    """What only the model can tell, for `Annotated`: the name of a schema that `document` is given.

    Args:
        name: name of the schema.
    """

    name: str


def document(
    endpoints: Iterable[Described], of_model: Mapping[str, Any], *, token: bool
) -> dict[str, Any]:
    """The OpenAPI document.

    Args:
        endpoints: endpoints of the service.
        of_model: schemas that the model tells, by name.
        token: whether a token is asked for.
    """
    schemas: dict[str, Any] = dict(of_model)
    refusal = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["what", "where", "fix", "request_id"],
                "properties": {
                    name: {"type": "string"} for name in ("what", "where", "fix", "request_id")
                },
            }
        },
    }
    schemas["Refusal"] = refusal
    paths = {}
    for one in endpoints:
        answer: dict[str, Any] = {"description": _summary(one.answers)}
        answer["content"] = _json(schema_of(one.answers, schemas))
        operation: dict[str, Any] = {
            "operationId": one.path.rpartition("/")[2],
            "summary": _summary(one.asks if fields(one.asks) else one.answers),
            "responses": {"200": answer, **_refusals(token)},
        }
        if fields(one.asks):
            body = {"required": True, "content": _json(schema_of(one.asks, schemas))}
            operation["requestBody"] = body
        paths[one.path] = {"post" if fields(one.asks) else "get": operation}
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "quasistatic", "version": version("quasistatic")},
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def schema_of(hint: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a type hint as `records.check` reads it.

    Args:
        hint: dataclass, `TypedDict`, or a hint of JSON types.
        schemas: schemas of the objects, by name; what is met on the way is added.

    Example:
        >>> schema_of(Annotated[list[int], Within(1, 9)], {})
        {'type': 'array', 'items': {'type': 'integer'}, 'minItems': 1, 'maxItems': 9}
    """
    if hint is Any:
        return {}
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        told = [one for one in arguments[1:] if isinstance(one, OfModel)]
        if told:
            return {"$ref": f"#/components/schemas/{told[0].name}"}
        found = schema_of(arguments[0], schemas)
        for limits in arguments[1:]:
            if isinstance(limits, Within):
                found |= _limits(found, limits)
        return found
    if origin in (Union, types.UnionType):
        return _either([schema_of(one, schemas) for one in arguments])
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin in (list, Sequence):
        return {"type": "array", "items": schema_of(arguments[0], schemas)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": schema_of(arguments[1], schemas)}
    if is_typeddict(hint) or is_dataclass(hint):
        return _object(hint, schemas)
    raise TypeError(f"no declaration can hold {hint!r}")


def _either(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """One schema for several types, in the short form where none has more than a type."""
    if all(set(schema) <= {"type", "minimum", "maximum"} for schema in schemas):
        found: dict[str, Any] = {"type": [schema["type"] for schema in schemas]}
        for schema in schemas:
            found |= {key: value for key, value in schema.items() if key != "type"}
        return found
    return {"anyOf": schemas}


def _limits(schema: dict[str, Any], limits: Within) -> dict[str, Any]:
    kinds = schema.get("type", ())
    kind = next((k for k in ([kinds] if isinstance(kinds, str) else kinds) if k != "null"), "")
    low, high = (int(x) if float(x).is_integer() else x for x in limits)
    words = {"array": "Items", "string": "Length", "object": "Properties"}
    if kind in words:
        return {f"min{words[kind]}": low, f"max{words[kind]}": high}
    return {"minimum": low, "maximum": high}


def _object(hint: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    name = hint.__name__.removeprefix("_")
    if name not in schemas:
        schemas[name] = {}  # an object may hold one of its kind
        hints, told = get_type_hints(hint, include_extras=True), _told(hint)
        properties = {
            key: schema_of(one, schemas) | ({"description": told[key]} if key in told else {})
            for key, one in hints.items()
        }
        required = list(hints)
        if is_dataclass(hint):
            required = [f.name for f in fields(hint) if f.default is MISSING]
            for f in fields(hint):
                if f.default is not MISSING:
                    properties[f.name]["default"] = f.default
        schemas[name] = {
            "type": "object",
            "description": _summary(hint),
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
    return {"$ref": f"#/components/schemas/{name}"}


def _summary(hint: Any) -> str:
    return " ".join((hint.__doc__ or "").split("\n\n")[0].split())


def _told(hint: type) -> dict[str, str]:
    """What the docstring says of each field."""
    return {name: " ".join(text.split()) for name, text in _LINE.findall(hint.__doc__ or "")}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _refusals(token: bool) -> dict[str, Any]:
    reasons = _REASONS | ({401: "The token is missing or another."} if token else {})
    content = _json({"$ref": "#/components/schemas/Refusal"})
    return {
        str(status): {"description": reason, "content": content}
        for status, reason in sorted(reasons.items())
    }
