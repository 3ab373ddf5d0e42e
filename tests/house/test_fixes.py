"""What an error tells the user to do is a fragment, in one style everywhere."""

import ast

from house.source import trees


def texts(node: ast.expr) -> list[ast.expr]:
    """The texts that an expression may be."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    return [node] if isinstance(node, ast.Constant | ast.JoinedStr) else []


def fixes(tree: ast.Module):
    """Every text that is called `fix`, as an argument or as a variable."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "fix":
            yield from texts(node.value)
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["fix"]:
            yield from texts(node.value)


def parts(node: ast.expr) -> list[str]:
    """The constant text of a literal at its beginning and at its end; nothing where it is filled
    in."""
    found = [node] if isinstance(node, ast.Constant) else node.values
    ends = (found[0], found[-1]) if found else ()
    return [e.value if isinstance(e, ast.Constant) else "x" for e in ends]


def test_what_to_do_is_a_fragment():
    read, sentences = 0, []
    for path, tree in trees().items():
        for node in fixes(tree):
            start, end = parts(node)
            read += 1
            if start[:1].isupper() or end.endswith("."):
                sentences.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    assert read > 50
    assert not sentences
