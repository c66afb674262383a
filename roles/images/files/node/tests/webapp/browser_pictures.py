"""Writes the pictures of docs/operate/console.md: `make test ONLY=console-pictures`. They show a running cluster of this machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_support import PASSWORD, Client, Cluster
from browser_support import PHONE, Browser, start_browser
from PIL import Image

FOLDER = Path(__file__).parents[4] / "docs" / "images"
WIDTH = 900  # pixels
COLOURS = 64  # enough for text on a few surfaces, and a quarter of the bytes
# The names that an operator sees, in place of those of processes on one machine.
NAMES = {
    "127.0.0.1:": "",
    "master1": "host1:0a4be7c1f0d2",
    "master2": "host2:41d7e0c9ab35",
    "webapp1": "host1:93f2d0b1c8aa",
    "coreapp1": "host2:5b1c22e0f6d4",
    "coreapp2": "host3:e7a90d41b35c",
}
RENAME = """
const names = Object.entries(arguments[0]);
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) for (const [from, to] of names) walker.currentNode.data = walker.currentNode.data.replaceAll(from, to);
"""


@pytest.fixture(scope="module")
def browser(admin: Client) -> Iterator[Browser]:
    made = start_browser(admin.certificate)
    yield made
    made.close()


def save(browser: Browser, name: str) -> None:
    """Write the page to a PNG file with few colours."""
    picture = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    FOLDER.mkdir(exist_ok=True)
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)


def freeze(browser: Browser) -> None:
    """Pause the page and write the names of an ordinary cluster into it."""
    browser.one("#pause").click()
    browser.run("document.activeElement.blur(); scrollTo(0, 0)")
    browser.run(RENAME, NAMES)


def test_write_the_pictures(browser: Browser, admin: Client, cluster: Cluster) -> None:
    cluster.start_node("master2", WA_MASTER_NODE="1")
    browser.resize((WIDTH, 900))
    browser.open(admin.url)
    browser.log_in(PASSWORD)
    browser.wait_until(lambda: browser.rows("shards"))
    former = browser.rows("shards")[0][1]
    name = former.split(":")[1]
    cluster.nodes[name].stop()
    browser.wait_until(lambda: browser.rows("shards")[0][1] not in (former, "none"))
    cluster.start_node(name)
    browser.wait_until(lambda: browser.rows("changes")[0][1:2] == [former])
    browser.wait_until(lambda: browser.text("#verdict").startswith("Healthy") and not browser.all("#attention li"))
    freeze(browser)
    browser.resize((WIDTH, browser.run("return document.documentElement.scrollHeight")))
    for scheme in ("light", "dark"):
        browser.prefer(color_scheme=scheme)
        save(browser, f"console-{scheme}.png")
    browser.prefer()
    browser.one("#logout").click()
    browser.wait_for("#username")
    browser.resize((PHONE[0] + 40, 760), 2)
    browser.log_in(PASSWORD)
    browser.wait_until(lambda: browser.rows("shards"))
    freeze(browser)
    save(browser, "console-phone.png")
