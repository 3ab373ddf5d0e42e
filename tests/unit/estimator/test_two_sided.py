"""Both sides of log p, certificate, ledger, sub-schedules and flow from the estimator, in the
data's own units."""

import copy
import itertools
import json

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from laws.enumeration import Chain
from quasistatic import Certificate, DataError, SettingError, load
from quasistatic.data.table import from_frame
from quasistatic.fitted._generated import generate_table

STATES = pd.DataFrame(itertools.product("yn", "xyz", [0, 1]), columns=["left", "middle", "right"])


@pytest.fixture(scope="module")
def model(build_tiny):
    """Three discrete columns, random weights that dissipate, T = 6."""
    frame = STATES.loc[np.random.default_rng(0).integers(0, len(STATES), 120)].reset_index(
        drop=True
    )
    return build_tiny(frame, scale=0.8, trajectory_length=6, discrete_kernel="categorical")


@pytest.fixture(scope="module")
def log_p(model):
    """Exact, of `STATES`."""
    codes = model.fitted_.encode(from_frame(STATES)).rows[0].value
    return Chain(model.model_).log_prob((jnp.asarray(codes),))


@pytest.fixture(scope="module")
def numbers(build_tiny):
    """(rows, a model of two continuous columns)."""
    X = np.random.default_rng(1).normal(3.0, 2.0, size=(48, 2))
    return X, build_tiny(X, trajectory_length=8)


class TestSandwich:
    def test_the_truth_lies_inside(self, model, log_p):
        found = model.log_likelihood(STATES, method="sandwich", trajectories=256)
        assert found.upper_kind == "asymptotic"
        assert found.trajectories == 256
        assert found.upper is not None
        assert found.stderr_upper is not None
        # Each side within 5 of its standard errors and 0.01 nats: chance below 1e-6 a row.
        assert np.all(found.lower <= log_p + 5 * found.stderr + 0.01)
        assert np.all(found.upper >= log_p - 5 * found.stderr_upper - 0.01)
        gap, stderr = found.gap
        assert gap == pytest.approx(np.mean(found.upper - found.lower))
        assert abs(gap) < 0.1
        assert stderr > 0

    def test_more_trajectories_raise_the_lower_side(self, model, log_p):
        few, many = (
            model.log_likelihood(STATES, method="sandwich", trajectories=n) for n in (3, 256)
        )
        assert few.mean < many.mean <= log_p.mean() + 0.02

    def test_smc_is_a_lower_bound_too(self, model, log_p):
        found = model.log_likelihood(STATES, method="smc", trajectories=64)
        assert found.upper is None
        assert np.isnan(found.gap).all()
        assert np.all(np.abs(found.lower - log_p) < 6 * found.stderr + 0.02)
        assert np.all((found.ess >= 1) & (found.ess <= 64.01))

    @pytest.mark.parametrize(
        ("method", "n"), [("sandwich", 2), ("smc", 1), ("ais", 0), ("bound", -1)]
    )
    def test_too_few_trajectories(self, model, method, n):
        with pytest.raises(SettingError, match="trajectories"):
            model.log_likelihood(STATES, method=method, trajectories=n)

    def test_units(self, numbers):
        """The log-volume is on both sides: a column in other units moves both by the same."""
        X, model = numbers
        found = model.log_likelihood(X, method="sandwich", trajectories=8)
        terms = model.log_likelihood(X).terms
        assert np.abs(terms["log_volume"]).min() > 0.1
        assert abs(found.mean - model.log_likelihood(X, method="ais", trajectories=8).mean) < 1e-9
        assert np.all(np.abs(found.upper - found.lower) < 10)


@pytest.fixture(scope="module")
def certificate(model):
    return model.certify(n=400, trajectories=16, random_state=1)


class TestCertificate:
    def test_it_brackets_the_entropy_of_the_model(self, certificate, log_p):
        """E log p of its own rows is minus the model's entropy."""
        entropy = -np.sum(np.exp(log_p) * log_p)
        spread = np.sqrt(np.sum(np.exp(log_p) * (log_p + entropy) ** 2) / 400)
        assert certificate.lower <= -entropy + 5 * spread
        assert certificate.upper >= -entropy - 5 * spread
        assert abs(certificate.log_likelihood + entropy) < 5 * spread + 0.01
        assert certificate.lower < certificate.log_likelihood < certificate.upper
        assert certificate.gap == pytest.approx(certificate.upper - certificate.lower)
        assert certificate.gap > 5 * certificate.gap_stderr > 0
        assert abs(certificate.crooks_slope - 1) < 5 * certificate.crooks_stderr
        assert certificate.rows == 400  # every discrete row comes back from the codec

    def test_it_is_stored(self, model, certificate, tmp_path):
        model.save(tmp_path / "model")
        stored = load(tmp_path / "model").manifest_["certificate"]
        assert Certificate.from_json(json.loads(json.dumps(stored))) == certificate

    def test_steps(self, model, certificate):
        short = model.certify(n=400, trajectories=16, random_state=1, steps=2)
        assert short.steps == 2
        assert short.lower < certificate.lower + 0.2

    @pytest.mark.parametrize("settings", [{"n": 1}, {"trajectories": 1}])
    def test_no_error_bar(self, model, settings):
        with pytest.raises(SettingError, match="at least 2"):
            model.certify(**settings)


class TestGenerated:
    def test_rounded_rows_lie_in_their_cells(self, build_tiny):
        """Counts, a density, an atom: what does not come back as itself is left out, and little of
        it."""
        rng = np.random.default_rng(3)
        rain = np.where(rng.random(120) < 0.4, 0.0, rng.gamma(2.0, 3.0, 120))
        frame = pd.DataFrame(
            {"count": rng.poisson(2.0, 120), "rain": rain, "site": rng.choice(["a", "b"], 120)}
        )
        model = build_tiny(frame)
        found = generate_table(
            model.model_, model.fitted_.codec, None, 300, key=model.fitted_.key(5)
        )
        assert 200 < len(found.log_volume) <= 300
        continuous, discrete = found.rows
        x, codes = found.generated.x_0
        lattice = continuous.width > 0
        assert np.all(np.abs(x - continuous.value)[lattice] <= 0.51 * continuous.width[lattice])
        np.testing.assert_array_equal(discrete.value, codes)
        assert continuous.filler.any()

    def test_the_certificate_of_a_mixed_model(self, mixed_model):
        own = copy.deepcopy(
            mixed_model
        )  # a certificate is kept by the model, and this one is shared by all tests
        found = own.certify(n=60, trajectories=8, random_state=0)
        assert "certificate" not in mixed_model.manifest_
        assert found.rows > 50
        assert found.gap > -5 * found.gap_stderr


class TestLedger:
    def test_it_adds_up_to_k(self, mixed_model, mixed):
        rows = mixed.dropna()
        found = mixed_model.ledger(rows, trajectories=4)
        k = mixed_model.score_samples(rows).mean()
        assert found.k_nats == pytest.approx(k, abs=1e-4)
        lines = found.lines()
        assert [line["t"] for line in lines] == [1, 2, 3, "prior"]
        assert -sum(line["cost"] for line in lines) + found.log_volume == pytest.approx(k, abs=1e-4)
        assert sum(line["dissipation"] for line in lines) == pytest.approx(
            found.log_p_nats - found.k_nats, abs=1e-9
        )
        assert found.blocks == ("numbers", "states")
        assert found.verdict.words
        assert "Lebesgue" in found.base_measure

    def test_generated_rows(self, model):
        found = model.ledger(trajectories=4)
        assert found.steps.n_rows == 512
        assert found.verdict.limit in ("prior", "schedule", "T", "network")

    def test_one_trajectory_does_not_vary(self, model):
        with pytest.raises(SettingError, match="at least 2"):
            model.ledger(STATES, trajectories=1)


class TestSteps:
    def test_a_sub_schedule_is_used(self, model, log_p):
        path = model.sub_schedule(3)
        assert len(path) == 3
        assert path[-1] == 6
        assert model.sub_schedule(6) == (1, 2, 3, 4, 5, 6)
        found = model.log_likelihood(STATES, method="ais", trajectories=64, steps=3)
        assert found.steps == 3
        assert model.log_likelihood(STATES).steps == 6
        assert not np.allclose(found.lower, log_p, atol=1e-3)  # another, coarser model
        np.testing.assert_array_equal(
            model.log_likelihood(STATES, steps=6).lower, model.log_likelihood(STATES).lower
        )

    def test_samples_follow_the_thinned_chain(self, model):
        log_p = model.log_likelihood(STATES, method="ais", trajectories=512, steps=2).lower
        drawn = model.sample(4096, random_state=1, steps=2)
        counted = STATES.merge(drawn.value_counts().rename("n").reset_index(), how="left")[
            "n"
        ].fillna(0)
        expected = 4096 * np.exp(log_p)
        assert (
            np.sum((counted - expected) ** 2 / expected) < 60
        )  # 11 degrees of freedom: chance 1e-8

    @pytest.mark.parametrize("steps", [0, 7, -1, 2.5])
    def test_out_of_range(self, model, steps):
        with pytest.raises(SettingError, match="from 1 to T = 6"):
            model.sub_schedule(steps)
        with pytest.raises(SettingError, match="from 1 to T = 6"):
            model.sample(1, steps=steps)
        with pytest.raises(SettingError, match="from 1 to T = 6"):
            model.log_likelihood(STATES, steps=steps)


class TestFlow:
    def test_an_untrained_flow_is_the_independent_model(self, build_tiny):
        """A network of 0: the flow stands still, and its density is that of the transformed
        columns, as is the chain's."""
        X = np.random.default_rng(1).normal(3.0, 2.0, size=(48, 2))
        model = build_tiny(X, scale=0, trajectory_length=8)
        found = model.flow_log_density(X)
        assert found.exact
        assert np.all(found.stderr == 0)
        encoded = model.fitted_.encode(from_frame(X))
        z = np.asarray(encoded.rows[0].value, np.float64)
        expected = np.sum(-0.5 * z**2 - 0.5 * np.log(2 * np.pi), axis=1) + encoded.log_volume
        np.testing.assert_allclose(found.log_density, expected, atol=1e-4)
        chain = model.log_likelihood(X, method="ais", trajectories=64)
        assert abs(chain.mean - found.log_density.mean()) < 0.1

    def test_discrete_columns(self, model):
        with pytest.raises(SettingError, match="continuous columns alone"):
            model.flow_log_density(STATES)

    def test_probes(self, numbers):
        with pytest.raises(SettingError, match="probes"):
            numbers[1].flow_log_density(numbers[0], probes=0)


def test_missing_cells_and_no_rows(mixed_model, mixed):
    for call in (mixed_model.ledger, mixed_model.flow_log_density):
        with pytest.raises(DataError, match="missing cells"):
            call(mixed)
    with pytest.raises(DataError, match="no rows"):
        mixed_model.ledger(mixed.iloc[:0])
