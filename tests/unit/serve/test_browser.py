"""The explorer in a real browser: every view, wide and narrow, light and dark, with the keyboard
alone, without a finding of axe, an error in the console, or a request to elsewhere."""

import shutil
import threading
import time

import pytest
import uvicorn

from quasistatic.serve import running
from quasistatic.serve.app import application

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
ROW = "/row?c.kind=a&c.mass_g=10.5"
VIEWS = (ROW, "/rows?given=kind=a", f"/whatif{ROW[4:]}", "/columns?given=kind=a", "/trajectory")


def listening_to(subject):
    """The address at which a model is explored."""
    with running.bound("127.0.0.1", 0) as listening:
        server = uvicorn.Server(
            uvicorn.Config(
                application(subject), log_config=None, ws="none", timeout_graceful_shutdown=1
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield running.address_of(listening).rstrip("/")
        server.should_exit = True
        thread.join(timeout=60)


@pytest.fixture(scope="module")
def address(client, subject):
    """Where the small model is explored; `client` has compiled its programs."""
    yield from listening_to(subject)


@pytest.fixture(scope="module")
def of_images(image_subject):
    """Where a model of images is explored."""
    yield from listening_to(image_subject)


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Watched:
    """A page whose console and requests are watched."""

    def __init__(self, browser, address, **options):
        self.context, self.address = browser.new_context(**options), address
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.trouble, self.asked = [], []
        self.page.on("console", lambda m: m.type == "error" and self.trouble.append(m.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path):
        self.page.goto(self.address + path)
        self.settle()

    def settle(self):
        self.page.wait_for_selector("main:not([aria-busy])")
        self.page.wait_for_selector("[data-waiting]", state="detached")

    def close(self):
        self.context.close()
        assert not self.trouble
        assert self.asked
        assert all(url.startswith(self.address) for url in self.asked)


@pytest.fixture
def watched(chromium, address):
    """`watched(**options)`: a new page; what went wrong on it is an error at the end."""
    pages = []

    def new(**options):
        pages.append(Watched(chromium, address, **options))
        return pages[-1]

    yield new
    for one in pages:
        one.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_view_is_legible_and_accessible(watched, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # axe comes into the page as a script, which the page itself does not allow.
    on = watched(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    for path in VIEWS:
        on.open(path)
        assert on.page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = axe.run(on.page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not [(one["id"], one["nodes"][0]["html"]) for one in serious], path


def test_every_view_keeps_to_its_content_security_policy(watched):
    on = watched()
    for path in VIEWS:
        on.open(path)


def test_the_answer_follows_the_form_and_the_address_follows_both(watched):
    on = watched()
    on.open(ROW)
    assert "known cells" in on.page.inner_text("#answer")
    before = on.page.inner_text("#c2-told")
    on.page.fill("#c1", "14.5")
    on.settle()
    assert "c.mass_g=14.5" in on.page.url
    assert on.page.inner_text("#c2-told") != before
    told = on.page.inner_text("#answer")
    on.page.reload()
    on.settle()
    assert on.page.inner_text("#answer") == told, "the address says all"
    on.page.fill("#c1", "many")
    sync_api.expect(on.page.locator("[role=alert]")).to_contain_text("no number")
    on.page.click("[data-clear=c1]")
    on.settle()
    assert on.page.input_value("#c1") == ""
    assert on.page.locator("[role=alert]").count() == 0


def test_the_keyboard_alone_reaches_everything(watched):
    on = watched()
    on.open("/row?row=2")
    on.page.keyboard.press("Tab")
    focused = "document.activeElement.id || document.activeElement.textContent"
    assert on.page.evaluate(focused) == "To the content"
    reached = set()
    for _ in range(25):
        on.page.keyboard.press("Tab")
        reached.add(on.page.evaluate(focused))
    assert {"c0", "c1", "c1-slider", "c2", "Rows", "Trajectory"} <= reached
    on.page.focus("#c1-slider")
    before = float(on.page.input_value("#c1"))
    on.page.keyboard.press("ArrowRight")
    assert float(on.page.input_value("#c1")) == pytest.approx(before + 0.1)
    on.page.focus("#c0")
    on.page.keyboard.press("u")
    on.settle()
    assert on.page.input_value("#c0") == ""


def test_one_click_leads_from_the_table_to_the_row_and_on(watched):
    on = watched()
    on.open("/rows?order=row&given=kind=a")
    on.page.locator("tbody th a").first.click()
    on.settle()
    assert on.page.inner_text("h1").startswith("Row ")
    assert on.page.input_value("#c0") == "a"
    on.page.click("a.button:has-text('What if')")
    on.settle()
    assert on.page.inner_text("h1") == "What if?"
    on.page.fill("#bc1", "16")
    on.settle()
    assert "B is" in on.page.inner_text("#difference")
    assert on.page.locator(".differs").count() == 1


def test_a_newer_question_ends_the_older(watched, address):
    """Many changes in a row leave one question open, not one each."""
    on = watched()
    on.open(ROW)
    for step in range(12):
        on.page.fill("#c1", f"{9 + step / 10:.1f}")
        on.page.wait_for_timeout(130)
    on.settle()
    end = time.monotonic() + 20
    while "quasistatic_questions_open 0" not in on.page.request.get(f"{address}/metrics").text():
        assert time.monotonic() < end
        time.sleep(0.1)
    assert on.page.input_value("#c1") == "10.1"


def test_pixels_are_hidden_with_the_pointer_and_with_the_keyboard(chromium, of_images):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    on = Watched(chromium, of_images, viewport={"width": 390, "height": 800}, bypass_csp=True)
    on.open("/image?row=1")
    box = on.page.locator("#mask").bounding_box()
    on.page.mouse.move(box["x"] + 2, box["y"] + 2)
    on.page.mouse.down()
    on.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 2, steps=3)
    on.page.mouse.up()
    on.settle()
    assert "18 known pixels" in on.page.inner_text("#answer"), "the first of four lines is hidden"
    assert "hide=_A" in on.page.url
    for key in ("ArrowDown", "ArrowDown", "Shift+ArrowLeft", "Shift+ArrowDown"):
        on.page.keyboard.press(key)
    assert on.page.inner_text("#mask-at") == "From line 3, column 6 to line 4, column 5."
    on.page.keyboard.press("Space")
    on.settle()
    sync_api.expect(on.page.locator("#answer")).to_contain_text("14 known pixels")
    assert on.page.locator("#filled svg").count() == 7
    assert on.page.evaluate("document.documentElement.scrollWidth") <= 390
    found = axe.run(on.page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not [(one["id"], one["nodes"][0]["html"]) for one in serious]
    on.page.reload()
    on.settle()
    sync_api.expect(on.page.locator("#answer")).to_contain_text("14 known pixels")
    on.page.click("[data-mask=none]")
    on.settle()
    sync_api.expect(on.page.locator("#filled")).to_contain_text("Nothing of the image is hidden")
    on.page.click("a[rel=next]")
    on.settle()
    assert on.page.inner_text("h1") == "Image 2 of 20"
    on.close()
