"""Small tables get several networks: trained apart on one schedule, stored together."""

import numpy as np
import pytest

from quasistatic import load
from quasistatic.checkpoint.arrays import arrays_of
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.table import from_frame
from quasistatic.fitting import FitSettings
from quasistatic.fitting import _defaults as defaults
from quasistatic.fitting._candidates import candidates
from quasistatic.network import EnsembleNetwork, ResidualMLP


@pytest.fixture(scope="module")
def frame(mixed):
    return mixed


@pytest.fixture(scope="module")
def together(fit_tiny, frame):
    return fit_tiny(frame, members=None)


@pytest.fixture(scope="module")
def alone(fit_tiny, frame):
    return fit_tiny(frame, members=1)


def test_by_default_on_a_small_table_only(frame):
    schema = infer_schema(from_frame(frame))
    for n_rows, members in (
        (48, defaults.MEMBERS),
        (defaults.SMALL - 1, defaults.MEMBERS),
        (defaults.SMALL, 1),
    ):
        assert {c.model.members for c in candidates(n_rows, schema, FitSettings())} == {members}


def test_the_first_is_the_network_that_would_be_alone(together, alone):
    ensemble = together.model_.network
    assert isinstance(ensemble, EnsembleNetwork)
    assert isinstance(alone.model_.network, ResidualMLP)
    assert len(ensemble.members) == defaults.MEMBERS
    first, single = arrays_of(ensemble.members[0]), arrays_of(alone.model_.network)
    assert first.keys() == single.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], single[name])
    assert together.history_ == alone.history_


def test_they_differ_and_share_the_schedule(together, alone):
    weights = [np.asarray(member.embed.weight) for member in together.model_.network.members]
    for i, a in enumerate(weights):
        assert all(np.abs(a - b).mean() > 1e-3 for b in weights[:i])
    schedule, single = arrays_of(together.model_.forward), arrays_of(alone.model_.forward)
    for name in single:
        np.testing.assert_array_equal(schedule[name], single[name])


def test_stored_and_read_again(together, frame, tmp_path):
    together.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.score_samples(frame), together.score_samples(frame))
    assert isinstance(again.model_.network, EnsembleNetwork)


def test_members_that_are_asked_for_on_a_table_that_is_split_once(build_tiny, monkeypatch):
    monkeypatch.setattr(defaults, "SMALL", 10)
    model = build_tiny(np.random.default_rng(0).normal(size=(64, 2)), members=2)
    assert len(model.model_.network.members) == 2


def test_members_of_mixtures_are_one_mixture(build_tiny, tmp_path):
    model = build_tiny(np.random.default_rng(0).normal(size=(64, 2)), members=2, components=3)
    assert (model.model_.members, model.model_.n_components) == (2, 6)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model").model_
    assert (again.members, again.n_components) == (2, 6)
