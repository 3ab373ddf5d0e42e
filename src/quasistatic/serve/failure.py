"""From an exception to what an asker is told: one sentence, never a path or a line of code."""

from starlette.exceptions import HTTPException

from quasistatic.errors import QuasistaticError
from quasistatic.serve.limits import Refused

__all__ = ["as_refused"]


def as_refused(error: Exception) -> Refused:
    """What an asker is told of an error; of a defect no more than that there is one.

    Args:
        error: what was raised.
    """
    if isinstance(error, Refused):
        return error
    if isinstance(error, QuasistaticError):
        found = Refused(422, error.what, fix=error.fix)
        found.where = error.where
        return found
    if isinstance(error, HTTPException):
        return Refused(error.status_code, str(error.detail))
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return Refused(
            503, "there is not enough memory for this question", fix="ask for fewer rows"
        )
    return Refused(500, "the service failed at this question: a defect of quasistatic")
