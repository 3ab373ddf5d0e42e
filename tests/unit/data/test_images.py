"""Image files of every kind, written here, read back; and what is wrong with the others."""

import gzip
import pickle
import struct
import zlib

import numpy as np
import polars as pl
import pytest
from PIL import Image

from quasistatic.data.arranged import image_table
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.images.cifar import read_cifar, read_cifar_batch
from quasistatic.data.images.files import PixelScale, dequantise, read_images
from quasistatic.data.images.folder import read_image, read_image_folder
from quasistatic.data.images.idx import read_idx
from quasistatic.errors import DataError


def idx_bytes(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


@pytest.fixture
def grey(rng):
    return rng.integers(0, 256, (3, 5, 4), dtype=np.uint8)


@pytest.fixture
def colour(rng):
    return rng.integers(0, 256, (3, 5, 4, 3), dtype=np.uint8)


def test_idx_plain_and_gzipped(tmp_path, grey):
    (tmp_path / "a-idx3-ubyte").write_bytes(idx_bytes(grey))
    (tmp_path / "a-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(grey)))
    for name in ("a-idx3-ubyte", "a-idx3-ubyte.gz"):
        np.testing.assert_array_equal(read_images(tmp_path / name)[:, 0], grey)


def test_idx_of_big_endian_numbers(tmp_path):
    values = np.array([[1.5, -2.25]], ">f4")
    (tmp_path / "x.idx").write_bytes(
        bytes([0, 0, 0x0D, 2]) + struct.pack(">2I", 1, 2) + values.tobytes()
    )
    assert read_idx(tmp_path / "x.idx").tolist() == [[1.5, -2.25]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its magic number is an empty file"),
        (b"\x89PNG\r\n\x1a\n", "magic number is 89504e47"),
        (bytes([0, 0, 8, 3, 0, 0]), "ends within its head"),
        (
            idx_bytes(np.zeros((2, 3), np.uint8))[:-1],
            r"is truncated: \(2, 3\) numbers take 6 bytes",
        ),
        (idx_bytes(np.zeros((2, 3), np.uint8)) + b"\0", "is longer than it says"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 2**31, 2**31), "GiB of memory"),
    ],
)
def test_bad_idx(tmp_path, content, message):
    path = tmp_path / "x-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_idx(path)
    assert str(path) in str(error.value)
    assert error.value.fix


def test_a_damaged_gzip_stream(tmp_path, grey):
    path = tmp_path / "x-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(grey))[:-9])
    with pytest.raises(DataError, match="no intact gzip stream"):
        read_idx(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="no intact gzip stream"):
        read_idx(path)


@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_png_folder(tmp_path, grey, colour, kind):
    stack = {"grey": grey, "colour": colour}[kind]
    for i, image in enumerate(stack):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    (tmp_path / "notes.txt").write_text("not an image")
    found = read_images(tmp_path)
    np.testing.assert_array_equal(
        found, stack[:, None] if kind == "grey" else np.moveaxis(stack, -1, 1)
    )


def test_jpeg_is_read(tmp_path):
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(tmp_path / "a.JPG", format="JPEG")
    np.testing.assert_allclose(read_images(tmp_path), 77, atol=2)


def test_grey_and_colours_of_webp(tmp_path, colour, rng):
    noise = Image.fromarray(rng.integers(0, 256, (32, 32), dtype=np.uint8))
    noise.save(tmp_path / "lossy.webp", quality=70)
    assert read_image(tmp_path / "lossy.webp").shape == (1, 32, 32)
    (tmp_path / "lossy.webp").unlink()
    Image.fromarray(colour[0]).save(tmp_path / "a.webp", lossless=True)
    np.testing.assert_array_equal(read_images(tmp_path)[0], np.moveaxis(colour[0], -1, 0))


def test_a_photograph_is_turned_upright(tmp_path):
    lying = np.zeros((8, 16), np.uint8)
    lying[:, 8:] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the right half is the lower one
    Image.fromarray(lying).save(tmp_path / "a.jpg", exif=exif)
    (upright,) = read_images(tmp_path)
    np.testing.assert_allclose(upright.reshape(16, 8), lying.T, atol=4)


def test_an_alpha_channel_that_hides_nothing_is_left_out(tmp_path, grey, colour):
    for pixels in (grey[0], colour[0]):
        plain = Image.fromarray(pixels)
        opaque = np.full(pixels.shape[:2], 255, np.uint8)
        for name, alpha in (
            ("opaque", opaque),
            ("hole", np.where(np.eye(*opaque.shape, dtype=bool), 254, opaque)),
        ):
            picture = plain.copy()
            picture.putalpha(Image.fromarray(alpha.astype(np.uint8)))
            picture.save(tmp_path / f"{name}.png")
        plain.save(tmp_path / "plain.png")
        plain.convert("P").save(
            tmp_path / "key.png", transparency=plain.convert("P").getpixel((0, 0))
        )
        np.testing.assert_array_equal(
            read_image(tmp_path / "opaque.png"), read_image(tmp_path / "plain.png")
        )
        for name in ("hole", "key"):
            with pytest.raises(DataError, match=f"{name}.png: some of its pixels are transparent"):
                read_image(tmp_path / f"{name}.png")


def test_bad_folders(tmp_path, grey, colour):
    with pytest.raises(DataError, match="holds no image"):
        read_images(tmp_path)
    Image.fromarray(grey[0]).save(tmp_path / "a.png")
    Image.fromarray(grey[0, :4]).save(tmp_path / "b.png")
    with pytest.raises(
        DataError, match=r"b\.png: it is 4 x 4 pixels, grey, but a\.png is 4 x 5 pixels, grey"
    ):
        read_images(tmp_path)
    Image.fromarray(colour[0]).save(tmp_path / "b.png")
    with pytest.raises(DataError, match=r"colour, but a\.png is 4 x 5 pixels, grey"):
        read_images(tmp_path)
    Image.fromarray(np.zeros((5, 4), np.uint16)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match="colour mode is I;16"):
        read_images(tmp_path)
    whole = (tmp_path / "a.png").read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"GIF89a"):
        (tmp_path / "b.png").write_bytes(broken)
        with pytest.raises(DataError, match="no intact image"):
            read_images(tmp_path)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [5000, 11_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path, side):
    (tmp_path / "bomb.png").write_bytes(png_that_claims(side, side))
    with pytest.raises(DataError, match="too large"):
        read_images(tmp_path)


def test_a_stack_larger_than_memory_is_refused(tmp_path, grey, monkeypatch):
    Image.fromarray(grey[0]).save(tmp_path / "a.png")
    monkeypatch.setattr("quasistatic.data.memory.available_bytes", lambda: 10)
    with pytest.raises(DataError, match="GiB of memory"):
        read_image_folder(tmp_path)


def test_npy_stacks(tmp_path, grey, colour):
    np.save(tmp_path / "grey.npy", grey)
    np.save(tmp_path / "colour.npy", colour)
    np.save(tmp_path / "real.npy", grey / 255)
    assert read_images(tmp_path / "grey.npy").shape == (3, 1, 5, 4)
    np.testing.assert_array_equal(read_images(tmp_path / "colour.npy")[:, 2], colour[..., 2])
    assert read_images(tmp_path / "real.npy").dtype == np.float64


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4)), r"shape \(3, 4\) is no stack"),
        (np.zeros((3, 4, 4, 2)), "is no stack"),
        (np.zeros((0, 4, 4)), "is no stack"),
        (np.full((1, 2, 2), np.nan), "not finite"),
        (np.zeros((1, 2, 2), np.int64), "neither grey levels"),
        (np.array([["a"]]), "no array of numbers"),
        (np.array([[None]], object), "no intact NumPy array"),
    ],
)
def test_bad_npy(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        read_images(tmp_path / "x.npy")


def test_other_paths(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        read_images(tmp_path / "nothing")
    (tmp_path / "x.csv").write_text("a")
    with pytest.raises(DataError, match="nothing that images can be read from"):
        read_images(tmp_path / "x.csv")
    for name in ("x.npy", "x-ubyte"):
        with pytest.raises(DataError, match="no such file"):
            read_images(tmp_path / name)


def python_2_batch(data: np.ndarray) -> bytes:
    """A batch as CIFAR-10 was written: protocol 2 of Python 2, whose strings are byte strings."""

    def string(content: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(content)) + content

    def number(n: int) -> bytes:
        return b"J" + struct.pack("<i", n)

    kind = b"cnumpy\ndtype\n" + string(b"u1") + number(0) + number(1) + b"\x87R"
    kind += b"(" + number(3) + string(b"|") + b"NNN" + number(-1) + number(-1) + number(0) + b"tb"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
        + number(0)
        + b"\x85"
        + string(b"b")
        + b"\x87R"
    )
    array += b"(" + number(1) + number(len(data)) + number(data.shape[1]) + b"\x86" + kind + b"\x89"
    array += string(data.tobytes()) + b"tb"
    return (
        b"\x80\x02}("
        + string(b"batch_label")
        + string(b"one of five")
        + string(b"data")
        + array
        + b"u."
    )


def test_cifar_batches(tmp_path, rng):
    data = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
    batch = python_2_batch(data)
    np.testing.assert_array_equal(
        pickle.loads(batch, encoding="bytes")[b"data"], data
    )  # the test's own writer is right
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"):
        (tmp_path / name).write_bytes(batch)
    for protocol in (2, 3, 4):
        (tmp_path / "test_batch").write_bytes(
            pickle.dumps({b"data": data, b"labels": [1, 2]}, protocol=protocol)
        )
        np.testing.assert_array_equal(read_cifar(tmp_path, test=True), data.reshape(4, 3, 32, 32))
    assert read_images(tmp_path).shape == (20, 3, 32, 32)


class Attack:
    def __reduce__(self):
        return print, ("this must never be printed",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({b"data": Attack()}),
        pickle.dumps({b"data": np.array([print], object)}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.float32)}),
        pickle.dumps({b"data": np.zeros((2, 3071), np.uint8)}),
        pickle.dumps({b"data": b"x" * 3072}),
        pickle.dumps([1]),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8)})[:-20],
        b"",
        b"garbage",
    ],
)
def test_a_pickle_that_is_no_batch_is_refused_and_runs_nothing(tmp_path, capsys, content):
    (tmp_path / "data_batch_1").write_bytes(content)
    with pytest.raises(DataError, match="batch") as error:
        read_cifar_batch(tmp_path / "data_batch_1")
    assert error.value.fix
    assert capsys.readouterr().out == ""


def test_missing_cifar(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_cifar(tmp_path)
    with pytest.raises(DataError, match="is a folder"):
        read_cifar_batch(tmp_path)


def test_one_constant_scaling_of_grey_levels(grey):
    stack = grey[:, None]
    scale = PixelScale.of(stack)
    cells = scale.encode(stack)
    noisy = (dequantise(stack, seed=0) - scale.mean) / scale.scale
    assert abs(noisy.mean()) < 0.02
    assert abs(cells.value.var() + (1 / scale.scale) ** 2 / 12 - 1) < 1e-5
    assert cells.value.shape == cells.width.shape == (3, 20)
    np.testing.assert_allclose(np.exp(scale.log_cell_width), cells.width, rtol=1e-6)
    # A cell is exactly one grey level wide: neighbours touch.
    np.testing.assert_allclose(cells.width * scale.scale, 1.0, rtol=1e-6)
    np.testing.assert_array_equal(scale.decode(cells.value, (1, 5, 4)), stack)


def test_scaling_of_real_pixels():
    stack = np.linspace(-3, 9, 24).reshape(2, 1, 3, 4)
    scale = PixelScale.of(stack)
    cells = scale.encode(stack)
    assert cells.width is None
    assert scale.log_cell_width == 0.0
    assert abs(cells.value.var() - 1) < 1e-6
    np.testing.assert_allclose(scale.decode(cells.value, (1, 3, 4)), stack, atol=1e-5)
    with pytest.raises(DataError, match="all pixels are equal"):
        PixelScale.of(np.ones((2, 1, 2, 2), np.uint8))


def test_dequantisation_fills_exactly_one_level(grey):
    noise = dequantise(grey, seed=0) - grey
    assert noise.min() >= -0.5
    assert noise.max() < 0.5
    assert np.ptp(noise) > 0.8


@pytest.mark.parametrize("suffix", [".tif", ".bmp", ".webp", ".gif"])
def test_other_kinds_of_files_in_natural_order(tmp_path, suffix):
    levels = (0, 85, 170, 255)
    for number, level in zip((10, 9, 1, 100), levels, strict=True):
        picture = np.full((4, 4), level, np.uint8)
        Image.fromarray(picture).save(tmp_path / f"p{number}{suffix}", **_LOSSLESS.get(suffix, {}))
    (tmp_path / f"._p1{suffix}").write_bytes(b"hidden, and no image")
    stack = read_images(tmp_path)
    assert stack.shape == (4, 1, 4, 4)
    assert [int(image[0, 0, 0]) for image in stack] == [170, 85, 0, 255]


_LOSSLESS = {".webp": {"lossless": True}}


def test_a_grey_palette_is_grey_and_a_mask_is_binary(tmp_path):
    mask = np.array([[0, 255], [255, 0]], np.uint8)
    for i in range(4):
        Image.fromarray(np.roll(mask, i)).convert("P").save(tmp_path / f"{i}.png")
    table = image_table(tmp_path)
    assert table.layout.shape == (1, 2, 2)
    assert infer_schema(table).columns[0].kind == "binary"
    assert image_table(np.eye(3, dtype=bool)[None].repeat(2, 0)).frame.dtypes[0] == pl.UInt8


def test_what_a_folder_without_images_holds(tmp_path):
    for name in ("a.svg", "b.svg", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"no image but 2 \.svg, 1 \.txt"):
        read_images(tmp_path)
    frames = [Image.new("L", (2, 2), level) for level in (0, 255)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="holds 2 pictures"):
        read_images(tmp_path)
