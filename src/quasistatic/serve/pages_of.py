"""The pages: each view as a page with its form, and its answer as a stream; the files they need."""

from collections.abc import Iterator
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from quasistatic.errors import QuasistaticError
from quasistatic.serve.failure import as_refused
from quasistatic.serve.service import Service
from quasistatic.serve.stream import Stream
from quasistatic.serve.views.arranged import IMAGE, SEQUENCE
from quasistatic.serve.views.columns import COLUMNS
from quasistatic.serve.views.row import ROW
from quasistatic.serve.views.rows import ROWS
from quasistatic.serve.views.trajectory import TRAJECTORY
from quasistatic.serve.views.view import Parts, View
from quasistatic.serve.views.whatif import WHAT_IF

__all__ = ["VIEWS", "page_routes", "prepared"]

VIEWS: tuple[View, ...] = (ROW, ROWS, WHAT_IF, COLUMNS, TRAJECTORY, IMAGE, SEQUENCE)
"""The views, in the order of the navigation; a model has those of what its rows are."""
_FILES = {
    "report.css": ("quasistatic.report", "template/page.css", "text/css"),
    "explore.css": ("quasistatic.serve", "pages/explore.css", "text/css"),
    "explore.js": ("quasistatic.serve", "pages/explore.js", "text/javascript"),
    "mask.js": ("quasistatic.serve", "pages/mask.js", "text/javascript"),
    "icon.svg": ("quasistatic.serve", "pages/icon.svg", "image/svg+xml"),
}


def page_routes(service: Service) -> Iterator[Route]:
    """Routes of the pages, their streams and their files.

    Args:
        service: service that answers.
    """
    views = _views(service)
    yield Route("/", partial(_home, views), methods=["GET"])
    for view in views:
        yield Route(view.path, partial(_page, service, view, views), methods=["GET"])
        yield Route(f"/ask{view.path}", partial(_stream, service, view), methods=["GET"])
    for name in _FILES:
        yield Route(f"/static/{name}", partial(_file, name), methods=["GET"])


def prepared(service: Service) -> Iterator[None]:
    """The programs of the views' usual questions, compiled step by step.

    Args:
        service: service that answers.
    """
    reference = service.reference
    for view in _views(service):
        if view.usual is not None:
            for _ in view.parts(reference, view.usual(reference)):
                yield


def _views(service: Service) -> list[View]:
    """Those of the model."""
    subject = service.subject
    shown = "table" if subject.schema.layout is None else subject.schema.layout.kind
    there = (view for view in VIEWS if view.shows == shown)
    return [view for view in there if subject.table is not None or not view.needs_table]


async def _home(views: list[View], request: Request) -> Response:
    return RedirectResponse(views[0].path)


async def _page(service: Service, view: View, views: list[View], request: Request) -> Response:
    subject, params = service.subject, dict(request.query_params)
    context: dict[str, Any] = {
        "version": version("quasistatic"),
        "subject": subject,
        "view": view,
        "views": views,
        "params": params,
        "settled": service.is_settled(),
    }
    try:
        body = _template(view.template).render(context | view.form(service.reference, params))
        return Response(body, media_type="text/html")
    except QuasistaticError as error:
        told = as_refused(error)
        body = _template("refused.html.jinja").render(context | {"error": told})
        return Response(body, told.status, media_type="text/html")


async def _stream(service: Service, view: View, request: Request) -> Response:
    params = dict(request.query_params)
    question = (view.path, tuple(sorted(params.items())))
    steps = view.parts(service.reference, params)
    return Stream(service, question if view.remembered else None, steps, _drawn, as_refused)


async def _file(name: str, request: Request) -> Response:
    package, path, kind = _FILES[name]
    return Response(_text(package, path), media_type=kind)


def _drawn(parts: Parts) -> dict[str, str]:
    """The HTML of parts."""
    return {place: _template(f"parts/{name}").render(what) for place, (name, what) in parts.items()}


@cache
def _text(package: str, path: str) -> str:
    return (files(package) / path).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _text("quasistatic.serve", f"pages/{name}")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    return environment


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


def _breakable(text: str) -> Markup:
    """Escaped text that may be broken after an underscore, as long names must be on a phone."""
    return Markup("_<wbr>").join(text.split("_"))
