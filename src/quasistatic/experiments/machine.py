"""What a run took its time on."""

import platform
from pathlib import Path

from quasistatic.threads import cores


def processor() -> str:
    """Name of the processor; its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def machine() -> dict[str, str | int]:
    """The entry `machine` of metrics.json."""
    return {"processor": processor(), "cores": cores()}
