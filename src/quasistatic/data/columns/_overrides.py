"""What a user fixes about columns: the file behind `--schema`."""

from typing import Any

from quasistatic.data.schema import FORMAT, KINDS, Schema
from quasistatic.errors import SchemaError

_KEYS = ("kind", "step", "offset", "lower", "categories", "atoms")


def read_overrides(data: dict[str, Any] | None, names: list[str]) -> dict[str, dict[str, Any]]:
    """Settings per column, of a partial file or of a full schema.

    A partial file is `{"columns": {"age": {"kind": "integer"}, "id": {"kind": "ignore"}}}`; the
    settings are kind (a column kind or "ignore"), step (null: a density), offset, lower, categories
    and atoms.

    Args:
        data: overrides as read from JSON; None for no overrides.
        names: names of the table's columns.

    Raises:
        SchemaError: unknown keys, columns, kinds, or settings of a wrong type.
    """
    if data is None:
        return {}
    if not isinstance(data, dict) or "columns" not in data:
        raise SchemaError(
            'there is no "columns" in it',
            where="the schema file",
            fix='write {"columns": {NAME: {"kind": KIND}}}',
        )
    if isinstance(data["columns"], list):
        given = _from_schema(Schema.from_json(data))
    else:
        unknown = set(data) - {"columns", "format"}
        if unknown or data.get("format", FORMAT) != FORMAT:
            raise SchemaError(
                f"unknown keys {sorted(unknown)}",
                where="the schema file",
                fix='its only key is "columns"',
            )
        given = data["columns"]
    if not isinstance(given, dict):
        raise SchemaError(
            '"columns" is no object',
            where="the schema file",
            fix='write {"columns": {NAME: {"kind": KIND}}}',
        )
    absent = [name for name in given if name not in names]
    if absent:
        raise SchemaError(
            f"the table has no column(s) {_quoted(absent)}",
            where="the schema file",
            fix=f"its columns are {_quoted(names)}",
        )
    for name, settings in given.items():
        _check(name, settings)
    return given


def _from_schema(schema: Schema) -> dict[str, dict[str, Any]]:
    given = {c.name: {key: getattr(c, key) for key in _KEYS} for c in schema.columns}
    return given | {item.name: {"kind": "ignore"} for item in schema.left_out}


def _check(name: str, settings: Any) -> None:
    where = f"the schema file, column {name!r}"
    if not isinstance(settings, dict):
        raise SchemaError(f"{settings!r} is no object", where=where, fix='write {"kind": KIND}')
    unknown = set(settings) - set(_KEYS)
    if unknown:
        raise SchemaError(
            f"unknown keys {sorted(unknown)}", where=where, fix=f"the keys are {', '.join(_KEYS)}"
        )
    kinds = (*KINDS, "ignore")
    if "kind" in settings and settings["kind"] not in kinds:
        raise SchemaError(
            f"unknown kind {settings['kind']!r}",
            where=where,
            fix=f"the kinds are {', '.join(kinds)}",
        )
    for key in ("step", "offset", "lower"):
        value = settings.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise SchemaError(f"{key} = {value!r} is no number", where=where)
    if settings.get("step") is not None and not 0 < settings["step"] < 1e300:
        raise SchemaError(
            f"step = {settings['step']} is not positive", where=where, fix="use null for a density"
        )
    for key in ("categories", "atoms"):
        if not isinstance(settings.get(key, []), list | tuple):
            raise SchemaError(f"{key} is no list", where=where)


def _quoted(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:20]) + (", ..." if len(names) > 20 else "")
