"""A browser for the tests. Screenshots go to the folder ``DAGWRIGHT_SCREENSHOTS``, if it is set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

_BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=300_000)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    program = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    assert program, "the tests need Chromium: scripts/browser installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_BROWSER_OPTIONS)
        yield browser.new_page(viewport={"width": 1400, "height": 900}, color_scheme="light")
        browser.close()


def screenshot(page: Page, name: str) -> None:
    """Save a screenshot of the page if ``DAGWRIGHT_SCREENSHOTS`` is set."""
    folder = os.environ.get("DAGWRIGHT_SCREENSHOTS")
    if folder:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")
