"""Chromium, driven by its own driver, and what the tests of the console read from it."""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"  # of the packages chromium and chromium-driver
PATIENCE = 60  # seconds on a busy machine
DESKTOP, PHONE = (1000, 900), (320, 640)

# Foreground and background of every element with text of its own: the ratio of their luminances, as WCAG defines it.
LOWEST_CONTRAST = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const luminance = (colour) => {
  const [r, g, b] = colour.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const background = (node) => {
  for (; node; node = node.parentElement) {
    const colour = parse(getComputedStyle(node).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
let lowest = [99, ""];
for (const node of document.body.querySelectorAll("*")) {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  if (!own || !node.checkVisibility() || node.closest("template, noscript")) continue;
  const [a, b] = [luminance(parse(getComputedStyle(node).color)), luminance(background(node))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < lowest[0]) lowest = [ratio, node.outerHTML.slice(0, 120)];
}
return lowest;
"""


def start_browser(certificate: Path) -> Browser:
    """Start Chromium without a window. certificate: the only one, besides public ones, that it trusts."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    options = Options()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",  # Chromium refuses to run as root with it
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-proxy-server",
        "--no-first-run",
        "--hide-scrollbars",
        "--lang=en-GB",
        f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return Browser(webdriver.Chrome(options=options, service=Service(DRIVER)))


class Browser:
    """One window."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.resize(DESKTOP)

    def close(self) -> None:
        self.driver.quit()

    def resize(self, size: tuple[int, int], scale: float = 1) -> None:
        """Set the size of the page in CSS pixels, as of a phone when it is narrow."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **features: str) -> None:
        """Set media features, such as `color_scheme="dark"`."""
        values = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": values})

    def open(self, url: str) -> None:
        self.driver.get(f"{url}/console/")
        self.wait_for("#username")

    def log_in(self, password: str, username: str = "admin") -> None:
        self.one("#username").send_keys(username)
        self.one("#password").send_keys(password)
        self.one("form button").click()

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements("css selector", selector)

    def text(self, selector: str) -> str:
        """Return the text of the first element that matches, "" without one."""
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, selector: str) -> WebElement:
        self.wait_until(lambda: bool(self.all(selector)))
        return self.one(selector)

    def wait_until(self, condition: Any, seconds: float = PATIENCE) -> None:
        """Wait until `condition()` is true. Raises TimeoutError with the text of the page."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the page contains only: {self.text('body')}")
            time.sleep(0.1)

    def rows(self, part: str) -> list[list[str]]:
        """Return the cells of a part's table, in one reading of the page."""
        script = """return [...document.querySelectorAll(`[data-part="${arguments[0]}"] tbody tr`)]
            .map((row) => [...row.children].map((cell) => cell.textContent))"""
        return self.run(script, part)

    def calls(self) -> int:
        """Return how often the page has read the state."""
        script = (
            "return performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/v1/console')).length"
        )
        return self.run(script)

    def focused(self) -> str:
        """Return the id of the element that has the focus, or its text."""
        return self.run("return document.activeElement.id || document.activeElement.textContent.trim()")

    def problems(self) -> list[str]:
        """Return what the browser's console has logged since the last call, without refused calls."""
        logged = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in logged if "Failed to load resource: the server responded" not in message]

    def accessible(self) -> list[tuple[str, str]]:
        """Return (role, name) of every node that assistive technology sees."""
        nodes = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]
