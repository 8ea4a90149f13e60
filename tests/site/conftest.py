"""A browser, and the sites that it opens: of both reference systems, of one that fails, and of one with the wording of the standard."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.official import CATALOG
from tests.systems import example, made, package_of

from claimstack.controls.catalog import load_catalog
from claimstack.generator.catalog_texts import load_catalog_texts
from claimstack.generator.writing import write_package

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@cache
def files_of(name: str) -> Mapping[str, str]:
    system, _, worded = name.partition("-")
    if worded:
        return made(example(system), texts=load_catalog_texts(CATALOG, load_catalog())).files
    return package_of(system).files


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The address of a site on disk, beside every other file of its package."""
    folder = tmp_path_factory.mktemp("packages")

    def of(name: str) -> str:
        if not (folder / name).exists():
            write_package(files_of(name), folder / name)
        return (folder / name / "site" / "index.html").as_uri()

    return of


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Playwright's own Chromium, else that of the system. Only `make site` has the package, while every run looks at these files."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch()
        except Error:
            path = next((path for name in SYSTEM_BROWSERS if (path := shutil.which(name))), None)
            if path is None:
                raise
            found = playwright.chromium.launch(executable_path=path)
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser, address: Callable[[str], str]) -> Iterator[Callable[..., Page]]:
    """`opened("commercial", "#sc-28", scheme="dark", width=390)`: a page that ends the test if its console shows an error."""
    contexts = []
    errors: list[str] = []

    def go(name: str = "commercial", anchor: str = "", *, scheme: str = "light", width: int = 1280, scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            bypass_csp=False,
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else errors.append(request.url))
        page.goto(address(name) + anchor)
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []
