"""The page: whole, harmless, legible, and true to what was found."""

import dataclasses
import re
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import polars as pl
import pytest

from quasistatic import DataError
from quasistatic.data.table import Table
from quasistatic.fitted.leaks import Guess, Membership, Nearer
from quasistatic.fitted.privacy import Privacy
from quasistatic.fitted.privacy_words import LIMITS, sentences
from quasistatic.fitting.learning_curve import LearningCurve
from quasistatic.report._sections import SHOWN_COLUMNS
from quasistatic.report._wording import nats, plain
from quasistatic.report.figures._style import NAMES
from quasistatic.report.headline import headline, notices
from quasistatic.report.page import render
from unit.report.conftest import SCRIPT, SMALL, N

VOID = {"meta", "br", "wbr", "img", "link", "hr", "input"}
FOREIGN = {"svg", "g", "path", "use", "defs", "text", "clipPath", "rect", "circle"}
LOADING = {
    "script",
    "link",
    "img",
    "image",
    "iframe",
    "object",
    "embed",
    "video",
    "audio",
    "source",
    "base",
    "form",
}


class Page(HTMLParser):
    """Tags, attributes and texts of a page; refuses tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


@pytest.fixture(scope="module")
def pages(findings, alone):
    return {"data": render(findings), "alone": render(alone)}


@pytest.fixture(params=["data", "alone"])
def page(request, pages):
    return pages[request.param]


def test_it_is_well_formed_and_loads_nothing(page):
    parsed = Page(page)
    assert not LOADING & set(parsed.tags)
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page
    for tag, attributes in parsed.attributes:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert attributes.get(name, "#").startswith("#")
    policy = [a["content"] for tag, a in parsed.attributes if tag == "meta" and "http-equiv" in a]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_ids_are_unique_and_links_meet_them(page):
    parsed = Page(page)
    ids = [a["id"] for _, a in parsed.attributes if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"] for _, a in parsed.attributes if "href" in a]
    assert len(links) > 8
    clips = [a["clip-path"] for _, a in parsed.attributes if "clip-path" in a]
    assert clips
    for target in [*links, *(clip.removeprefix("url(").removesuffix(")") for clip in clips)]:
        assert target[1:] in ids
    for _, attributes in parsed.attributes:
        assert attributes.get("aria-labelledby", ids[0]) in ids


def test_names_and_categories_are_text(pages):
    page = pages["data"]
    assert "<script" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    text = Page(page).text
    for words in (
        SCRIPT,
        "$a_{b}$ 100%",
        "model <i>",
        "data <i>.csv",
        "when it was",
        "]]> -->",
        "$\\frac{1}{0}$",
    ):
        assert words in text
    assert "\x00" not in page
    assert "\u202e" not in page


def test_every_figure_has_words(page):
    parsed = Page(page)
    pictures = [a for tag, a in parsed.attributes if tag == "svg"]
    assert len(pictures) == parsed.tags.count("figure") >= 10
    assert all(a["role"] == "img" and len(a["aria-label"]) > 20 for a in pictures)
    assert (
        parsed.tags.count("figcaption") >= len(pictures) - 2
    )  # the matrices are explained above them
    assert all(a.get("scope") in ("col", "row") for tag, a in parsed.attributes if tag == "th")
    assert parsed.tags.count("h1") == 1


def test_the_same_findings_give_the_same_page(findings, pages):
    assert render(findings) == pages["data"]


def test_the_numbers_are_those_that_were_found(findings, pages):
    text = Page(pages["data"]).text
    likelihood = findings.scored.likelihood
    assert f"{nats(likelihood.mean, likelihood.mean_stderr)} nats per row, lower side" in text
    assert (
        f"{nats(float(likelihood.upper.mean()), float(likelihood.upper.std(ddof=1) / 20**0.5))}"
        " nats per row, upper" in text
    )
    assert nats(findings.certificate.gap, findings.certificate.gap_stderr) in text
    assert nats(findings.ledger.k_nats, findings.ledger.steps.cost.total_stderr) in text
    assert findings.ledger.verdict.words in text
    assert findings.density.manifest_["data"]["fingerprint"] in text
    assert plain(findings.density.schema_.base_measure()) in text
    best = int(np.argmax(likelihood.lower))
    assert nats(float(likelihood.lower[best]), float(likelihood.stderr[best])) in text


def test_what_is_left_out_is_said(findings, pages):
    text = Page(pages["data"]).text
    assert f"1 of {N} rows have missing cells" in text
    assert f"Scored are 20 of the {N - 1} whole rows" in text
    assert f"compared on 60 of the {N} rows" in text
    assert "the table that the model was fitted on" in text
    assert "Likelihood is not outlierness" in text
    assert "the widest pairs among the first 5" in text  # of seven columns: `SMALL.paired`
    assert findings.data.holes == 1
    assert SMALL.paired == 5


def test_without_data_the_page_says_what_data_would_add(pages):
    text = Page(pages["alone"]).text
    assert "No data were given" in text
    assert text.count("With DATA") >= 5
    assert "Held-out bound" in text
    for words in ("Certificate", "Crooks", "ledger", "Sampled rows", "Training"):
        assert words in text
    assert "Most and least likely rows" not in text


def test_columns_beyond_the_cap_are_counted(findings):
    wide = dataclasses.replace(findings, marginals=findings.marginals * 5)
    text = Page(render(wide)).text
    total = 5 * len(findings.marginals)
    assert (
        f"Drawn are {SHOWN_COLUMNS} columns of {total}, those that differ most;"
        f" {total - SHOWN_COLUMNS} are not drawn" in text
    )
    assert "total variation" in text  # the table of all of them


def test_rows_that_are_all_incomplete(look, nasty):
    holes = nasty.frame.with_columns(pl.lit(None, dtype=pl.Float64).alias("_hidden")).head(6)
    found = look(Table(holes, "holes.csv"))
    assert found.scored is None
    text = Page(render(found)).text
    assert "none could be scored" in text
    assert "6 missing cells left out" in text
    assert not found.data.seen


def test_one_row(look, nasty):
    found = look(Table(nasty.frame.head(1), "one.csv"))
    text = Page(render(found)).text
    assert "One row has no ±" in text
    assert len(found.scored.index) == 1
    assert "Mean over 1 row," in text


def test_few_effective_trajectories_are_a_notice(findings):
    ess = np.full(20, 3.0)
    ess[:2] = 1.2
    scored = dataclasses.replace(
        findings.scored, likelihood=dataclasses.replace(findings.scored.likelihood, ess=ess)
    )
    said = notices(
        dataclasses.replace(findings, data=dataclasses.replace(findings.data, scored=scored))
    )
    assert any("The lower side of 2 rows hangs on fewer than 2" in words for words in said)


def test_a_long_base_measure_is_shortened_on_top(findings):
    top = headline(findings).measure
    assert len(top) < 330
    assert "the whole of it at the end" in top


def test_the_training_rows_are_asked_about_beside_a_hold_out(findings, pages):
    near, worse = Nearer(0.7, 0.6, 0.05, 30), Guess(0.1, 0.3, 0.2, 0.0123)
    log_p = Membership(-4.0, -4.5, 0.5, 0.1, 0.61, 0.02, (79, 40))
    guesses = {SCRIPT: worse, "unknown": Guess(*[float("nan")] * 4)}
    counts = (30, 79, 40, True, near, near, (0.1, 0.2), (0.1, 0.3), 2, 21)
    found = Privacy(*counts, log_p, worse, guesses)
    page = render(dataclasses.replace(findings, privacy=found))
    text = Page(page).text
    assert "What 30 drawn rows tell of the 79 training rows" in text
    for sentence in sentences(found):
        assert sentence in text
    assert LIMITS in text
    assert f"{SCRIPT}0.1000.3000.200 ± 0.012" in text
    assert (
        "unknown" not in text.partition("guessed cells, the largest")[2].partition("This shows")[0]
    )
    assert 'href="#privacy"' in page
    assert 'href="#privacy"' not in pages["data"]


def test_would_more_rows_help(findings, pages):
    curve = LearningCurve(
        (20, 40, 80), (-3.0, -2.5, -2.0), (0.3,) * 3, (0.5, 0.5), (0.1, 0.1), 0.2, 0.04, 30
    )
    page = render(dataclasses.replace(findings, learning=curve))
    text = Page(page).text
    assert "Would more rows help?" in text
    assert curve.answer in text
    assert "the same 30 held-out rows" in text
    assert 'href="#learning"' in page
    assert 'href="#learning"' not in pages["data"]


def test_a_learning_curve_of_too_few_rows_is_refused_before_any_work(look, nasty):
    with pytest.raises(DataError, match="there are 64 rows, too few for a learning curve"):
        look(nasty, learning=True)


CSS = (files("quasistatic.report") / "template" / "page.css").read_text(encoding="utf-8")
SCHEMES = [
    dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{([^}]*)\}", CSS)
]


def luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    """WCAG 2.2."""
    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark", "print"])
def test_contrast_is_aa(scheme):
    assert set(NAMES) <= set(scheme)
    for ground in ("paper", "panel", "notice"):
        for text in ("ink", "muted", "real"):
            assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
    for line in ("real", "sampled", "third", "muted"):
        assert contrast(scheme[line], scheme["paper"]) >= 3.0, line


def test_contrast_of_black_on_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert len(SCHEMES) == 3
