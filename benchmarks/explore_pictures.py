"""The pictures of docs/explore.md: the explorer of penguins and of digits in headless Chromium.

    pip install ".[explore,test]"
    python benchmarks/explore_pictures.py [MODEL [IMAGES]]

Needed is a Chromium on the path. Without MODEL one of the penguins is fitted first, with the
settings of `quasistatic fit --model diffusion --max-minutes 2`; without IMAGES one of
scikit-learn's first 1,500 digits, with those of `--model diffusion --max-minutes 5`; the other
digits are shown. Written are docs/figures/explore-*.png.
"""

import io
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from sklearn.datasets import load_digits

from quasistatic import DiffusionDensity, image_table
from quasistatic.data.files import read_table
from quasistatic.data.table import Table

ROOT = Path(__file__).resolve().parents[1]
TABLE, FIGURES = ROOT / "examples" / "penguins.csv", ROOT / "docs" / "figures"
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
UNKNOWN = "c.species=Gentoo&c.sex=female&c.flipper_length_mm=212&c.body_mass_g=4700"
CELLS = {
    "species": "Adelie", "island": "Torgersen", "bill_length_mm": "39.5", "bill_depth_mm": "17.4",
    "flipper_length_mm": "186", "body_mass_g": "3800", "sex": "female", "year": "2007",
}  # fmt: skip
SECOND = "&".join(f"bc.{name}={value}" for name, value in (CELLS | {"species": "Gentoo"}).items())
PICTURES = (
    ("row", f"/row?{UNKNOWN}", WIDE, "light"),
    ("rows", "/rows", WIDE, "light"),
    ("whatif", f"/whatif?row=2&{SECOND}", WIDE, "light"),
    ("columns", "/columns?given=species%3DAdelie|Gentoo", WIDE, "light"),
    ("trajectory", "/trajectory?row=2&seed=3", WIDE, "dark"),
    ("phone", f"/row?{UNKNOWN}", NARROW, "dark"),
)
"""Name, address, size and colours of each."""
OF_IMAGES = (("image", "/image?row=3&hide=AAAAPDw8PA&sigma=30&noisy=yes", WIDE, "light"),)
"""The same of the digits; a square of 4 x 4 pixels is hidden."""


def main(model: str | None, images: str | None) -> None:
    """Explore, and take the pictures."""
    folder = Path(tempfile.mkdtemp())
    stack = load_digits().images.astype(np.uint8) * 15
    np.save(folder / "digits.npy", stack[1500:])
    model = model or fitted(read_table(TABLE), folder / "penguins", 2)
    images = images or fitted(image_table(stack[:1500]), folder / "digits", 5)
    explored(model, TABLE, PICTURES)
    explored(images, folder / "digits.npy", OF_IMAGES)


def fitted(table: Table, folder: Path, minutes: float) -> str:
    """The folder of a model of a table."""
    density = DiffusionDensity(model="diffusion", random_state=0, max_minutes=minutes)
    density.fit(table).save(folder)
    return str(folder)


def explored(model: str, table: Path, pictures: tuple[Any, ...]) -> None:
    """Pictures of one model with its table."""
    command = [sys.executable, "-m", "quasistatic", "explore", model, str(table), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        address = service.stdout.readline().split(" at ")[1].split("/ ")[0]
        try:
            while b'"calibrated":1.0' not in urllib.request.urlopen(f"{address}/healthz").read():
                time.sleep(1)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=QUIET
                )
                for picture in pictures:
                    take(browser, address, *picture)
        finally:
            service.terminate()


def take(
    browser: Browser, address: str, name: str, path: str, size: dict[str, int], scheme: str
) -> None:
    """One picture, in at most 128 colours."""
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.goto(address + path)
    page.wait_for_selector("main:not([aria-busy])")
    page.wait_for_selector("[data-waiting]", state="detached")
    while page.get_by_text("by now").count():  # a table is judged for some time only
        page.reload()
        page.wait_for_selector("main:not([aria-busy])")
    image = Image.open(io.BytesIO(page.screenshot()))
    found = FIGURES / f"explore-{name}.png"
    image.convert("RGB").quantize(128).save(found, optimize=True)
    print(
        f"{found.relative_to(ROOT)}: {image.width} x {image.height}, {found.stat().st_size} bytes"
    )
    context.close()


if __name__ == "__main__":
    main(*(*sys.argv[1:3], None, None)[:2])
