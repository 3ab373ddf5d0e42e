"""Files in the format of CIFAR-10, of crops of colour pictures: the time of `reproduce cifar10` can
be measured without its data.

    python benchmarks/cifar_standin.py DIR [--seed 0]
    QUASISTATIC_DATA=DIR quasistatic reproduce cifar10 -o runs/cifar10-standin

Writes DIR/cifar-10-batches-py. The crops are of scikit-image's pictures of an astronaut, a cat, a
cup and a rocket, halved in size; all labels are 0. The test images are of the right quarter of
every picture, the others of the rest. The numbers of such a run say nothing about CIFAR-10; its
time is that of the real one, as the time of a step does not depend on what is in the pictures.
"""

import argparse
import pickle
from pathlib import Path

import numpy as np
from skimage import data

from quasistatic.data.images.cifar import SIDE, TEST, TRAIN

IMAGES = 10_000
PICTURES = (data.astronaut, data.chelsea, data.coffee, data.rocket)


def halved(picture: np.ndarray) -> np.ndarray:
    """The mean of two by two pixels."""
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    blocks = picture[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def crops(pictures: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """`IMAGES` rows of 3,072 bytes: the red, green and blue plane of a crop."""
    rows = np.empty((IMAGES, 3, SIDE, SIDE), np.uint8)
    for row in rows:
        picture = pictures[rng.integers(len(pictures))]
        y, x = (rng.integers(0, n - SIDE + 1) for n in picture.shape[:2])
        row[:] = picture[y : y + SIDE, x : x + SIDE].transpose(2, 0, 1)
    return rows.reshape(IMAGES, -1)


def main() -> None:
    """Parse, crop, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = arguments.folder / "cifar-10-batches-py"
    if folder.exists():
        parser.error(
            f"{folder} is there already, perhaps with the real data: give another DIR, or remove it"
        )
    folder.mkdir(parents=True)
    rng = np.random.default_rng(arguments.seed)
    pictures = [halved(load()) for load in PICTURES]
    borders = [3 * picture.shape[1] // 4 for picture in pictures]
    left = [picture[:, :border] for picture, border in zip(pictures, borders, strict=True)]
    right = [picture[:, border:] for picture, border in zip(pictures, borders, strict=True)]
    for name in (*TRAIN, *TEST):
        batch = {b"data": crops(right if name in TEST else left, rng), b"labels": [0] * IMAGES}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    print(folder)


if __name__ == "__main__":
    main()
