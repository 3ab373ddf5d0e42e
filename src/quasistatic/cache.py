"""JAX's compilation cache in the user's cache folder, so that the second run starts faster. Never
an error.
"""

import os
import sys
from pathlib import Path

__all__ = ["SWITCH", "enable_compilation_cache"]

SWITCH = "QUASISTATIC_CACHE"
"""Environment variable that turns the cache off where it is "off" or "0"."""
_LIMIT_BYTES = 512 * 2**20
_LEAST_SECONDS = 0.2


def enable_compilation_cache() -> None:
    """Point JAX at `$XDG_CACHE_HOME/quasistatic/jax` (or `~/.cache/...`): by its environment
    variables where it is not imported yet, else by its configuration.

    A folder that the user has given JAX wins, and so does `QUASISTATIC_CACHE=off`. A folder that
    cannot be made or written is left alone: the program is slower then, nothing else.
    """
    if os.environ.get(SWITCH, "").lower() in ("off", "0") or _is_given():
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
    if "jax" not in sys.modules:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", str(_LEAST_SECONDS))
        return
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)
    compilation_cache.reset_cache()  # what was compiled before has settled that there is none


def _is_given() -> bool:
    """Whether JAX has a folder, the user's or that of an earlier call."""
    if "jax" not in sys.modules:
        return "JAX_COMPILATION_CACHE_DIR" in os.environ
    import jax

    return getattr(jax.config, "jax_compilation_cache_dir", None) is not None


def _forget_oldest(folder: Path) -> None:
    """Keep the cache under its limit: the entries that were written first go first."""
    entries = [(path, path.stat()) for path in folder.iterdir() if path.is_file()]
    excess = sum(stat.st_size for _, stat in entries) - _LIMIT_BYTES
    for path, stat in sorted(entries, key=lambda entry: entry[1].st_mtime):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= stat.st_size
