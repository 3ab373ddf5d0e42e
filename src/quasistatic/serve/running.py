"""From a model to a server on a socket, and back when it is told to end."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quasistatic.errors import DataError, SettingError
from quasistatic.report import output as report

if TYPE_CHECKING:
    from quasistatic.serve.guard import Rules

__all__ = ["address_of", "bound", "read_token", "require_libraries", "rules_of", "run"]

_NEEDED = ("jinja2", "starlette", "uvicorn")
_LEAST_TOKEN = 16


def require_libraries() -> None:
    """Refuse to begin without what the service is made with.

    Raises:
        SettingError: one is missing.
    """
    report.require_libraries("the service", _NEEDED, "explore")


def read_token(path: str) -> str:
    """The token of a file: its text without the blanks around it.

    Raises:
        DataError: no such file, or one that cannot be read.
        SettingError: it is shorter than 16 characters, or holds others than visible ASCII.
    """
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("the token cannot be read", where=path) from error
    if len(text) < _LEAST_TOKEN or not (text.isascii() and text.isprintable() and " " not in text):
        raise SettingError(
            f"a token has at least {_LEAST_TOKEN} characters of visible ASCII, and no blank",
            where=path,
            fix="for example: python -c 'import secrets; print(secrets.token_urlsafe())'",
        )
    return text


def rules_of(host: str, token: str) -> "Rules":
    """What requests to an address are held against.

    Args:
        host: address that is listened at.
        token: token of every request; empty for none.

    Raises:
        SettingError: an address that others reach, without a token.
    """
    from quasistatic.serve.guard import Rules, is_loopback

    if is_loopback(host):
        return Rules(token=token)
    if not token:
        raise SettingError(
            f"{host} is reached from other machines, and there is no token",
            fix="give --token-file FILE, or leave out --host",
        )
    return Rules(hosts=(), token=token)


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound before anything slow begins.

    Args:
        host: address to listen at.
        port: number of the port; 0 for one that is free.

    Raises:
        SettingError: the port is taken, or the address is none of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise SettingError(f"{host} is no address", fix="give --host 127.0.0.1") from error
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen(128)
    except OSError as error:
        found.close()
        raise SettingError(
            f"port {port} of {host} cannot be listened at ({error.strerror})",
            fix="give another --port, or 0 for one that is free",
        ) from error
    return found


def address_of(listening: socket.socket) -> str:
    """The address of a bound socket, for people."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def run(app: Any, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM, which end it in order.

    Args:
        app: ASGI application.
        listening: bound socket.
        ready: called once requests are answered.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=2,
        limit_concurrency=1000,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await uvicorn.Server.startup(self, sockets)
            ready()

    try:
        Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        return  # it has ended in order by now
