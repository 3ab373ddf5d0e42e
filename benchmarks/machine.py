"""The machine on which the numbers were measured."""

import platform
import time

import jax

from quasistatic.experiments.machine import processor
from quasistatic.threads import cores


def describe() -> str:
    """Processor class, cores, versions and the measured float32 matmul rate."""
    rate = matmul_rate()
    versions = f"Python {platform.python_version()}, JAX {jax.__version__}"
    return f"{processor()}, {cores()} cores, {versions}, float32 matmul {rate / 1e9:.0f} GFLOP/s"


def matmul_rate(rows: int = 512, width: int = 256, repetitions: int = 200) -> float:
    """FLOP/s of `[rows, width] @ [width, width]` inside one jitted loop, the best of 5."""
    x = jax.random.normal(jax.random.key(0), (rows, width))
    w = jax.random.normal(jax.random.key(1), (width, width)) / width**0.5

    @jax.jit
    def loop(x, w):
        return jax.lax.fori_loop(0, repetitions, lambda _, h: h @ w, x)

    loop(x, w).block_until_ready()
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        loop(x, w).block_until_ready()
        best = min(best, time.perf_counter() - began)
    return 2 * rows * width * width * repetitions / best


if __name__ == "__main__":
    print(describe())
