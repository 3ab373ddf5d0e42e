"""`python -m quasistatic` is `quasistatic`."""

from quasistatic.cli import main

if __name__ == "__main__":
    main()
