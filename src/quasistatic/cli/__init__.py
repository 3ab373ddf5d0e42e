"""The command line: the only room that prints. Heavy libraries are imported inside the commands."""


def main() -> None:
    """Run `quasistatic` with the arguments of the process."""
    from quasistatic.cli.app import app
    from quasistatic.cli.processes import end_apart

    try:
        app(prog_name="quasistatic")
    except SystemExit as ended:
        end_apart(ended.code or 0)
        raise
    except BaseException:  # where not even a message can be written
        end_apart(1)
        raise
