"""What it takes to give back the kind of object that a table came in: one dataclass for each kind.

Each has the name of its library (`backend`), the layout of images and sequences (`layout`, None for
an ordinary table), and `to_json`, a dict of JSON types, which `container_from_json` reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, NotRequired, TypedDict

from quasistatic.data.layout import Layout
from quasistatic.data.text._dialect import Dialect
from quasistatic.records import Misfit, Within, check

__all__ = [
    "ArrayContainer",
    "ArrowContainer",
    "Container",
    "FrameContainer",
    "PandasColumn",
    "PandasContainer",
    "RecordsContainer",
    "Value",
    "container_from_json",
    "unlabelled",
]


Value = bool | int | float | str
"""A category, as JSON has it."""


@dataclass(frozen=True)
class FrameContainer:
    """A frame whose polars dtypes say everything.

    Args:
        backend: "polars", "polars-lazy", or any library that narwhals knows (default "polars").
        dialect: form of the delimited file that the frame came from; None (default) if it is none.
    """

    backend: str = "polars"
    dialect: Dialect | None = None
    layout: ClassVar[None] = None

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        dialect = {} if self.dialect is None else {"dialect": self.dialect.to_json()}
        return {"backend": self.backend} | dialect


@dataclass(frozen=True)
class ArrayContainer:
    """A NumPy array `[rows, columns]`, or images and sequences.

    Args:
        dtype: text of its dtype, as `numpy.dtype.str`.
        layout: arrangement of the columns; None for an ordinary table (default None).
    """

    dtype: str
    layout: Layout | None = None
    backend: ClassVar[str] = "numpy"

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        arranged = {} if self.layout is None else {"layout": self.layout.to_json()}
        return {"backend": self.backend, "dtype": self.dtype} | arranged


@dataclass(frozen=True)
class RecordsContainer:
    """A NumPy structured array `[rows]`.

    Args:
        fields: name and dtype of each field, as `numpy.dtype.descr`.
    """

    fields: tuple[tuple[Any, ...], ...]
    backend: ClassVar[str] = "numpy"
    layout: ClassVar[None] = None

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        fields = [list(item) for item in self.fields]
        return {"backend": self.backend, "dtype": fields, "structured": True}


@dataclass(frozen=True)
class PandasColumn:
    """What pandas knows of a column beyond its polars dtype; None where it does not apply.

    Args:
        dtype: text of its dtype.
        categories: categories in their order.
        ordered: whether the order of the categories means something.
        categories_dtype: text of the dtype of the categories.
        storage: storage of a `StringDtype`.
        na_value: missing value of a `StringDtype`, "nan" or "NA".
        arrow: text of the type of an `ArrowDtype`.
        label: label that is no string, as `frames._pandas` writes it in JSON.
    """

    dtype: str
    categories: tuple[Value, ...] | None = None
    ordered: bool | None = None
    categories_dtype: str | None = None
    storage: str | None = None
    na_value: str | None = None
    arrow: str | None = None
    label: Any = None

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types: what applies."""
        values = {key: value for key, value in vars(self).items() if value is not None}
        if self.categories is not None:
            values["categories"] = list(self.categories)
        return values

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PandasColumn":
        """Inverse of `to_json`."""
        categories = tuple(data["categories"]) if "categories" in data else None
        return cls(**{**data, "categories": categories})


@dataclass(frozen=True)
class PandasContainer:
    """A pandas frame.

    Args:
        columns: what is known of each column, by its name as text (default: nothing).
        levels: names of the levels of the column labels (default one without a name).
    """

    columns: Mapping[str, PandasColumn] = field(default_factory=dict)
    levels: tuple[Any, ...] = (None,)
    backend: ClassVar[str] = "pandas"
    layout: ClassVar[None] = None

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        columns = {name: column.to_json() for name, column in self.columns.items()}
        levels = {} if self.levels == (None,) else {"levels": list(self.levels)}
        return {"backend": self.backend, "columns": columns} | levels


@dataclass(frozen=True)
class ArrowContainer:
    """A pyarrow table.

    Args:
        schema: Arrow schema, serialised, in base 64.
        categories: values of every dictionary, in their order.
    """

    schema: str
    categories: Mapping[str, tuple[Value, ...]]
    backend: ClassVar[str] = "pyarrow"
    layout: ClassVar[None] = None

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        categories = {name: list(values) for name, values in self.categories.items()}
        return {"backend": self.backend, "schema": self.schema, "categories": categories}


Container = FrameContainer | ArrayContainer | RecordsContainer | PandasContainer | ArrowContainer


class _FrameJson(TypedDict):
    backend: Annotated[str, Within(1, 100)]
    dialect: NotRequired[Dialect]


class _NumpyJson(TypedDict):
    backend: str
    dtype: str | list[list[Any]]
    structured: NotRequired[bool]
    layout: NotRequired[Layout]


class _PandasJson(TypedDict):
    backend: str
    columns: dict[str, PandasColumn]
    levels: NotRequired[list[int | str | None]]


class _ArrowJson(TypedDict):
    backend: str
    schema: str
    categories: dict[str, list[Value]]


_JSON = {"numpy": _NumpyJson, "pandas": _PandasJson, "pyarrow": _ArrowJson}


def container_from_json(data: Mapping[str, Any]) -> Container:
    """The container that `to_json` wrote.

    Raises:
        Misfit: keys are missing or unknown, or values of another type.
        SchemaError: the layout is none of images or sequences.
    """
    if not (isinstance(data, dict) and isinstance(data.get("backend"), str)):
        raise Misfit("the container names no backend")
    check(_JSON.get(data["backend"], _FrameJson), data, "container")
    match data["backend"]:
        case "numpy" if data.get("structured"):
            return RecordsContainer(tuple(tuple(item) for item in data["dtype"]))
        case "numpy":
            layout = Layout.from_json(data["layout"]) if "layout" in data else None
            return ArrayContainer(data["dtype"], layout)
        case "pandas":
            columns = {n: PandasColumn.from_json(c) for n, c in data["columns"].items()}
            return PandasContainer(columns, tuple(data.get("levels", (None,))))
        case "pyarrow":
            categories = {name: tuple(values) for name, values in data["categories"].items()}
            return ArrowContainer(data["schema"], categories)
        case backend:
            return FrameContainer(
                backend, Dialect(**data["dialect"]) if "dialect" in data else None
            )


def unlabelled(container: Container) -> Container:
    """The container of other numbers in the same kind of object: nothing is known of its columns.

    Args:
        container: container of the table that the numbers belong to.
    """
    match container:
        case ArrayContainer(layout=layout):
            return ArrayContainer("<f8", layout)
        case RecordsContainer():
            return ArrayContainer("<f8")
        case PandasContainer():
            return PandasContainer()
        case _:
            return FrameContainer(container.backend)
