"""The estimator on images: arrays in and out, evidence of holes, noise, what has no meaning."""

import jax
import numpy as np
import pytest

from quasistatic import DiffusionDensity, image_table, load
from quasistatic.assemble import assemble
from quasistatic.bound import evaluate_terms
from quasistatic.config import ModelConfig
from quasistatic.data.arranged import with_holes
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.errors import SchemaError, SettingError
from quasistatic.fitted.imputation import impute
from quasistatic.forward.fourier import OCTAVES

TINY = {"trajectory_length": 3, "width": 4, "max_steps": 4, "random_state": 0}


@pytest.fixture(scope="module")
def stack() -> np.ndarray:
    return np.random.default_rng(3).integers(50, 200, (20, 4, 6), dtype=np.uint8)


@pytest.fixture(scope="module")
def fitted(stack) -> DiffusionDensity:
    return DiffusionDensity(**TINY).fit(stack)


def test_arrays_in_and_out(fitted, stack):
    drawn = fitted.sample(3, random_state=1)
    assert (drawn.shape, drawn.dtype) == ((3, 4, 6), np.uint8)
    found = fitted.log_likelihood(stack[:4])
    np.testing.assert_array_equal(found.lower, fitted.log_likelihood(image_table(stack[:4])).lower)
    np.testing.assert_allclose(found.lower[::-1], fitted.score_samples(stack[3::-1]), rtol=1e-5)
    assert found.base_measure == "counting measure on 24 pixels (integer)"
    assert not hasattr(fitted, "feature_names_in_")


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("kind", ["grey", "binary"])
def test_the_start_is_the_independent_model(stack, kind, components):
    """Nothing learned yet: standard normal pixels in units of grey levels, or pixels of the data's
    frequencies."""
    table = image_table(stack if kind == "grey" else np.where(stack > 90, np.uint8(1), np.uint8(0)))
    codec = fit_codec(table, infer_schema(table))
    settings = {"width": 4, "depth": 1, "dropout": 0.0, "components": components}
    config = ModelConfig(24, **settings, image=(1, 4, 6))
    model = assemble(config, codec.typical_width, codec.marginals, key=jax.random.key(0))
    rows = codec.encode(table).rows
    found = evaluate_terms(model, rows, repetitions=8, key=jax.random.key(1)).total.mean()
    if kind == "grey":
        sd = codec.transforms[0].sd
        z = (stack - stack.mean()) / sd
        independent = np.sum(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - np.log(sd), axis=(1, 2)).mean()
        assert found == pytest.approx(independent, abs=1.5)
    else:
        p = np.stack(codec.marginals)[np.arange(24), rows[0].value]
        assert found == pytest.approx(np.log(p).sum(axis=1).mean(), abs=0.1)


def test_saved_and_loaded(fitted, stack, tmp_path):
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.sample(2, 5), fitted.sample(2, 5))
    np.testing.assert_array_equal(again.score_samples(stack[:2]), fitted.score_samples(stack[:2]))


def test_holes(fitted, stack):
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:4] = True
    table = with_holes(image_table(stack[:2]), mask)
    model = fitted.fitted_
    filled = impute(model, table, n_imputations=2, particles=8, key=model.key())
    assert np.all(np.isfinite(filled.posteriors.log_evidence))
    assert np.all(
        filled.posteriors.log_evidence > fitted.score_samples(stack[:2])
    )  # fewer pixels are more probable
    one, two = (one.frame.to_numpy().reshape(2, 4, 6) for one in filled.tables)
    np.testing.assert_array_equal(one[:, ~mask], stack[:2][:, ~mask])
    assert np.any(one[:, mask] != two[:, mask])


def test_one_sigma_for_all_pixels(fitted, stack):
    noisy = stack[:1] + np.random.default_rng(0).normal(
        0, 5.0, (1, 4, 6)
    )  # between the levels: no warning
    clean = fitted.denoise(noisy, 5.0, n_draws=4, particles=4)
    assert (clean.shape, clean.dtype) == ((1, 4, 6), np.float64)
    assert np.max(np.abs(clean - noisy)) < 40
    with pytest.raises(SettingError, match="must be positive"):
        fitted.denoise(noisy, -1.0)


def test_grey_levels_are_seen_through_waves(fitted, stack):
    """By default; binary pixels have none."""
    assert fitted.fitted_.model_config.frequencies == OCTAVES
    plain = DiffusionDensity(**TINY, frequencies=0).fit(stack)
    planes = [model.model_.network.n_features // 24 for model in (plain, fitted)]
    assert planes == [2, 2 + 2 * OCTAVES]
    binary = DiffusionDensity(**TINY).fit(np.where(stack > 90, np.uint8(1), np.uint8(0)))
    assert binary.fitted_.model_config.frequencies == 0


def test_mixtures_of_binary_images_are_saved_loaded_and_filled(tmp_path):
    stack = np.random.default_rng(5).integers(0, 2, (24, 4, 4), dtype=np.uint8)
    density = DiffusionDensity(**TINY, components=2).fit(stack)
    assert (density.model_.n_components, density.model_.trajectory_length) == (2, 3)
    density.save(tmp_path / "model")
    again = load(tmp_path / "model")
    found = [one.log_likelihood(stack[:4], method="ais") for one in (density, again)]
    np.testing.assert_array_equal(found[0].lower, found[1].lower)
    assert np.all(found[0].lower < 0)
    np.testing.assert_array_equal(again.sample(2, 5), density.sample(2, 5))
    mask = np.zeros((4, 4), bool)
    mask[1:3, 1:3] = True
    table, model = with_holes(image_table(stack[:2]), mask), density.fitted_
    filled = impute(model, table, n_imputations=1, particles=8, key=model.key())
    drawn = filled.tables[0].frame.to_numpy().reshape(2, 4, 4)
    np.testing.assert_array_equal(drawn[:, ~mask], stack[:2][:, ~mask])
    assert set(np.unique(drawn[:, mask])) <= {0, 1}


@pytest.mark.parametrize("planes", [1, 3])
def test_mixtures_of_grey_and_colour(build_tiny, stack, planes):
    """With the random weights of a network that has learned something."""
    images = stack if planes == 1 else np.stack([stack, stack // 2, 255 - stack], -1)
    settings = {"components": 2, "scale": 0.1, "width": 4, "frequencies": OCTAVES}
    density = build_tiny(images, **settings)
    assert density.model_.n_components == 2
    assert density.sample(2, random_state=1).shape == (2, *images.shape[1:])
    assert np.all(np.isfinite(density.score_samples(images[:2])))


def test_images_have_products_unless_they_are_asked_for(fitted):
    assert fitted.model_.n_components == 1


def test_what_has_no_meaning(fitted, stack):
    with pytest.raises(SettingError, match="dropout"):
        DiffusionDensity(**TINY, dropout=0.5).fit(stack)
    with pytest.raises(
        SchemaError, match="its 24 columns are not those of the model: 6 x 4 pixels, grey"
    ):
        fitted.score_samples(stack.reshape(20, -1))
    with pytest.raises(SchemaError, match="these are 4 x 6 pixels"):
        fitted.score_samples(np.swapaxes(stack, 1, 2))
