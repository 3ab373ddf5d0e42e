"""The optional libraries of this room."""

from importlib.util import find_spec

from quasistatic.errors import SettingError

NEEDED = ("jinja2", "matplotlib")


def require_libraries() -> None:
    """Refuse to begin without what the report is drawn with.

    Raises:
        SettingError: one is missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise SettingError(
            f"a report needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'}"
            " not installed",
            where="report",
            fix='pip install "quasistatic[report]"',
        )
