"""`DiffusionImputer`: observed cells, containers, `set_output`, seeds."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from quasistatic import DiffusionDensity, DiffusionImputer
from quasistatic.errors import SchemaError, SettingError

SETTINGS = DiffusionDensity(
    model="diffusion",
    trajectory_length=3,
    width=8,
    depth=1,
    dropout=0.0,
    frequencies=0,
    members=1,
    components=1,
    max_steps=4,
)
pytestmark = pytest.mark.usefixtures("untrained")


@pytest.fixture
def array(rng):
    X = rng.normal(size=(48, 3))
    X[rng.random(X.shape) < 0.2] = np.nan
    X[5] = np.nan
    return X


def imputer(**options):
    return DiffusionImputer(SETTINGS, **{"random_state": 0} | options)


def test_holes_of_an_array_are_filled_and_the_rest_is_kept_to_the_bit(array):
    filled = imputer().fit_transform(array)
    assert filled.dtype == array.dtype
    assert np.isfinite(filled).all()  # the row without a single cell too
    there = np.isfinite(array)
    assert (filled[there] == array[there]).all()


def test_containers_come_back(containers):
    for name in ("pandas", "pyarrow"):
        frame = containers[name]()
        filled = imputer().fit_transform(frame)
        assert type(filled) is type(frame)


def test_draws_and_points_repeat_by_seed(array):
    one, two, other = (imputer(random_state=s).fit(array) for s in (0, 0, 1))
    assert (one.transform(array) == two.transform(array)).all()
    assert (one.transform(array) == one.transform(array)).all()
    drawn = one.set_params(sample_posterior=True)
    assert (drawn.transform(array) == drawn.transform(array)).all()
    holes = np.isnan(array)
    assert (drawn.transform(array)[holes] != two.transform(array)[holes]).any()
    assert (other.transform(array)[holes] != two.transform(array)[holes]).any()


def test_names_set_output_and_the_index():
    frame = pd.DataFrame(
        {"a": np.arange(30) % 7 + 0.5, "b": ["x", "y"] * 15}, index=np.arange(30) + 100
    )
    frame.loc[103, "a"] = np.nan
    frame.loc[104, "b"] = None
    found = imputer().fit(frame)
    assert found.n_features_in_ == 2
    assert found.get_feature_names_out().tolist() == ["a", "b"]
    plain = found.transform(frame[["b", "a"]])  # another order is that of the fit again
    assert plain.columns.tolist() == ["a", "b"]
    assert plain.index.equals(frame.index)
    assert not plain.isna().any().any()
    as_polars = found.set_output(transform="polars").transform(frame)
    assert as_polars.schema == {"a": pl.Float64, "b": pl.String}
    as_pandas = found.set_output(transform="pandas").transform(pl.from_pandas(frame))
    assert as_pandas.dtypes["a"] == np.float64
    assert as_pandas["a"].to_numpy().tolist() == as_polars["a"].to_list()


def test_in_a_pipeline(array):
    pipeline = make_pipeline(imputer(), StandardScaler()).fit(array)
    assert pipeline[:-1].get_feature_names_out().tolist() == ["x0", "x1", "x2"]
    assert np.isfinite(pipeline.transform(array)).all()


def test_settings_are_kept_as_given(array):
    found = imputer().fit(array)
    assert found.density is SETTINGS
    assert SETTINGS.random_state is None
    assert found.get_params()["density__width"] == 8
    with pytest.raises(SettingError, match="no DiffusionDensity"):
        DiffusionImputer("density").fit(array)


def test_what_is_missing_altogether(array):
    gone = array.copy()
    gone[:, 1] = np.nan
    with pytest.raises(SchemaError, match="'x1': every cell is missing"):
        imputer().fit(gone)
    assert np.isfinite(imputer().fit(array).transform(gone)).all()
    names = pd.DataFrame(array, columns=["a", "b", "c"])
    with pytest.raises(SchemaError, match="'b'"):
        imputer().fit(names).transform(names[["a", "c"]])
