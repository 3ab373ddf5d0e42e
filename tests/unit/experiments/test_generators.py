"""The generated data against what is known of them, and the numbers derived from them."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.neighbors import KernelDensity

from quasistatic.errors import DataError
from quasistatic.experiments import heartbeat, leaves, spiral, textures
from quasistatic.experiments.files import data_path
from quasistatic.experiments.parzen import SIGMAS, log_density, parzen, squared_distances


def test_the_spiral_has_unit_variance_and_its_written_entropy():
    z = spiral.sample(20_000, seed=0)
    assert np.all(np.abs(z.mean(0)) < 5 * z.std(0) / math.sqrt(len(z)))
    assert abs(np.mean(z**2) - 1) < 5 * np.std(z**2) / math.sqrt(2 * len(z))
    log_p = spiral.log_density(z[:4000]) / math.log(2)
    # E log p = -H; 5 standard errors, a false alarm in 2 million.
    assert abs(log_p.mean() - spiral.NEGATIVE_ENTROPY_BITS) < 5 * log_p.std() / math.sqrt(4000)
    quadrature = spiral.negative_entropy_nats(n_theta=40, n_noise=8) / math.log(2)
    assert abs(quadrature - spiral.NEGATIVE_ENTROPY_BITS) < 2e-3


def test_the_density_of_the_spiral_against_a_sum_over_fine_segments():
    """At a few points, by the two-dimensional normal density summed over 200,000 nodes of theta."""
    theta = np.linspace(spiral.LOW, spiral.HIGH, 200_001)
    mean, scale = spiral._moments()
    nodes = theta[:, None] * np.stack([np.cos(theta), np.sin(theta)], 1)
    for z in spiral.sample(4, seed=1):
        x = z * scale + mean
        values = stats.norm.pdf(x, nodes, spiral.NOISE).prod(1)
        direct = np.log(np.trapezoid(values, theta) / (spiral.HIGH - spiral.LOW)) + 2 * np.log(
            scale
        )
        assert abs(spiral.log_density(z[None])[0] - direct) < 1e-6


def test_the_five_sequences():
    rows = heartbeat.sequences()
    assert rows.sum(1).tolist() == [4] * 5
    assert len({tuple(row) for row in rows.tolist()}) == 5
    assert heartbeat.is_valid(rows).all()
    broken = rows.copy()
    broken[:, 7] ^= 1
    assert not heartbeat.is_valid(broken).any()


def test_dead_leaves_are_seeded_and_look_alike_at_every_scale():
    first, again, other = (leaves.patches(20, 16, seed) for seed in (0, 0, 1))
    assert first.shape == (20, 1, 16, 16)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    # Occlusion leaves flat regions: neighbours are often equal, and levels fill the range.
    assert 0.4 < np.mean(first[..., 1:] == first[..., :-1]) < 0.95
    assert np.ptp(first) > 200


def test_texture_crops_come_from_their_halves():
    data = textures.load(textures.TEXTURES.quick, seed=0)
    assert data.train.value.shape == (4000, 256)
    assert data.test.value.shape == (64, 256)
    picture = np.arange(64).reshape(8, 8).astype(np.uint8)
    for crop in textures.crops([picture], 20, 3, np.random.default_rng(0)):
        y, x = divmod(int(crop[0, 0, 0]), 8)
        np.testing.assert_array_equal(crop[0], picture[y : y + 3, x : x + 3])


def test_parzen_is_the_kernel_density_of_scikit_learn(rng):
    samples, valid, test = (rng.random((n, 7)) for n in (300, 50, 80))
    for sigma in (0.1, 0.5):  # scikit-learn stops at 1e-8 of the density
        reference = KernelDensity(bandwidth=sigma).fit(samples).score_samples(test)
        np.testing.assert_allclose(
            log_density(squared_distances(test, samples), sigma, 7), reference, atol=1e-5
        )
    found = parzen(samples, valid, test, chunk=33)
    best = max(SIGMAS, key=lambda s: KernelDensity(bandwidth=s).fit(samples).score(valid))
    assert found.sigma == best
    np.testing.assert_allclose(
        found.nats, KernelDensity(bandwidth=best).fit(samples).score(test) / 80, atol=1e-5
    )


def test_where_data_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("QUASISTATIC_DATA", raising=False)
    with pytest.raises(DataError, match="QUASISTATIC_DATA is not set") as error:
        data_path("mnist", source="from there")
    assert "from there" in str(error.value)
    monkeypatch.setenv("QUASISTATIC_DATA", str(tmp_path))
    with pytest.raises(DataError, match="the data are not there") as error:
        data_path("mnist", source="from there")
    assert str(tmp_path / "mnist") in str(error.value)
    (tmp_path / "mnist").mkdir()
    assert data_path("mnist", source="") == tmp_path / "mnist"
