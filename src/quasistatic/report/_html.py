"""The templates of the page: escaped text, nothing undefined, the same context the same bytes."""

from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup


def rendered(template: str, context: Mapping[str, Any]) -> str:
    """A page as one HTML text.

    Args:
        template: name of a file in `template/`.
        context: what the template names; style and version are added.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = breakable
    common = {"version": version("quasistatic"), "css": _text("page.css")}
    return environment.get_template(template).render(common | dict(context))


def breakable(text: str) -> Markup:
    """Escaped text that may be broken after an underscore, as long column names must be on a phone.

    Example:
        >>> breakable("a_<b>")
        Markup('a_<wbr>&lt;b&gt;')
    """
    return Markup("_<wbr>").join(text.split("_"))


def _text(name: str) -> str:
    return (files("quasistatic.report") / "template" / name).read_text(encoding="utf-8")
