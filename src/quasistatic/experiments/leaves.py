r"""Dead leaves: opaque disks that fall on each other (Lee, Mumford and Huang 2001), an own seeded
generator.

Disks have uniform centres and grey levels and radii with density proportional to r^-3 between
`SMALLEST` and `LARGEST` pixels, the exponent for which the images look alike at every scale. They
are laid from the front to the back until nothing behind can be seen, on a canvas of twice the
resolution, and averaged over 2 x 2 squares, so that edges are smooth; then rounded to 256 grey
levels. Patches are cut from many canvases. (The published patches are not available: numbers are
not comparable to the digit.)
"""

import numpy as np

CANVAS = 128
FINE = 2
SMALLEST, LARGEST = 2.0, 48.0


def canvas(rng: np.random.Generator, side: int = CANVAS) -> np.ndarray:
    """One image of dead leaves, uint8 `[side, side]`."""
    size = side * FINE
    grey = np.zeros((size, size))
    bare = np.ones((size, size), bool)
    smallest, largest = SMALLEST * FINE, LARGEST * FINE
    while True:
        n = 1024
        radius = (smallest**-2 - rng.random(n) * (smallest**-2 - largest**-2)) ** -0.5
        # Centres in one square for all radii: as far out as the largest disk reaches.
        centre = rng.uniform(-largest, size + largest, (n, 2))
        level = rng.uniform(0, 255, n)
        touches = np.all((centre > -radius[:, None]) & (centre < size + radius[:, None]), axis=1)
        for r, (y, x), g in zip(radius[touches], centre[touches], level[touches], strict=True):
            rows = slice(max(int(y - r), 0), min(int(y + r) + 2, size))
            columns = slice(max(int(x - r), 0), min(int(x + r) + 2, size))
            dy, dx = (
                np.arange(rows.start, rows.stop) - y,
                np.arange(columns.start, columns.stop) - x,
            )
            seen = (dy[:, None] ** 2 + dx**2 <= r * r) & bare[rows, columns]
            grey[rows, columns][seen] = g
            bare[rows, columns] &= ~seen
        if not bare.any():
            break
    mean = grey.reshape(side, FINE, side, FINE).mean(axis=(1, 3))
    return np.rint(mean).astype(np.uint8)


def patches(n: int, side: int, seed: int) -> np.ndarray:
    """n patches, uint8 `[n, 1, side, side]`, no two overlapping."""
    rng = np.random.default_rng(seed)
    per_side = CANVAS // side
    found: list[np.ndarray] = []
    for _ in range(-(-n // per_side**2)):
        cut = canvas(rng)[: per_side * side, : per_side * side]
        found.append(
            cut.reshape(per_side, side, per_side, side).swapaxes(1, 2).reshape(-1, 1, side, side)
        )
    return rng.permutation(np.concatenate(found))[:n]
