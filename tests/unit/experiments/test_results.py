"""`results.md`: every number of metrics.json that the pages show is there as it was measured."""

from quasistatic.experiments.machine import machine
from quasistatic.experiments.results import results

MODEL = {
    "K": 2.0,
    "K_stderr": 0.25,
    "K_minus_L_null": 4.5,
    "lower": 2.125,
    "lower_stderr": 0.125,
    "mean_ess": 1.26,
    "test_rows": 200,
    "trajectories": 4,
    "steps": 12_000,
    "training_seconds": 90.0,
}
METRICS = {
    "units": "bits per pixel",
    "seed": 7,
    "quick": False,
    "seconds": 2490.0,
    "versions": {"python": "3.11.7", "jax": "0.10.2"},
    "machine": {"processor": "Abacus", "cores": 2},
    "variants": {"modern": MODEL, "paper": MODEL | {"K": -1.0, "mean_ess": 2.0}},
}


def test_the_numbers_of_each_model():
    text = results(METRICS)
    assert text.splitlines() == [
        "| of each model | modern | paper |",
        "| --- | --- | --- |",
        "| K, bits per pixel | 2.000 ± 0.250 | -1.000 ± 0.250 |",
        "| K - L_null | 4.500 | 4.500 |",
        "| lower bound (AIS) | 2.125 ± 0.125 | 2.125 ± 0.125 |",
        "| test rows, trajectories of each | 200, 4 | 200, 4 |",
        "| mean effective number of the trajectories | 1.3 | 2.0 |",
        "| steps of training | 12,000 | 12,000 |",
        "| minutes of training | 1.5 | 1.5 |",
        "",
        "The full setting, seed 7: 42 minutes on 2 cores (Abacus), Python 3.11.7, JAX 0.10.2.",
    ]
    assert "The quick setting" in results(METRICS | {"quick": True})


def test_what_only_some_experiments_have():
    """Each entry adds its lines, and no other."""
    plain = results(METRICS).splitlines()
    both = ("modern", "paper")
    gap = {
        name: values | {"truth": 2.5, "gap_of_lower": 0.375}
        for name, values in METRICS["variants"].items()
    }
    cases = [
        ({"variants": gap}, ["| lower bound below the truth by | 0.375 | 0.375 |"]),
        (
            {
                "nats_per_image": {
                    key: {"K": -81.5, "K_stderr": 0.5, "lower": -80.25, "lower_stderr": 0.25}
                    for key in both
                }
            },
            [
                "| K, nats per image | -81.50 ± 0.50 | -81.50 ± 0.50 |",
                "| lower bound, nats per image | -80.25 ± 0.25 | -80.25 ± 0.25 |",
            ],
        ),
        (
            {"parzen": {key: {"bits_per_image": 320.04, "stderr": 3.0} for key in both}},
            ["| Parzen windows, bits per image | 320.0 ± 3.0 | 320.0 ± 3.0 |"],
        ),
        ({"valid_samples": dict.fromkeys(both, 0.9975)}, ["| valid samples | 99.75% | 99.75% |"]),
        (
            {"negative_entropy": 1.4, "gain_of_the_learned_schedule": 1.5},
            [
                (
                    "| negative entropy of the data, the most that K can be on average, bits per"
                    " pixel | 1.400 |"
                ),
                "| what learning the schedule adds to K, bits per pixel | 1.500 |",
            ],
        ),
        (
            {"limit": -2.322},
            [
                "| log2 of the share of a sequence, the most that K can be, bits per pixel |"
                " -2.322 |"
            ],
        ),
        (
            {
                "baselines": {
                    "gaussian_mixture_1": {"mean": -0.5, "stderr": 0.03},
                    "gaussian_mixture_32": {"mean": 0.25, "stderr": 0.04},
                }
            },
            [
                "| Gaussian with full covariance, bits per pixel | -0.500 ± 0.030 |",
                "| mixture of 32 such Gaussians, bits per pixel | 0.250 ± 0.040 |",
            ],
        ),
        (
            {
                "inpainting": {
                    "model": "modern",
                    "rms_smc": 0.625,
                    "rms_2015": 0.875,
                    "particles": 64,
                    "ess": [50.0, 2.25],
                    "units": "bits per image",
                    "log_evidence": [-12.5, None],
                    "stderr": [0.75, None],
                }
            },
            [
                (
                    "| holes, filled by sequential Monte Carlo (modern): root-mean-square"
                    " difference from the original, in standard deviations of a pixel | 0.62 |"
                ),
                "| the same by the 2015 recipe | 0.88 |",
                (
                    "| log evidence of the pixels around the hole, bits per image, image by image |"
                    " -12.5 ± 0.8, - |"
                ),
                "| effective number of the 64 particles, image by image | 50.0, 2.2 |",
            ],
        ),
        (
            {
                "denoising": {
                    "model": "paper",
                    "particles": 32,
                    "ess": 25.0,
                    "rmse_noisy": 1.0,
                    "rmse_half": 0.75,
                    "rmse_mean": 0.25,
                    "rmse_draw": 0.5,
                }
            },
            [
                (
                    "| noise removed (paper): root-mean-square error of the posterior mean, "
                    "in standard deviations of a pixel | 0.25 |"
                ),
                "| of a draw of the posterior | 0.50 |",
                "| of the noisy images | 1.00 |",
                "| of half of them, the posterior mean of a model without structure | 0.75 |",
                "| mean effective number of the 32 particles | 25.0 |",
            ],
        ),
    ]
    for entry, wanted in cases:
        lines = results(METRICS | entry).splitlines()
        found = [
            line
            for line in lines
            if line not in plain and line not in ("| of the run |  |", "| --- | --- |")
        ]
        assert found == wanted


def test_the_machine_is_named():
    found = machine()
    assert found["processor"]
    assert found["cores"] >= 1
