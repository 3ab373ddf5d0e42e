"""scikit-learn's own checks of the contract, without a single expected failure."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from quasistatic import DiffusionDensity, DiffusionImputer, DiffusionOutlierDetector

TINY = {
    "trajectory_length": 2,
    "width": 4,
    "depth": 1,
    "dropout": 0.0,
    "frequencies": 0,
    "batch_size": 16,
    "model": "diffusion",
    "components": 1,
    "max_steps": 2,
    "max_minutes": 2,
    "random_state": 0,
}


DENSITY = DiffusionDensity(**TINY)
ESTIMATORS = [
    DENSITY,
    DiffusionImputer(DENSITY, particles=4, random_state=0),
    DiffusionOutlierDetector(DENSITY, method="bound", particles=2, random_state=0),
]


@parametrize_with_checks(ESTIMATORS)
def test_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("score", ["ais", "conditional", "typicality"])
@pytest.mark.slow
def test_contract_of_every_score(score):
    outcomes = check_estimator(
        DiffusionOutlierDetector(DENSITY, method=score, particles=2, random_state=0), on_skip=None
    )
    assert all(
        outcome["status"] == "passed" or "SCIPY_ARRAY_API" in str(outcome["exception"])
        for outcome in outcomes
    )


@pytest.mark.slow
def test_contract_with_default_settings():
    outcomes = check_estimator(DiffusionDensity(), on_skip=None)
    assert {outcome["status"] for outcome in outcomes} <= {"passed", "skipped"}
    assert all(
        outcome["status"] == "passed" or "SCIPY_ARRAY_API" in str(outcome["exception"])
        for outcome in outcomes
    )


def test_parameters_and_clone():
    model = DiffusionDensity(**TINY)
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(width=5) is model
    assert model.width == 5
    with pytest.raises(ValueError, match="widht"):
        model.set_params(widht=3)
    with pytest.raises(TypeError):
        DiffusionDensity(widht=3)
    with pytest.raises(TypeError):
        DiffusionDensity(10)


@pytest.mark.parametrize("method", ["score_samples", "score", "log_likelihood"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(DiffusionDensity(), method)(np.zeros((2, 2)))


def test_not_fitted_without_rows(tmp_path):
    for call in (DiffusionDensity().sample, lambda: DiffusionDensity().save(tmp_path / "m")):
        with pytest.raises(NotFittedError):
            call()
    assert not list(tmp_path.iterdir())


def test_feature_names_and_number(rng):
    frame = pd.DataFrame(rng.normal(size=(20, 2)), columns=["left", "right"])
    model = DiffusionDensity(**TINY).fit(frame)
    assert model.n_features_in_ == 2
    assert model.feature_names_in_.tolist() == ["left", "right"]
    assert model.feature_names_in_.dtype == object
    model.fit(frame.to_numpy())
    assert model.n_features_in_ == 2
    assert not hasattr(model, "feature_names_in_")
    assert model.score_samples(frame.to_numpy().tolist()).shape == (20,)
    with pytest.raises(ValueError, match="3 features"):
        model.score_samples(np.zeros((2, 3)))


def test_model_selection_works_with_it(rng):
    X = rng.normal(size=(20, 2))
    assert np.isfinite(cross_val_score(DiffusionDensity(**TINY), X, cv=2)).all()
    search = GridSearchCV(DiffusionDensity(**TINY), {"patience": [1, 2]}, cv=2).fit(X)
    assert search.best_params_["patience"] in (1, 2)
