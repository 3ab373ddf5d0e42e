"""JAX's compilation cache in the user's cache folder, so that the second run starts faster. Never
an error.
"""

import os
from pathlib import Path

_LIMIT_BYTES = 512 * 2**20


def enable_compilation_cache() -> None:
    """Point JAX at `$XDG_CACHE_HOME/quasistatic/jax` (or `~/.cache/...`); call it before JAX is
    imported.

    `JAX_COMPILATION_CACHE_DIR` wins when it is set. A folder that cannot be made or written is left
    alone: the program is slower then, nothing else.
    """
    # XLA's remarks on cached code are not for the user.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(home) / "quasistatic" / "jax"
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            return
        _forget_oldest(folder)
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")


def _forget_oldest(folder: Path) -> None:
    """Keep the cache under its limit: the entries that were written first go first."""
    entries = [(path, path.stat()) for path in folder.iterdir() if path.is_file()]
    excess = sum(stat.st_size for _, stat in entries) - _LIMIT_BYTES
    for path, stat in sorted(entries, key=lambda entry: entry[1].st_mtime):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= stat.st_size
