"""Which tests run in one process, and which are begun first, when several processes share the
suite.

What is compiled for one test serves the next in the same process; the longest rooms are begun
first, so that the processes end together."""

from xdist.scheduler import LoadScopeScheduling

ROOMS = (
    "tests/surface/test_sklearn.py",
    "tests/surface/test_cli_images.py",
    "tests/surface/",
    "tests/unit/estimator/",
    "tests/laws/test_posterior_product.py",
    "tests/laws/test_posterior_enumeration.py",
    "tests/unit/experiments/",
    "tests/golden/",
    "tests/unit/serve/",
    "tests/unit/train/",
    "tests/unit/fitting/",
)
"""Folders and files; the first that a test lies in is its room. One after the other: the longest
first. A file of none of them is a room of its own."""


def room_of(nodeid: str) -> str:
    """The room of a test."""
    path = nodeid.split("::", 1)[0]
    return next((room for room in ROOMS if path.startswith(room)), path)


def place_of(nodeid: str) -> int:
    """The place of a test's room in the order."""
    room = room_of(nodeid)
    return ROOMS.index(room) if room in ROOMS else len(ROOMS)


class RoomScheduling(LoadScopeScheduling):
    """A process takes a room after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return room_of(nodeid)
