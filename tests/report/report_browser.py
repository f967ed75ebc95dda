"""Chromium without a window, driven by Selenium: what a reader of a report does."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60  # seconds; a loaded machine is slow
SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1300,1000",
)  # fmt: skip


class Reader:
    """One who has a report open."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, *, colors: str = "safe", theme: str = "light") -> Reader:
        """Open a page and wait until it can be used; nothing that was chosen before is remembered."""
        self.driver.get(path.as_uri())
        self.js("localStorage.clear()")
        self.driver.get_log("browser")
        self.driver.get(path.as_uri())
        self.wait("document.documentElement.dataset.ready === 'yes'")
        self.choose("theme", theme)
        self.choose("colors", colors)
        return self

    def js(self, code: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(code, *arguments)

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        until = time.monotonic() + PATIENCE
        while not self.js(f"return Boolean({condition})"):
            if time.monotonic() > until:
                raise AssertionError(f"waited {PATIENCE} s for {condition}; the console says {self.console()}")
            time.sleep(0.02)

    def frame(self) -> None:
        """Wait until what was asked for is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)))"
        )

    def console(self) -> list[str]:
        """What the browser wrote to its console since the last look."""
        return [line["message"] for line in self.driver.get_log("browser")]

    def one(self, selector: str) -> Any:
        """The first element that fits."""
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        """All elements that fit."""
        return list(self.driver.find_elements("css selector", selector))

    def texts(self, selector: str) -> list[str]:
        """Their texts."""
        return list(self.js("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector))

    def click(self, selector: str) -> None:
        """Click, wherever the page is scrolled to."""
        self.js("document.querySelector(arguments[0]).click()", selector)
        self.frame()

    def choose(self, id: str, value: str) -> None:
        """Choose an option of a list."""
        self.js(
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event('change'))",
            id, value,
        )  # fmt: skip
        self.frame()

    def type(self, id: str, text: str) -> None:
        """Type into a field, in the place of what is there."""
        self.js(
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event('input'))",
            id, text,
        )  # fmt: skip
        self.frame()

    def press(self, selector: str, *keys: str) -> None:
        """Press keys, one after the other, with the focus on an element."""
        self.js("document.querySelector(arguments[0]).focus()", selector)
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)
        self.frame()

    @property
    def window(self) -> tuple[float, float]:
        """The part of the sequence that is shown."""
        return tuple(
            self.js("const p = document.getElementById('plot').dataset; return [Number(p.from), Number(p.to)]")
        )

    @property
    def kind(self) -> str:
        """Whether letters, bars or an outline are drawn."""
        return str(self.js("return document.getElementById('plot').dataset.kind"))

    @property
    def shown(self) -> int:
        """The row of the sequence that is shown."""
        return int(self.js("return document.documentElement.dataset.shown"))


@contextmanager
def reading(profile: Path, downloads: Path) -> Iterator[Reader]:
    """Start a browser, and end it."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for switch in (*SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(PATIENCE)
    try:
        yield Reader(driver)
    finally:
        driver.quit()


def need_browser() -> None:
    """Skip where there is no Chromium, and say so; where everything is to be tried, fail."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    try:
        import selenium  # noqa: F401
    except ImportError:
        missing.append("selenium")
    if missing:
        words = (
            f"the report is tried in Chromium, and {', '.join(missing)} is missing (apt-get install chromium-driver)"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
