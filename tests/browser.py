"""Opens pages in headless Chromium, for tests of what people look at.

    page = open_page(out / "report.html", width=390, dark=True)
    page.assert_sound()

Needs Debian's chromium and chromium-driver, and axe-core (`npm install --no-save axe-core`). Where one is missing the
test is skipped; in CI (environment variable CI=true) it fails.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from grader.paths import ROOT

PHONE, DESKTOP = 390, 1280
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """What is open now; the next ``open_page`` takes its place.

    Attributes:
        driver: selenium's, for all that is not here: clicks, text, scripts.
        address: where it was opened.
        console: messages of warning or error.
        requests: addresses that were asked for while it loaded, its own and data URIs aside.
    """

    driver: Chrome
    address: str
    console: list[str]
    requests: list[str]

    def overflow(self) -> int:
        """Return by how many CSS pixels the page is wider than the window."""
        return int(self.run("const e = document.documentElement; return e.scrollWidth - e.clientWidth"))

    def axe(self) -> list[str]:
        """Return what axe-core calls serious or critical, one line per element."""
        self.run(_axe_source())
        found = self.driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        return [
            f"{rule['impact']}: {rule['id']}: {node['target']}: {node['failureSummary']}"
            for rule in found["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]

    def screenshot(self, path: Path) -> None:
        """Write all of the page, not only what is in the window, as a PNG."""
        height = min(int(self.run("return document.documentElement.scrollHeight")), 16_000)
        _set_size(self.driver, int(self.run("return window.innerWidth")), height)
        self.driver.save_screenshot(str(path))

    def run(self, script: str) -> Any:
        """Run a script in the page and return its value."""
        return self.driver.execute_script(script)

    def assert_sound(self) -> None:
        """Fail unless the console is silent, nothing is fetched, all fits the width, and axe-core is content."""
        assert self.console == []
        assert self.requests == []
        assert self.overflow() <= 0
        assert self.axe() == []


def open_page(place: str | Path, width: int = DESKTOP, *, dark: bool = False) -> Page:
    """Open a page and wait until it is loaded.

    Args:
        place: an address, or the path of a file.
        width: of the window in CSS pixels.
        dark: whether the reader's system asks for dark colours.
    """
    address = place.resolve().as_uri() if isinstance(place, Path) else place
    driver = _driver()
    _set_size(driver, width, 900)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    for log in ("browser", "performance"):
        driver.get_log(log)  # forgets what the page before left
    driver.get(address)
    console = [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
    return Page(driver, address, console, [url for url in _requested(driver) if url != address])


def _set_size(driver: Chrome, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def _requested(driver: Chrome) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith("data:")]


@functools.cache
def _driver() -> Chrome:
    """Start the one browser of this test run."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        do_without("chromium and chromedriver: apt-get install chromium chromium-driver")
    profile = tempfile.mkdtemp(prefix="cnn-kit-chromium-")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, ChromeService(chromedriver))
    driver.set_page_load_timeout(60)
    driver.set_script_timeout(120)
    atexit.register(shutil.rmtree, profile, ignore_errors=True)
    atexit.register(driver.quit)
    return driver


@functools.cache
def _axe_source() -> str:
    places = [folder / "node_modules" / "axe-core" / "axe.min.js" for folder in (ROOT, *ROOT.parents)]  # as node looks
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        do_without("axe-core: npm install --no-save axe-core")
    return found.read_text(encoding="utf-8")


def do_without(what: str) -> NoReturn:
    """Skip the test, or fail it where all that tests need is to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"the browser tests need {what}")
    pytest.skip(f"no {what}")
