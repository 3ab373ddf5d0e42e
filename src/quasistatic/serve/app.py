"""The application: one service, its routes, and what becomes of every error."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from quasistatic.errors import QuasistaticError
from quasistatic.serve.document import document
from quasistatic.serve.endpoints import ABOUT, ENDPOINTS, Endpoint, asked_of, written
from quasistatic.serve.failure import as_refused
from quasistatic.serve.guard import Guard, Rules
from quasistatic.serve.limits import Refused
from quasistatic.serve.pages_of import page_routes, prepared
from quasistatic.serve.questions import about, row_schema
from quasistatic.serve.service import Service
from quasistatic.serve.subject import Subject

__all__ = ["application"]


def application(subject: Subject, rules: Rules | None = None, *, pages: bool = True) -> Guard:
    """The service of a model, as an ASGI application.

    Args:
        subject: model and table.
        rules: rules that requests are held against; None (default) for those of a service that is
            reached from this machine alone.
        pages: whether there are pages besides the endpoints (default True).
    """
    rules = rules or Rules()
    service = Service(subject, rules.limits)
    routes = [
        Route("/api/schema", partial(_about, service), methods=["GET"]),
        *(Route(one.path, partial(_answer, service, one), methods=["POST"]) for one in ENDPOINTS),
        Route("/openapi.json", partial(_document, service, bool(rules.token)), methods=["GET"]),
        Route("/healthz", partial(_health, service), methods=["GET"]),
        Route("/metrics", partial(_metrics, service), methods=["GET"]),
        *(page_routes(service) if pages else ()),
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        service.start(prepared(service) if pages else iter(()))
        yield
        service.close()

    handlers = {
        QuasistaticError: _refused,
        HTTPException: _refused,
        MemoryError: _refused,
        Exception: _refused,
    }
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    paths = frozenset(route.path for route in routes)
    return Guard(app, rules, service.metrics, _refusal, paths)


async def _about(service: Service, request: Request) -> Response:
    return JSONResponse(about(service.subject))


async def _answer(service: Service, endpoint: Endpoint, request: Request) -> Response:
    asked = asked_of(endpoint, await request.body())
    steps: Iterator[Any] = endpoint.question(service.reference, asked)
    body = await service.answered((endpoint.path, repr(asked)), steps, written)
    return Response(body, media_type="application/json")


async def _document(service: Service, token: bool, request: Request) -> Response:
    described = [ABOUT, *(one.described for one in ENDPOINTS)]
    return JSONResponse(document(described, {"Row": row_schema(service.subject)}, token=token))


async def _health(service: Service, request: Request) -> Response:
    return JSONResponse({"status": "ok", **service.state()})


async def _metrics(service: Service, request: Request) -> Response:
    text = service.metrics.text(service.gauges())
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


async def _refused(request: Request, error: Exception) -> Response:
    status, headers, body = _refusal(as_refused(error), request.state.request_id)
    return Response(body, status, headers)


def _refusal(refused: Refused, request_id: str) -> tuple[int, dict[str, str], bytes]:
    told = {"what": refused.what, "where": refused.where, "fix": refused.fix}
    headers = {"content-type": "application/json"}
    if refused.retry_after is not None:
        headers["retry-after"] = str(refused.retry_after)
    if refused.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = json.dumps({"error": told | {"request_id": request_id}}).encode()
    return refused.status, headers, body
