"""Opens pages in headless Chromium, for tests of pages that people read.

    page = open_page(out / "report.html", width=390, dark=True)
    page.assert_sound()

Needs a Chromium or Chrome, as by `apt-get install chromium` or `playwright install chromium`. Where there is none the
test is skipped; in CI (environment variable CI=true) it fails.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import playwright.sync_api as playwright
from axe_playwright_python.sync_playwright import Axe
from needs import do_without

P, T = ParamSpec("P"), TypeVar("T")
PHONE, DESKTOP = 390, 1280
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--disable-gpu", "--disable-quic", "--disable-sync", "--disable-dev-shm-usage")
SECONDS = 60

_IN_BROWSER = ThreadPoolExecutor(1, "browser")
"""Playwright's own thread: its event loop would disturb those of other tests."""

_STARTED = contextlib.ExitStack()


def _in_browser(function: Callable[P, T]) -> Callable[P, T]:
    """Call a function in the browser's thread."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return _IN_BROWSER.submit(function, *args, **kwargs).result()

    return call


@dataclass(frozen=True)
class Page:
    """The open page; the next ``open_page`` replaces it.

    Attributes:
        opened: playwright's, for use only in the browser's thread.
        console: warnings, errors and uncaught exceptions.
        requests: addresses requested while loading, except its own and data URIs.
    """

    opened: playwright.Page
    console: list[str]
    requests: list[str]

    @_in_browser
    def run(self, script: str) -> Any:
        """Run a function's body in the page and return its value."""
        return self.opened.evaluate(f"() => {{ {script} }}")

    @_in_browser
    def axe(self) -> list[str]:
        """Return what axe-core calls serious or critical, one line per element."""
        self.opened.evaluate(Axe().axe_script)
        violations = "axe.run({resultTypes: ['violations']}).then(found => JSON.stringify(found.violations))"
        return [  # passing all findings as objects takes longer than finding them
            f"{rule['impact']}: {rule['id']}: {node['target']}: {node['failureSummary']}"
            for rule in json.loads(self.opened.evaluate(violations))
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]

    @_in_browser
    def screenshot(self, path: Path) -> None:
        """Write the whole page, not only the window, as a PNG."""
        self.opened.screenshot(path=path, full_page=True)

    @_in_browser
    def wait_for(self, script: str) -> None:
        """Wait until an expression is true in the page."""
        self.opened.wait_for_function(script)

    def text(self) -> str:
        """Return the visible text."""
        return str(self.run("return document.body.innerText"))

    def html(self) -> str:
        """Return the current HTML."""
        return str(self.run("return document.documentElement.outerHTML"))

    def count(self, selector: str) -> int:
        """Return the number of elements that match a CSS selector."""
        return int(self.run(f"return document.querySelectorAll({selector!r}).length"))

    def overflow(self) -> int:
        """Return by how many CSS pixels the page is wider than the window."""
        return int(self.run("const e = document.documentElement; return e.scrollWidth - e.clientWidth"))

    def assert_sound(self) -> None:
        """Fail unless the console is silent, nothing is fetched, all fits the width, and axe-core finds nothing."""
        assert self.console == []
        assert self.requests == []
        assert self.overflow() <= 0
        assert self.axe() == []


@_in_browser
def open_page(place: str | Path, width: int = DESKTOP, *, dark: bool = False) -> Page:
    """Open a page and wait until it is loaded.

    Args:
        place: an address, or the path of a file.
        width: of the window in CSS pixels.
        dark: whether the reader's system asks for dark colours.
    """
    address = place.resolve().as_uri() if isinstance(place, Path) else place
    browser = _browser()
    for context in browser.contexts:
        context.close()
    scheme = "dark" if dark else "light"
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened.set_default_timeout(SECONDS * 1000)
    page = Page(opened, [], [])
    opened.on("console", lambda said: page.console.append(said.text) if said.type in ("warning", "error") else None)
    opened.on("pageerror", lambda error: page.console.append(str(error)))
    opened.on("request", lambda asked: None if _is_own(asked.url, address) else page.requests.append(asked.url))
    opened.goto(address)
    return page


@_in_browser
def close_browser() -> None:
    """Close the browser, if one was started."""
    _STARTED.close()


def _is_own(url: str, address: str) -> bool:
    return url == address or url.startswith("data:")


@functools.cache
def _browser() -> playwright.Browser:
    """Start the only browser of this test run."""
    program = _program()
    if program is None:
        do_without("chromium")
    driver = playwright.sync_playwright().start()
    _STARTED.callback(driver.stop)
    return _STARTED.enter_context(driver.chromium.launch(executable_path=program, args=FLAGS))


def _program() -> str | None:
    """Return a browser of this machine, or the one that playwright fetched."""
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    if installed is None:
        with playwright.sync_playwright() as driver:
            fetched = driver.chromium.executable_path
        installed = fetched if os.path.exists(fetched) else None  # noqa: PTH110 - it may be ""
    return installed
