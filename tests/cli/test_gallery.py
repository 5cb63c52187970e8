"""The gallery, as it is written and as a browser shows it."""

import base64
import html.parser
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar10_aug.cli import gallery_page
from cifar10_aug.data import sample
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.presets import NAMED
from cifar10_aug.recipes.recipe import Recipe
from tests.cli import browser
from tests.cli.running import assert_fails, run
from tests.registering import registered

# Those whose picture says how strong they are, by a number that grows.
GROWING = ("rotate", "blur", "noise", "corruptfog", "corruptpixelate", "cutout", "elastic")


def tint(image: np.ndarray, rng: np.random.Generator, much: int = 9) -> np.ndarray:
    """Tints <b> by `much`."""
    return image // much


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("gallery") / "gallery.html"
    with registered({"backend": "threading"}, tint=tint):
        result = run("gallery", "--sample", "--out", str(out))
        assert result.exit_code == 0, result.output
        assert re.fullmatch(rf"{out}: \d\.\d MB; open it in a browser\n", result.output)
        yield out


class Parser(html.parser.HTMLParser):
    """What of the page matters: cards, addresses, and whether what is opened is closed."""

    EMPTY = ("meta", "link", "input", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cards: list[str] = []
        self.addresses: list[str] = []
        self.pictures: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag not in self.EMPTY:
            self.open.append(tag)
        if attributes.get("class") == "op":
            self.cards.append(attributes["id"])
        self.addresses += [attributes[name] for name in ("src", "href") if name in attributes]
        if tag == "img":
            self.pictures[attributes["alt"]] = attributes["src"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def parsed(path: Path) -> Parser:
    parser = Parser()
    parser.feed(path.read_text())
    assert not parser.open
    return parser


def test_every_op_and_preset_has_a_card_and_nothing_is_fetched(parsed: Parser) -> None:
    assert sorted(parsed.cards) == sorted([*OPS, *NAMED])
    assert len(parsed.addresses) > 100
    assert all(address.startswith(("data:", "#")) for address in parsed.addresses)


def test_pictures_are_what_the_recipes_make(parsed: Parser) -> None:
    train = sample.read().train
    pool = (train.images, None, np.arange(len(train)))
    names = ("rotate30-30", "erase_area0.4_p1", "gray0.6", "mixup1", "augmix3", "simclr")
    for name, epoch in [*((name, 0) for name in names), ("simclr", 3), ("altflip", 4)]:
        recipe = Recipe.parse(name)
        partners = pool if recipe.mixes else None
        made = recipe(train.images[:4], epoch=epoch, partners=partners)
        source = parsed.pictures[f"{name}, epoch {epoch}"]
        encoded = base64.b64decode(source.removeprefix("data:image/png;base64,"))
        shown = np.asarray(Image.open(io.BytesIO(encoded)))[..., :3]
        for i, (y, x) in enumerate(((0, 0), (0, 34), (34, 0), (34, 34))):
            assert (shown[y : y + 32, x : x + 32] == made[i]).all(), name


def test_the_name_is_beside_the_spelling_with_its_default(path: Path) -> None:
    heads = dict(
        re.findall(r'<h3>(\w+)</h3> <button title="copy">(.*?)</button>', path.read_text())
    )
    assert {name: heads[name] for name in ("rotate", "flip", "randaugment", "rrc", "deit")} == {
        **{"rotate": "rotate30", "flip": "flip0.5", "randaugment": "randaugment_m9"},
        **{"rrc": "rrc0.08-1", "deit": "deit"},
    }
    for name, spelling in heads.items():
        assert Recipe.parse(spelling) == Recipe.parse(name)


@pytest.mark.parametrize("name", [*OPS, *NAMED])
def test_five_pictures_differ_by_strength_or_by_epoch(name: str) -> None:
    tiles = gallery_page.tiles(name)
    assert len({(tile.recipe, tile.epoch) for tile in tiles}) == 5
    assert len({tile.recipe for tile in tiles}) in (1, 5)
    for tile in tiles:
        Recipe.parse(tile.recipe)


@pytest.mark.parametrize("name", GROWING)
def test_later_strengths_change_more(name: str) -> None:
    images = sample.read().train.images[:20]
    made = [Recipe.parse(tile.recipe)(images) for tile in gallery_page.tiles(name)]
    change = [np.abs(one.astype(float) - images).mean() for one in made]
    assert change == sorted(change)
    assert change[0] > 0


def test_registered_functions_are_shown_at_five_epochs(path: Path) -> None:
    page = path.read_text()
    assert "<p>Tints &lt;b&gt; by <code>much</code>.</p>" in page
    assert 'alt="tint, epoch 4"' in page


def test_a_page_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "page.html"
    message = f"--out {missing}: the folder {missing.parent} does not exist; make it."
    assert_fails(2, message, "gallery", "--sample", "--out", str(missing))


@pytest.fixture(scope="module")
def page(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    if browser.PROGRAM is None:
        pytest.skip("no Chromium here; apt-get install chromium")
    with browser.page(tmp_path_factory.mktemp("profile")) as shown:
        shown.open(path)
        yield shown


VISIBLE = "[...document.querySelectorAll('.op')].filter(one => one.offsetHeight).map(one => one.id)"
COUNT = "document.getElementById('count').textContent"


def type_in(page: browser.Page, words: str) -> list[str]:
    page.evaluate(f"query.value = {words!r}; query.dispatchEvent(new Event('input'))")
    visible: list[str] = page.evaluate(VISIBLE)
    return visible


def test_a_browser_opens_it_without_a_network_and_without_errors(page: browser.Page) -> None:
    requests = [
        event["params"]["request"]["url"]
        for event in page.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.startswith("file:") for url in requests)
    assert {url.split(":")[0] for url in requests} <= {"file", "data"}
    methods = {event["method"] for event in page.events}
    assert not methods & {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}
    widths = page.evaluate("[...document.images].map(one => one.naturalWidth)")
    assert len(widths) > 300
    assert set(widths) == {66}


def test_searching_shows_the_cards_that_have_all_words(page: browser.Page) -> None:
    found = type_in(page, "fog")
    assert "corruptfog" in found
    assert len(found) < 5
    assert page.evaluate(COUNT) == f"{len(found)} of {len(OPS) + len(NAMED)}"
    headings = "[...document.querySelectorAll('h2')].filter(one => one.offsetHeight).length"
    assert page.evaluate(headings) <= len(found)
    assert type_in(page, "Pixels  OPENMIXUP") == []
    assert "resizemix" in type_in(page, "arXiv openmixup")
    assert len(type_in(page, "")) == len(OPS) + len(NAMED)


def test_clicking_a_recipe_copies_it(page: browser.Page) -> None:
    click = "document.querySelector('#rotate figcaption button').click()"
    page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text; }")
    page.evaluate(f"{click}; new Promise(resolve => setTimeout(resolve))")
    assert page.evaluate("window.copied") == "rotate15-15"
    assert page.evaluate(COUNT) == "Copied: rotate15-15"
    page.evaluate("navigator.clipboard.writeText = async text => { throw new Error('no'); }")
    page.evaluate(f"{click}; new Promise(resolve => setTimeout(resolve))")
    assert page.evaluate("String(getSelection())") == "rotate15-15"
    assert page.evaluate(COUNT) == "Press Ctrl-C to copy: rotate15-15"


@pytest.mark.parametrize("width", [320, 500, 1400])
def test_it_fits_phones_and_screens(width: int, page: browser.Page) -> None:
    page.show(width=width, dark=False)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sides = page.evaluate(
        "[...document.querySelectorAll('.picture')].map(one => one.getBoundingClientRect().width)"
    )
    assert min(sides) >= 66


def luminance(colour: str) -> float:
    """Of WCAG 2: 0 is black, 1 is white."""
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_read_easily_in_light_and_dark(dark: bool, page: browser.Page) -> None:
    """WCAG's least contrast for text is 4.5."""
    page.show(width=1000, dark=dark)
    colours = {
        name: luminance(page.evaluate(f"getComputedStyle(document.querySelector('{name}')).{what}"))
        for name, what in {
            "body": "backgroundColor",
            ".op": "backgroundColor",
            "h1": "color",
            "nav a": "color",
            ".op p": "color",
            "figcaption": "color",
            "figcaption button": "color",
            "summary": "color",
        }.items()
    }
    paper, card = colours.pop("body"), colours.pop(".op")
    assert (paper < 0.1) is (card < 0.1) is dark
    for name, ink in colours.items():
        for ground in (paper, card):
            least, most = sorted((ink, ground))
            assert (most + 0.05) / (least + 0.05) >= 4.5, name
