"""Tables of numbers as Markdown."""


def number(value: float | None, stderr: float | None = None, digits: int = 3) -> str:
    """The number, with its standard error where there is one; "-" for none."""
    if value is None:
        return "-"
    return f"{value:.{digits}f}" if stderr is None else f"{value:.{digits}f} ± {stderr:.{digits}f}"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table of as many columns as `head` has entries."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
