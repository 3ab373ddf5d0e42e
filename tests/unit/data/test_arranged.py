"""Images and sequences as tables: names, kinds, layouts, and the way back to arrays."""

import json

import numpy as np
import polars as pl
import pytest
from PIL import Image

from quasistatic.data.arranged import (
    image_table,
    read_data,
    read_like,
    read_mask,
    sequence_table,
    with_holes,
)
from quasistatic.data.codec import Codec
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.layout import Layout, layout_of_folder
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table, to_native
from quasistatic.errors import DataError, SchemaError


@pytest.fixture
def grey(rng):
    return rng.integers(0, 256, (30, 3, 4), dtype=np.uint8)


@pytest.fixture
def colour(rng):
    return rng.integers(0, 256, (30, 3, 4, 3), dtype=np.uint8)


def schema_of(table: Table) -> Schema:
    return infer_schema(table)


def test_layout_words_and_units():
    grey, colour, sequence = (
        Layout("images", (1, 3, 4)),
        Layout("images", (3, 3, 4)),
        Layout("sequence", (5,)),
    )
    assert (grey.size, colour.size, sequence.size) == (12, 36, 5)
    assert len(set(colour.names)) == 36
    assert colour.names[12:14] == ("y0x0g", "y0x1g")
    assert (grey.words, colour.words) == ("4 x 3 pixels, grey", "4 x 3 pixels, colour")
    assert grey.bits(-12 * np.log(2)) == pytest.approx(-1)
    assert colour.bits(-36 * np.log(2)) == pytest.approx(-1)
    assert sequence.bits(-np.log(2)) == pytest.approx(-1)
    assert {x.bits_unit for x in (grey, colour, sequence)} == {
        "bits per pixel",
        "bits per pixel and colour",
        "bits per sequence",
    }
    for layout in (grey, colour, sequence):
        assert Layout.from_json(json.loads(json.dumps(layout.to_json()))) == layout


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "images", "shape": [2, 3, 4]},
        {"kind": "images", "shape": [1, 0, 4]},
        {"kind": "x", "shape": [3]},
    ],
)
def test_no_layout(data):
    with pytest.raises(SchemaError, match=r"layout|images of|places"):
        Layout.from_json(data)


def test_layout_of_a_folder_that_is_none(tmp_path):
    assert layout_of_folder(tmp_path) is None
    (tmp_path / "schema.json").write_text("[]")
    assert layout_of_folder(tmp_path) is None


@pytest.mark.parametrize("kind", ["grey", "colour", "real"])
def test_images_come_back_as_they_were(kind, grey, colour):
    stack = {"grey": grey, "colour": colour, "real": grey.astype(np.float32) / 7}[kind]
    table = image_table(stack)
    assert table.frame["y2x3" + ("b" if kind == "colour" else "")][5] == pytest.approx(
        stack[5, 2, 3].flat[-1]
    )
    codec = fit_codec(table, schema_of(table))
    encoded = codec.encode(table)
    assert encoded.rows[0].value.dtype == np.float32
    values = encoded.rows[0].value
    assert values.mean() == pytest.approx(0, abs=1e-3)
    assert values.var() == pytest.approx(1, abs=1e-2)
    back = to_native(codec.decode([values]), codec.schema.container)
    assert (back.shape, back.dtype) == (stack.shape, stack.dtype)
    np.testing.assert_allclose(back, stack, rtol=1e-5, atol=1e-4 if kind == "real" else 0)


def test_one_constant_scales_all_pixels(grey):
    table = image_table(grey)
    codec = fit_codec(table, schema_of(table))
    assert len(set(codec.transforms)) == 1
    np.testing.assert_array_equal(codec.typical_width, 1 / codec.transforms[0].sd)
    np.testing.assert_allclose(codec.encode(table).rows[0].width, codec.typical_width[0], rtol=1e-5)
    assert codec.encode(table).log_volume.max() == 0  # masses
    real = image_table(grey / 3.0 + 0.1)
    codec = fit_codec(real, schema_of(real))
    np.testing.assert_allclose(
        codec.encode(real).log_volume, -12 * np.log(codec.transforms[0].sd), rtol=1e-9
    )


def test_the_json_of_images_does_not_grow_with_them(grey):
    table = image_table(np.repeat(np.repeat(grey, 6, 1), 6, 2))
    codec = fit_codec(table, schema_of(table))
    text = json.dumps(codec.to_json())
    assert len(text) < 1000
    back = Codec.from_json(json.loads(text))
    assert (back.schema, back.transforms) == (codec.schema, codec.transforms)
    np.testing.assert_array_equal(back.typical_width, codec.typical_width)


def test_two_levels_are_binary(grey):
    stack = np.where(grey > 127, np.uint8(255), np.uint8(0))
    table = image_table(stack)
    schema = schema_of(table)
    assert {c.kind for c in schema.columns} == {"binary"}
    codec = fit_codec(table, schema)
    cells = codec.encode(table).rows[0]
    np.testing.assert_array_equal(cells.value, (stack > 0).reshape(30, -1))
    np.testing.assert_array_equal(to_native(codec.decode([cells]), schema.container), stack)
    assert codec.marginals[0][1] == pytest.approx((np.sum(stack[:, 0, 0] > 0) + 0.5) / 31)
    with pytest.raises(SchemaError, match="y0x0 of image 1 is 7"):
        codec.encode(image_table(np.full((2, 3, 4), 7, np.uint8)))


def test_holes_are_missing_pixels(colour):
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    table = with_holes(image_table(colour), mask)
    assert sum(table.frame.null_count().row(0)) == 3 * 30
    codec = fit_codec(image_table(colour), schema_of(image_table(colour)))
    cells = codec.encode(table).rows[0]
    assert (~cells.observed).sum() == 90
    assert codec.decode([cells]).null_count().row(0)[6] == 30


def test_between_two_levels(grey):
    codec = fit_codec(image_table(grey), schema_of(image_table(grey)))
    with pytest.warns(UserWarning, match=r"12 pixel\(s\) lie between two grey levels"):
        cells = codec.encode(image_table(np.full((1, 3, 4), 99.7))).rows[0]
    np.testing.assert_array_equal(codec.decode([cells])["y0x0"], [100])


def test_schema_is_described_in_one_line(grey):
    schema = schema_of(image_table(grey))
    assert [row["name"] for row in schema.describe()] == ["4 x 3 pixels, grey"]
    assert schema.base_measure() == "counting measure on 12 pixels (integer)"
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_what_cannot_be_fitted(grey):
    with pytest.raises(DataError, match="all pixels are equal"):
        schema_of(image_table(np.ones((3, 2, 2), np.uint8)))
    with pytest.raises(SchemaError, match="some cells are missing"):
        schema_of(with_holes(image_table(grey), np.eye(3, 4, dtype=bool)))
    with pytest.raises(SchemaError, match="a schema names the columns of a table"):
        infer_schema(image_table(grey), {"columns": {}})
    with pytest.raises(
        SchemaError,
        match="these are 3 x 4 pixels, grey; the model was fitted on 4 x 3 pixels, grey",
    ):
        fit_codec(image_table(np.swapaxes(grey, 1, 2)), schema_of(image_table(grey)))


@pytest.mark.parametrize(
    ("array", "kind", "detail", "measure"),
    [
        (
            np.eye(6, dtype=bool),
            "binary",
            "2 values: 0, 1",
            "counting measure on 6 places (2 values: 0, 1)",
        ),
        (
            np.arange(12).reshape(4, 3) % 4,
            "categorical",
            "4 categories: 0, 1, 2, 3",
            "counting measure on 3 places (4 categories: 0, 1, 2, 3)",
        ),
        (
            np.random.default_rng(0).normal(size=(20, 3)),
            "continuous",
            "density",
            "Lebesgue measure on 3 places",
        ),
        (
            np.round(np.random.default_rng(0).normal(size=(20, 3)), 1),
            "continuous",
            "rounded to 0.1",
            "counting measure on 3 places (rounded to 0.1)",
        ),
    ],
)
def test_sequences(tmp_path, array, kind, detail, measure):
    np.save(tmp_path / "x.npy", array)
    table = read_data(tmp_path / "x.npy", "sequence")
    schema = schema_of(table)
    assert {(c.kind, c.missing) for c in schema.columns} == {(kind, 0)}
    assert [row["detail"] for row in schema.describe()] == [detail]
    assert schema.base_measure() == measure
    codec = fit_codec(table, schema)
    assert Codec.from_json(json.loads(json.dumps(codec.to_json()))).schema == schema
    back = to_native(codec.decode(codec.encode(table).rows), schema.container)
    np.testing.assert_allclose(back, array, rtol=1e-5, atol=1e-6)
    pl.DataFrame(back, orient="row").write_csv(tmp_path / "x.csv")  # other names, the same places
    again = read_like(schema, tmp_path / "x.csv")
    np.testing.assert_array_equal(
        codec.encode(again).rows[0].value, codec.encode(table).rows[0].value
    )
    assert sequence_table(tmp_path / "x.csv").names == sequence_table(array).names


def test_what_is_read_without_a_kind(tmp_path, grey):
    np.save(tmp_path / "x.npy", grey)
    np.save(tmp_path / "y.npy", grey[:, 0])
    (tmp_path / "folder").mkdir()
    Image.fromarray(grey[0]).save(tmp_path / "folder" / "a.png")
    assert read_data(tmp_path / "x.npy").layout == Layout("images", (1, 3, 4))
    assert read_data(tmp_path / "folder").layout == Layout("images", (1, 3, 4))
    assert len(read_data(tmp_path / "folder" / "a.png")) == 1
    assert read_data(tmp_path / "y.npy").layout is None
    with pytest.raises(DataError, match="shape"):
        read_data(tmp_path / "y.npy", "images")
    with pytest.raises(DataError, match="this is a folder"):
        read_data(tmp_path / "folder", "sequence")
    with pytest.raises(DataError, match="no such file or folder"):
        read_data(tmp_path / "nothing")
    with pytest.raises(SchemaError, match="its sequences have length 4, those of the model 5"):
        read_like(schema_of(sequence_table(np.eye(5, dtype=int))), tmp_path / "y.npy")


def test_masks(tmp_path):
    layout, path = Layout("images", (1, 3, 4)), tmp_path / "mask.png"
    mask = np.zeros((3, 4), np.uint8)
    mask[1, 2] = 255
    Image.fromarray(mask).save(path)
    np.testing.assert_array_equal(read_mask(path, layout), mask > 0)
    for bad, message in (
        (mask[:2], "the mask is 4 x 2 pixels"),
        (mask * 0, "nothing to fill"),
        (mask * 0 + 255, "nothing is left"),
    ):
        Image.fromarray(bad).save(path)
        with pytest.raises(DataError, match=message):
            read_mask(path, layout)


def test_generated_pixels_may_lie_beyond_the_levels(grey):
    """Every generated image is a draw of the model on the whole lattice: none has to be left
    out."""
    codec = fit_codec(image_table(grey), schema_of(image_table(grey)))
    transform = codec.transforms[0]
    values = np.tile(transform.forward(np.array([-3.2, 258.7, 100.4, 7.0])), (2, 3)).astype(
        np.float32
    )
    cells = codec.settle([values]).rows[0]
    levels = transform.inverse(cells.value.astype(np.float64))
    np.testing.assert_allclose(levels, np.tile([-3, 259, 100, 7], (2, 3)), atol=1e-3)
    assert np.all(np.abs(cells.value - values) <= 0.501 * cells.width)
    np.testing.assert_array_equal(codec.decode([values])["y0x1"], [255, 255])


def test_levels_in_steps(grey):
    """Sixteen levels in steps of 15 from 7 are as good as sixteen in steps of 1: the same cells."""
    levels = grey // 16
    plain, steps = image_table(levels), image_table(levels * 15 + 7)
    schema = schema_of(steps)
    assert (schema.columns[0].step, schema.columns[0].offset) == (15, 7)
    codec = fit_codec(steps, schema)
    one, two = fit_codec(plain, schema_of(plain)).encode(plain).rows[0], codec.encode(steps).rows[0]
    np.testing.assert_allclose(one.value, two.value, atol=1e-5)
    np.testing.assert_allclose(one.width, two.width, rtol=1e-5)
    np.testing.assert_array_equal(to_native(codec.decode([two]), schema.container), levels * 15 + 7)
    np.testing.assert_array_equal(codec.settle([two.value]).rows[0].value, two.value)
