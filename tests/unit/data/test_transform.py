import json

import numpy as np
import pytest

from quasistatic.data.columns.transform import (
    TAIL,
    Affine,
    QuantileSpline,
    _expand,
    fit_transform,
    transform_from_json,
)

RNG = np.random.default_rng(0)
SAMPLES = {
    "normal": RNG.normal(3, 2, 3000),
    "lognormal": np.exp(2 * RNG.normal(size=3000)),
    "cauchy": RNG.standard_cauchy(3000),
    "uniform": RNG.uniform(size=400),
    "two humps": np.concatenate([RNG.normal(-5, 0.3, 500), RNG.normal(4, 1, 700)]),
    "tiny": RNG.normal(size=7),
    "large": 1e299 * RNG.normal(size=500),
    "small": 1e-299 * RNG.normal(size=500),
}


@pytest.fixture(params=SAMPLES)
def x(request):
    return SAMPLES[request.param]


@pytest.fixture(params=["auto", "affine", "spline"])
def g(request, x):
    return fit_transform(x, None, request.param)


def test_standardises(x, g):
    u = _expand(g.forward(x))  # before the logarithm in the tails
    assert abs(u.mean()) < 1e-9
    assert abs(u.std() - 1) < 1e-9


def test_an_outlier_is_far_but_not_absurd(x, g):
    far = g.forward(np.array([x.max() + 1000 * np.ptp(x)]))
    assert TAIL < far < 25


def test_inverse_is_exact(x, g):
    spread = np.ptp(x)
    points = np.concatenate(
        [x, x.min() - spread * np.array([0.1, 10]), x.max() + spread * np.array([0.1, 10])]
    )
    back = g.inverse(g.forward(points))
    assert np.all(
        np.abs(back - points) <= 1e-9 * np.maximum(np.abs(points), np.std(x / spread) * spread)
    )
    z = np.linspace(-8, 8, 1001)
    np.testing.assert_allclose(g.forward(g.inverse(z)), z, atol=1e-9)


def test_increases(x, g):
    points = np.sort(
        np.concatenate(
            [np.linspace(x.min(), x.max(), 5000), np.quantile(x, np.linspace(0, 1, 5000))]
        )
    )
    points = points[np.concatenate([[True], np.diff(points) > 1e-12 * np.ptp(x)])]
    assert np.all(np.diff(g.forward(points)) > 0)


def test_log_derivative_is_that_of_a_numerical_derivative(x, g):
    inner = np.quantile(x, np.linspace(0.02, 0.98, 97)) + 1e-5 * (
        np.quantile(x, 0.9) - np.quantile(x, 0.1)
    )
    scale = np.exp(-g.log_derivative(inner))
    h = 1e-5 * scale
    slope = (g.forward(inner + h) - g.forward(inner - h)) / (2 * h)
    np.testing.assert_allclose(np.log(slope), g.log_derivative(inner), atol=2e-4)


def test_finite_everywhere(g):
    points = np.array([-1e300, -1.0, 0.0, 1.0, 1e300])
    with np.errstate(over="ignore"):
        assert not np.isnan(g.forward(points)).any()
        assert np.all(np.isfinite(g.log_derivative(points)))


def test_json_round_trip(g):
    assert transform_from_json(json.loads(json.dumps(g.to_json()))) == g


def test_auto_takes_the_line_for_a_normal_sample_and_the_spline_for_others():
    assert isinstance(fit_transform(SAMPLES["normal"], None), Affine)
    for name in ("lognormal", "cauchy", "two humps"):
        assert isinstance(fit_transform(SAMPLES[name], None), QuantileSpline)


def test_small_samples_and_few_values_get_a_line():
    assert isinstance(fit_transform(np.exp(RNG.normal(size=49)), None, "spline"), Affine)
    assert isinstance(fit_transform(RNG.integers(0, 5, 1000).astype(float), 1.0, "spline"), Affine)


def test_a_constant_or_empty_column_has_a_harmless_map():
    for x in (np.full(10, 7.0), np.zeros(0)):
        g = fit_transform(x, None)
        assert np.isfinite(g.forward(np.array([7.0]))).all()


def test_the_spline_makes_a_lognormal_nearly_normal():
    z = np.sort(fit_transform(SAMPLES["lognormal"], None).forward(SAMPLES["lognormal"]))
    from statistics import NormalDist

    cdf = np.array([NormalDist().cdf(v) for v in z])
    assert np.max(np.abs(cdf - np.arange(1, len(z) + 1) / len(z))) < 0.02
