"""Every container in and out, and what a row's score may depend on."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.lib import recfunctions

from quasistatic import DataError, DiffusionDensity, SchemaError, SettingError


def as_pandas(frame) -> pd.DataFrame:
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pl.DataFrame):
        frame = frame.to_arrow()
    return frame.to_pandas() if isinstance(frame, pa.Table) else frame


def schema_of(frame):
    if isinstance(frame, pl.LazyFrame):
        return frame.collect_schema()
    if isinstance(frame, pl.DataFrame | pa.Table):
        return frame.schema
    return frame.dtypes.to_dict()


class TestSamples:
    def test_come_in_the_fitted_container(self, container):
        frame, model = container
        drawn = model.sample(7, random_state=1)
        assert type(drawn) is type(frame)
        assert schema_of(drawn) == schema_of(frame)
        assert len(as_pandas(drawn)) == 7

    def test_keep_column_order(self, container):
        frame, model = container
        assert (
            list(as_pandas(model.sample(2)))
            == list(as_pandas(frame))
            == model.feature_names_in_.tolist()
        )

    def test_have_values_of_the_data(self, container):
        _, model = container
        drawn = as_pandas(model.sample(200, random_state=2))
        assert set(drawn["level"].astype(str)) <= {"low", "mid", "high", "never"}
        assert set(drawn["site"].astype(str)) <= {"a", "b"}
        assert (drawn["same"] == 7).all()
        assert (drawn["count"] >= 0).all()
        assert not drawn.isna().any().any()

    def test_none_at_all(self, container):
        frame, model = container
        drawn = model.sample(0)
        assert len(as_pandas(drawn)) == 0
        assert schema_of(drawn) == schema_of(frame)

    def test_category_order_of_pandas(self, mixed_model, mixed):
        drawn = mixed_model.sample(3)
        assert drawn["level"].cat.categories.tolist() == ["low", "mid", "high", "never"]
        assert drawn["level"].cat.ordered
        assert isinstance(drawn.index, pd.RangeIndex)

    @pytest.mark.parametrize("number", [-1, 2.5, "3", None])
    def test_impossible_numbers(self, mixed_model, number):
        with pytest.raises(SettingError, match="n_samples"):
            mixed_model.sample(number)

    def test_numbers_and_seeds_of_numpy(self, mixed_model):
        pd.testing.assert_frame_equal(
            mixed_model.sample(np.int64(3), random_state=np.int32(4)),
            mixed_model.sample(3, random_state=4),
        )
        one, two = (mixed_model.sample(3, random_state=np.random.RandomState(4)) for _ in range(2))
        pd.testing.assert_frame_equal(one, two)
        generator = np.random.RandomState(4)
        assert not mixed_model.sample(3, random_state=generator).equals(
            mixed_model.sample(3, random_state=generator)
        )

    @pytest.mark.parametrize("seed", ["four", 1.5])
    def test_seeds_that_are_none(self, mixed_model, seed):
        with pytest.raises(ValueError, match="seed"):
            mixed_model.sample(1, random_state=seed)

    def test_the_first_rows_do_not_depend_on_how_many_follow(self, mixed_model):
        few, many = mixed_model.sample(5, random_state=3), mixed_model.sample(70, random_state=3)
        pd.testing.assert_frame_equal(few, many[:5], rtol=1e-4, check_exact=False)


class TestArrays:
    @pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int16", "uint8", "bool"])
    def test_round_trip(self, dtype, build_tiny):
        X = (np.random.default_rng(0).normal(50.0, 9.0, size=(48, 2)) % 50).astype(dtype)
        X[0] = 0
        model = build_tiny(X)
        drawn = model.sample(6)
        assert isinstance(drawn, np.ndarray)
        assert drawn.dtype == X.dtype
        assert drawn.shape == (6, 2)
        scores = model.score_samples(X)
        assert scores.dtype == np.float64
        assert np.isfinite(scores).all()

    def test_text(self, build_tiny):
        X = np.random.default_rng(0).choice(["red", "green"], size=(48, 2))
        model = build_tiny(X)
        drawn = model.sample(6)
        assert drawn.dtype == X.dtype
        assert set(drawn.ravel()) <= {"red", "green"}
        assert (model.score_samples(X) < 0).all()

    def test_structured(self, build_tiny):
        rng = np.random.default_rng(0)
        X = np.zeros(48, [("name", "U5"), ("size", "<f4"), ("n", "<i2")])
        X["name"], X["size"], X["n"] = (
            rng.choice(["red", "green"], 48),
            rng.normal(size=48),
            rng.poisson(5, 48),
        )
        model = build_tiny(X)
        drawn = model.sample(6)
        assert drawn.dtype == X.dtype
        assert set(drawn["name"]) <= {"red", "green"}
        swapped = recfunctions.repack_fields(X[["n", "name", "size"]])
        np.testing.assert_array_equal(model.score_samples(swapped), model.score_samples(X))


def whole_arrow(containers) -> pa.Table:
    return pa.Table.from_pandas(containers["pyarrow"]().to_pandas().dropna(), preserve_index=False)


@pytest.fixture(scope="module")
def whole(mixed):
    return mixed.dropna().reset_index(drop=True)


@pytest.fixture(scope="module")
def scores(mixed_model, whole):
    return mixed_model.log_likelihood(whole, method="ais", trajectories=3).lower


class TestScores:
    def test_containers_agree(self, build_tiny, whole, containers):
        """Also a model of one container with the rows of another."""
        models = [build_tiny(containers[name]()) for name in ("pandas", "polars", "polars-lazy")]
        rows = [
            whole,
            *(containers[name]().drop_nulls() for name in ("polars", "polars-lazy")),
            whole_arrow(containers),
        ]
        expected = models[0].score_samples(whole)
        assert np.isfinite(expected).all()
        for model in models:
            for same in rows:
                np.testing.assert_array_equal(model.score_samples(same), expected)

    def test_column_order_changes_nothing(self, mixed_model, whole, scores):
        again = mixed_model.log_likelihood(
            whole[whole.columns[::-1]], method="ais", trajectories=3
        ).lower
        np.testing.assert_array_equal(again, scores)

    def test_row_order_changes_nothing(self, mixed_model, whole, scores):
        order = np.random.default_rng(1).permutation(len(whole))
        again = mixed_model.log_likelihood(whole.iloc[order], method="ais", trajectories=3).lower
        np.testing.assert_allclose(again, scores[order], atol=1e-5, rtol=0)

    def test_duplicates_score_alike(self, mixed_model, whole, scores):
        twice = whole.iloc[[2, 2, 0, 2]]
        again = mixed_model.log_likelihood(twice, method="ais", trajectories=3).lower
        np.testing.assert_allclose(again, scores[[2, 2, 0, 2]], atol=1e-4, rtol=0)

    def test_batch_size_changes_nothing(self, mixed_model, whole):
        together = mixed_model.score_samples(whole)
        alone = [mixed_model.score_samples(whole[i : i + 1])[0] for i in range(4)]
        np.testing.assert_allclose(alone, together[:4], atol=1e-4, rtol=0)

    def test_the_seed_is_of_the_fit_unless_given(self, mixed_model, whole):
        default = mixed_model.score_samples(whole)
        np.testing.assert_array_equal(default, mixed_model.score_samples(whole))
        other = mixed_model.log_likelihood(whole, random_state=5).lower
        assert not np.array_equal(other, default)
        np.testing.assert_array_equal(
            other, mixed_model.log_likelihood(whole, random_state=np.int64(5)).lower
        )

    def test_score_is_the_mean(self, mixed_model, whole):
        assert mixed_model.score(whole) == pytest.approx(mixed_model.score_samples(whole).mean())


@pytest.fixture(scope="module")
def base(fit_tiny):
    """A table and its scores."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"length": rng.normal(2.0, 0.3, 48), "number": rng.poisson(9, 48)})
    return frame, fit_tiny(frame).score_samples(frame)


class TestUnits:
    """log p is in the data's units."""

    def test_scaling_a_density(self, base, fit_tiny):
        frame, before = base
        scaled = frame.assign(length=frame["length"] * 1000)
        after = fit_tiny(scaled).score_samples(scaled)
        np.testing.assert_allclose(after - before, -np.log(1000), atol=1e-3, rtol=0)

    def test_shifting_a_density(self, base, fit_tiny):
        frame, before = base
        shifted = frame.assign(length=frame["length"] + 64)
        np.testing.assert_allclose(
            fit_tiny(shifted).score_samples(shifted), before, atol=1e-3, rtol=0
        )

    def test_scaling_a_lattice(self, base, fit_tiny):
        frame, before = base
        scaled = frame.assign(number=frame["number"] * 1000)
        model = fit_tiny(scaled)
        assert model.schema_.column("number").step == 1000
        np.testing.assert_allclose(model.score_samples(scaled), before, atol=1e-3, rtol=0)


class TestFit:
    def test_constant_column(self, build_tiny):
        X = np.column_stack([np.full(48, 3.25), np.random.default_rng(0).normal(size=48)])
        model = build_tiny(X)
        assert (model.sample(20)[:, 0] == 3.25).all()
        assert np.isfinite(model.score_samples(X)).all()

    def test_only_a_constant_column(self, build_tiny):
        model = build_tiny(np.full((48, 1), 5))
        np.testing.assert_allclose(model.score_samples(np.full((3, 1), 5)), 0.0, atol=1e-5)

    def test_missing_cells(self, mixed_model, mixed):
        assert mixed.isna().any().any()
        assert mixed_model.schema_.column("count").missing == 1
        assert np.isfinite(mixed_model.history_[-1]["valid_nats"])

    def test_two_rows(self, build_tiny):
        assert build_tiny(np.array([[1.5], [2.75]])).sample(3).shape == (3, 1)

    def test_leaves_the_table_alone(self, build_tiny, mixed):
        frame = mixed.copy(deep=True)
        build_tiny(frame)
        pd.testing.assert_frame_equal(frame, mixed)

    def test_schema_overrides(self, mixed, build_tiny):
        columns = {"same": {"kind": "ignore"}, "site": {"kind": "ignore"}}
        model = build_tiny(mixed, schema={"columns": columns})
        assert "same" not in model.schema_.names
        assert list(model.sample(2)) == [c for c in mixed if c not in columns]
        rows = mixed.dropna()
        np.testing.assert_array_equal(
            model.score_samples(rows), model.score_samples(rows.drop(columns=list(columns)))
        )


class TestRefusals:
    def test_a_missing_cell_is_named(self, mixed_model, whole):
        holed = whole.copy()
        holed.loc[4, "level"] = None
        holed.loc[6, "mass"] = np.nan
        with pytest.raises(DataError, match=r"2 row\(s\).*") as caught:
            mixed_model.ledger(holed)  # a likelihood takes holes, a ledger does not
        assert "row 5" in caught.value.where
        assert "'level'" in caught.value.where
        assert "fill" in caught.value.fix

    def test_missing_and_extra_columns(self, mixed_model, whole):
        with pytest.raises(SchemaError, match=r"missing column.*'mass'"):
            mixed_model.score_samples(whole.drop(columns="mass"))
        with pytest.raises(SchemaError, match=r"unexpected column.*'more'"):
            mixed_model.score_samples(whole.assign(more=1))
        with pytest.raises(SchemaError, match=r"missing column.*'mass'.*unexpected column.*'Mass'"):
            mixed_model.score_samples(whole.rename(columns={"mass": "Mass"}))

    def test_unseen_category(self, mixed_model, whole):
        strange = whole.assign(site=["a", "z", *["b"] * (len(whole) - 2)])
        with pytest.raises(SchemaError, match="'z' in row 2") as caught:
            mixed_model.score_samples(strange)
        assert "'site'" in caught.value.where

    def test_infinity(self, mixed_model, whole):
        with pytest.raises(DataError, match="infinite") as caught:
            mixed_model.score_samples(whole.assign(mass=np.inf))
        assert "'mass'" in caught.value.where

    def test_no_rows(self, mixed_model, whole):
        with pytest.raises(DataError, match="no rows"):
            mixed_model.score_samples(whole[:0])

    @pytest.mark.parametrize(
        ("setting", "name"),
        [
            ({"method": "exact"}, "method"),
            ({"trajectories": 0}, "trajectories"),
            ({"trajectories": -2}, "trajectories"),
        ],
    )
    def test_settings_of_log_likelihood(self, mixed_model, whole, setting, name):
        with pytest.raises(SettingError, match=name):
            mixed_model.log_likelihood(whole, **setting)

    @pytest.mark.parametrize(
        "X",
        [np.zeros(4), np.zeros((0, 2)), np.zeros((4, 0)), np.zeros((1, 2)), 3, "text"],
        ids=repr,
    )
    def test_no_table(self, X):
        with pytest.raises((ValueError, TypeError)):
            DiffusionDensity().fit(X)

    def test_a_frame_that_cannot_be_fitted(self):
        with pytest.raises(DataError, match="at least 2"):
            DiffusionDensity().fit(pd.DataFrame({"a": [1.0]}))
        with pytest.raises(SchemaError, match="missing"):
            DiffusionDensity().fit(pd.DataFrame({"a": [np.nan, np.nan]}))
        with pytest.raises(DataError, match="more than once"):
            DiffusionDensity().fit(pd.DataFrame([[1.0, 2.0]] * 3, columns=["a", "a"]))
