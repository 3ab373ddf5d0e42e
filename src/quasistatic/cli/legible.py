"""Text that is safe for a terminal, whatever names, categories and paths hold."""

import unicodedata

__all__ = ["legible", "legible_json"]

_JOINERS = "\u200c\u200d"  # within words of Persian, Hindi and others, and within emoji
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def legible(text: str, keep: str = "\n\t") -> str:
    """The text with escapes such as `U+001B`'s in place of what a terminal acts upon: control
    characters, marks that turn the direction of writing, line separators, halves of characters.

    Args:
        text: text with names that somebody else chose.
        keep: control characters that stay (default line feeds and tabs).
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or not _acts(c, keep) else _escape(c) for c in text)


def legible_json(text: str) -> str:
    """A JSON text with such characters as JSON's own escapes: its data stay the same.

    Args:
        text: JSON text.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        c if c.isprintable() or not _acts(c, "\n") else f"\\u{ord(c):04x}" if ord(c) < 2**16 else c
        for c in text
    )


def _acts(character: str, keep: str) -> bool:
    return (
        character not in keep
        and character not in _JOINERS
        and unicodedata.category(character) in _UNSAFE
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
