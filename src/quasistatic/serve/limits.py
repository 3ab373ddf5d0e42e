"""How much may be asked, and how a question that is too much is turned away."""

from dataclasses import dataclass

from quasistatic.errors import QuasistaticError

__all__ = ["MOST_ROWS", "Limits", "Refused"]

MOST_ROWS = 1000
"""Rows of one question."""


@dataclass(frozen=True)
class Limits:
    """What one service takes upon itself.

    Args:
        body_bytes: bytes of the body of a request.
        body_seconds: seconds within which a body must have arrived.
        seconds: seconds of a question, waiting included.
        questions: number of questions that are answered or wait at once.
        remembered_bytes: bytes of answers that are remembered.
    """

    body_bytes: int = 1 << 20
    body_seconds: float = 10.0
    seconds: float = 120.0
    questions: int = 16
    remembered_bytes: int = 32 << 20


class Refused(QuasistaticError):
    """A request that is not answered, with the status of HTTP that says why.

    Args:
        status: status code of HTTP.
        what: one sentence that says what happened.
        fix: what the asker can do about it; empty (default) when there is nothing to say.
        retry_after: seconds after which another try makes sense; None (default) for never.
    """

    def __init__(
        self, status: int, what: str, *, fix: str = "", retry_after: int | None = None
    ) -> None:
        QuasistaticError.__init__(self, what, fix=fix)
        self.status, self.retry_after = status, retry_after
