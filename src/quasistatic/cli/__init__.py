"""The command line: the only room that prints. Heavy libraries are imported inside the commands."""


def main() -> None:
    """Run `quasistatic` with the arguments of the process."""
    from quasistatic.cli.app import app

    app(prog_name="quasistatic")
