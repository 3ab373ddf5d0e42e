"""Columns as people name them: blanks around a name may be left out."""

from collections.abc import Iterable, Sequence

from quasistatic.errors import SettingError

__all__ = ["longest_name", "refuse_halves", "resolve"]


def resolve(name: str, names: Iterable[str]) -> str | None:
    """The column that is meant: of that name, or the only one of that name but for blanks around.

    Args:
        name: name as somebody gave it.
        names: names of the columns.

    Example:
        >>> resolve("sex", ["age", " sex"])
        ' sex'
    """
    known = list(names)
    if name in known:
        return name
    alike = [column for column in known if column.strip() == name.strip()]
    return alike[0] if len(alike) == 1 else None


def longest_name(text: str, names: Sequence[str], marks: Sequence[str]) -> tuple[str, str] | None:
    """The longest column name that a text begins with, one of some marks behind it, and the rest
    from that mark on; None where there is none.

    Args:
        text: text such as " a=b=3", of which "a=b" may be the name.
        names: names of the columns.
        marks: marks of which one stands behind the name.

    Example:
        >>> longest_name(" a=b=3", ["a", " a=b"], ["="])
        (' a=b', '=3')
    """
    found: list[tuple[int, str, str]] = []
    for name in names:
        for given in dict.fromkeys((name, name.strip())):
            start = text if given == name else text.lstrip()
            rest = start[len(given) :].lstrip()
            if start.startswith(given) and rest.startswith(tuple(marks)):
                found.append((len(given), name, rest))
    if not found:
        return None
    most = max(length for length, _, _ in found)
    best = {name: rest for length, name, rest in found if length == most}
    exact = [name for name in best if text.startswith(name)]
    if len(best) > 1 and not exact:
        return None
    name = max(exact or best, key=len)
    return name, best[name]


def refuse_halves(what: str, texts: Sequence[str]) -> None:
    """Refuse texts that the shell gave in another encoding than UTF-8: no column and no category
    is called so.

    Args:
        what: what they are, for the message: the name of an option, say.
        texts: texts, as they were given.

    Raises:
        SettingError: naming the first such value.
    """
    for text in texts:
        if not text.isprintable() and any("\ud800" <= c <= "\udfff" for c in text):
            raise SettingError(
                f"{what} {text!r} is no text in UTF-8", fix="give it in the encoding UTF-8"
            )
