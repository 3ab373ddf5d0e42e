"""Bench (c): restricted machines on binary digits."""

import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

from quasistatic.data.images.idx import read_idx
from quasistatic.errors import DataError
from quasistatic.experiments.files import data_path
from quasistatic.experiments.mnist import SOURCE
from quasistatic.experiments.rivals import contestants, normalisers
from quasistatic.experiments.rivals.annealed import Annealed, annealed
from quasistatic.experiments.rivals.bench import Bench, Stage, normalised
from quasistatic.experiments.rivals.sizes import Sizes
from quasistatic.rivals import exact
from quasistatic.rivals.energy import AbstractBinaryEnergy, starting_bias
from quasistatic.rivals.graph import complete
from quasistatic.rivals.learning import Learned
from quasistatic.rivals.methods import learn, starting_energy

_HIDDEN = 16
_METHODS = {"cd-1": "cd", "pcd": "pcd", "centred-pcd": "centred-pcd"}


def digits(sizes: Sizes, seed: int, tell: Stage) -> Bench:
    """Bench (c): restricted machines on scikit-learn's 8 x 8 digits, a pixel being 1 above half of
    its range. The truth is unknown.

    With `sizes.mnist` a machine of the 28 x 28 digits of MNIST is annealed too, where the files are
    there: that of the published example.
    """
    pixels, _ = load_digits(return_X_y=True)
    rows = (np.asarray(pixels) >= 8).astype(np.float32)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))]
    train, test = rows[:1400], rows[1400:]
    entries, last = [], starting_energy("rbm", train, complete(64), _HIDDEN, seed)
    for name in _METHODS:
        tell(f"digits: {name}")
        entry, last = contestants.energy_entry(
            f"restricted machine, {name}",
            lambda name=name: _learned(name, train, sizes, seed),
            test,
            None,
            paths=sizes.paths,
            steps=sizes.steps,
            seed=seed,
        )
        entries.append(entry)
    tell("digits: what is said of log Z")
    said = normalisers.claims(
        last, _bias(train), paths=sizes.paths, steps=sizes.steps, repetitions=sizes.repetitions
    )
    both = [_annealed("8 x 8 digits, centred-pcd", last, train, sizes, seed)]
    if sizes.mnist and (images := _mnist()) is not None:
        tell("digits: pcd on MNIST")
        # Adam's steps in centred parameters diverge where many pixels are always 0.
        machine = _learned("pcd", images, sizes, seed).energy
        both.append(_annealed("MNIST, pcd", machine, images, sizes, seed))
    entries += normalised(train, test, None, sizes, seed, tell, "digits", lambda draw: {}, 40)
    title = f"8 x 8 binary digits, {len(train):,} images, {_HIDDEN} hidden bits"
    log_z = exact.log_partition(last)
    return Bench("digits", title, entries, said, log_z, None, annealed=both)


def _learned(name: str, train: np.ndarray, sizes: Sizes, seed: int) -> Learned:
    start = starting_energy("rbm", train, complete(train.shape[1]), _HIDDEN, seed)
    return learn("rbm", _METHODS[name], start, train, updates=2 * sizes.updates, seed=seed)


def _annealed(
    name: str, energy: AbstractBinaryEnergy, train: np.ndarray, sizes: Sizes, seed: int
) -> Annealed:
    return annealed(
        name, energy, _bias(train), train, paths=sizes.paths, steps=sizes.steps, seed=seed
    )


def _bias(train: np.ndarray) -> np.ndarray:
    """Log-odds of independent bits."""
    return np.asarray(starting_bias(jnp.asarray(train.mean(axis=0)), len(train)))


def _mnist() -> np.ndarray | None:
    """The 60,000 training images of MNIST, a pixel being 1 above half of its range, `[N, 784]`;
    None where the file is not there.
    """
    try:
        path = data_path("mnist/train-images-idx3-ubyte.gz", source=SOURCE)
    except DataError:
        return None
    images = read_idx(path)
    return (images.reshape(len(images), -1) >= 128).astype(np.float32)
