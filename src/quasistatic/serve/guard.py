"""Who may ask: what every request is held against before anything reads it, and the headers of
every answer. A plain layer of ASGI around the application.

A page of somebody else, open in the same browser, can send requests to this machine. It is kept out
by three things of which each suffices against its kind of attack: the name in `Host` must be one of
this service (a foreign name that has come to mean 127.0.0.1 is refused), `Origin` and
`Sec-Fetch-Site` must be of the service itself, and no answer allows another origin to read it.
"""

import asyncio
import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from quasistatic.serve.limits import Limits, Refused
from quasistatic.serve.metrics import Metrics

__all__ = ["HEADERS", "LOOPBACK", "Guard", "Rules", "is_loopback"]

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that mean itself and nothing else."""
HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Headers of every answer."""
_OPEN = ("/healthz",)
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::\d{1,5})?")


@dataclass(frozen=True)
class Rules:
    """What is asked of a request.

    Args:
        hosts: names that `Host` may have; empty for any, where a token is asked for.
        token: token of every request but those of `/healthz`; empty (default) for none.
        limits: limits on bodies.
    """

    hosts: tuple[str, ...] = LOOPBACK
    token: str = field(default="", repr=False)
    limits: Limits = field(default_factory=Limits)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    return host in LOOPBACK


class Guard:
    """The application behind the rules.

    Args:
        app: application that answers what is let in.
        rules: rules that requests are held against.
        metrics: where requests are counted.
        refusal: function from a refusal and a request id to status, headers and body.
        routes: paths that are counted by name; others are counted as one.
    """

    def __init__(
        self,
        app: _App,
        rules: Rules,
        metrics: Metrics,
        refusal: Callable[[Refused, str], tuple[int, dict[str, str], bytes]],
        routes: frozenset[str],
    ) -> None:
        self._app, self._rules, self._metrics = app, rules, metrics
        self._refusal, self._routes = refusal, routes

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send
    ) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # there are no web sockets
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        asked = headers.get("x-request-id", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        begin, status = time.perf_counter(), 500

        async def told(message: _Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = HEADERS | {"x-request-id": request_id}
                own = {key for key, _ in message.get("headers", ())}
                message["headers"] = [
                    *message.get("headers", ()),
                    *((k.encode(), v.encode()) for k, v in more.items() if k.encode() not in own),
                ]
            await send(message)

        try:
            try:
                self._check(scope, headers)
                body = await self._body(headers, receive)
                await self._app(scope, _given(body, receive), told)
            except Refused as refused:
                code, own, text = self._refusal(refused, request_id)
                pairs = [(k.encode(), v.encode()) for k, v in own.items()]
                await told({"type": "http.response.start", "status": code, "headers": pairs})
                await told({"type": "http.response.body", "body": text})
        finally:
            route = scope["path"] if scope["path"] in self._routes else "other"
            self._metrics.count(route, status, time.perf_counter() - begin)

    def _check(self, scope: MutableMapping[str, Any], headers: dict[str, str]) -> None:
        host = headers.get("host", "")
        match = _HOST.fullmatch(host)
        name = match[1].strip("[]").lower() if match else ""
        if not name or (self._rules.hosts and name not in self._rules.hosts):
            raise Refused(403, "the request names another host than this service")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        followed = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
        foreign = site not in ("same-origin", "none") and not followed
        if foreign or (origin is not None and origin != f"{scope['scheme']}://{host}"):
            raise Refused(403, "the request comes from another page")
        if self._rules.token and scope["path"] not in _OPEN:
            kind, _, given = headers.get("authorization", "").partition(" ")
            same = hmac.compare_digest(given.strip().encode(), self._rules.token.encode())
            if kind.lower() != "bearer" or not same:
                raise Refused(
                    401, "the token is missing or another", fix="send Authorization: Bearer TOKEN"
                )
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            raise Refused(415, "the body is not JSON", fix="send Content-Type: application/json")

    async def _body(self, headers: dict[str, str], receive: _Receive) -> bytes:
        limits = self._rules.limits
        large = Refused(
            413, f"the body has more than {limits.body_bytes} bytes", fix="ask in several requests"
        )
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > limits.body_bytes:
            raise large
        parts, size = [], 0
        try:
            async with asyncio.timeout(limits.body_seconds):
                while True:
                    message = await receive()
                    part = message.get("body", b"")
                    parts.append(part)
                    size += len(part)
                    if size > limits.body_bytes:
                        raise large
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise Refused(408, "the body did not arrive in time") from None


def _given(body: bytes, receive: _Receive) -> _Receive:
    """The body that was read, and then what the client does further."""
    rest = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> _Message:
        return rest.pop() if rest else await receive()

    return again
