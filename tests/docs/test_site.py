"""The site is built strictly, asks nothing of the network, and leads nowhere that is not there."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import ROOT, name, pages, tokens

DOCS = [page for page in pages() if "docs" in page.relative_to(ROOT).parts]
LOADED = {"img": "src", "link": "href", "script": "src", "source": "src", "iframe": "src", "object": "data"}
COUNTED = {"h1": 1, "h2": 1, "h3": 1, "table": 1, "tr": 1, "li": 1}


class Html(HTMLParser):
    """What a page holds: its anchors, links, what it loads, and how many of each element its article has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.counted: Counter[str] = Counter()
        self.titles = 0
        self._article = False
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.anchors.update(given[key] for key in ("id", "name") if key in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given and given.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(given[LOADED[tag]])
        self._article = self._article or tag == "article"
        if self._article and tag in COUNTED:
            self.counted[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        self._article = self._article and tag != "article"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning ends the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    ran = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.fixture(scope="module")
def built(site: Path) -> dict[Path, Html]:
    """Every page of it, read. The page for what is not found has links from the root, whatever it is asked for."""
    return {path: Html(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_links_and_anchors_lead_somewhere(site: Path, built: dict[Path, Html]) -> None:
    checked = 0
    for path, page in built.items():
        for link in (*page.links, *page.loaded):
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_relative_to(site.resolve()), f"{path.name}: {link} leads out of the site"
            assert target.is_file(), f"{path.name}: {link}"
            if target in built:
                assert unquote(parts.fragment) in built[target].anchors, f"{path.name}: {link}"
                checked += 1
    assert checked > 500


def test_nothing_is_loaded_from_elsewhere(site: Path, built: dict[Path, Html]) -> None:
    for path, page in built.items():
        elsewhere = [one for one in page.loaded if urlsplit(one).scheme or urlsplit(one).netloc]
        assert not elsewhere, f"{path.name} loads {elsewhere}"
        assert "google" not in path.read_text("utf-8")
    for style in site.rglob("*.css"):
        for target in re.findall(r"url\(([^)]*)\)|@import\s+([^;]+)", style.read_text("utf-8")):
            assert not re.match(r"[\"']?(https?:)?//", "".join(target)), f"{style.name} loads {target}"


@pytest.mark.parametrize("page", [one for one in DOCS if one.parent.name == "docs"], ids=name)
def test_a_page_shows_what_its_markdown_holds(page: Path, built: dict[Path, Html], site: Path) -> None:
    """The site's Markdown is another than the repository's: lists, tables and headings come out alike in both."""
    wanted: Counter[str] = Counter(token.tag for token in tokens(page) if token.nesting == 1 and token.tag in COUNTED)
    assert built[site / f"{page.stem}.html"].counted == wanted
    assert "```" not in (site / f"{page.stem}.html").read_text("utf-8")


def test_every_page_is_in_the_navigation_and_can_be_searched(site: Path, built: dict[Path, Html]) -> None:
    listed = {(site / unquote(urlsplit(link).path)).resolve() for link in built[site / "index.html"].links}
    for page in DOCS:
        html = (site / page.relative_to(ROOT / "docs").with_suffix(".html")).resolve()
        assert html in listed, f"{name(page)} is not in mkdocs.yml's nav"
    found = (site / "search/search_index.json").read_text("utf-8")
    for page in DOCS:
        assert page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() in found


@pytest.mark.parametrize(
    "package", ["frdm_engine", "frdm_engine.plates", "frdm_engine.damage", "frdm_engine.diffusion", "frdm_bridge"]
)
def test_the_reference_holds_every_public_name(package: str, built: dict[Path, Html]) -> None:
    anchors = set().union(*(page.anchors for page in built.values()))
    offered = importlib.import_module(package)
    for public in offered.__all__:
        made_in = getattr(getattr(offered, public), "__module__", package)
        if not public.startswith("__"):
            assert {f"{package}.{public}", f"{made_in}.{public}"} & anchors, f"docs/api lacks {package}.{public}"


def test_errors_of_both_trees_are_in_the_reference(built: dict[Path, Html]) -> None:
    anchors = set().union(*(page.anchors for page in built.values()))
    for module in ("frdm_engine.errors", "frdm_bridge.errors"):
        errors = [one for one in vars(importlib.import_module(module)).values() if isinstance(one, type)]
        for error in errors:
            if error.__module__ == module and issubclass(error, Exception):
                assert f"{module}.{error.__name__}" in anchors


def test_links_of_the_readme_lead_somewhere() -> None:
    headings = {page: _slugs(page) for page in pages()}
    for page in (ROOT / "README.md", *DOCS):
        for token in tokens(page):
            for child in token.children or ():
                target = str(child.attrs.get("href") or child.attrs.get("src") or "")
                parts = urlsplit(target)
                if not target or parts.scheme:
                    continue
                path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
                if page.parent.name == "api" or path.parent.name == "api" or path.name == "wire.md":
                    continue  # made from docstrings: the built site shows whether they are there
                assert path.exists(), f"{name(page)}: {target}"
                assert not parts.fragment or path not in headings or parts.fragment in headings[path], target


def test_the_first_screen_is_the_readme_s() -> None:
    """What it is, the picture and the command that shows it work stand in both alike."""
    first = (ROOT / "README.md").read_text("utf-8").partition("\nRun the tests:")[0].replace("docs/images", "images")
    assert first.strip() in (ROOT / "docs/index.md").read_text("utf-8")


def _slugs(page: Path) -> set[str]:
    """The anchors of a page's headings as a repository's viewer makes them."""
    found = tokens(page)
    titles = [found[at + 1].content for at, token in enumerate(found) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_build_is_part_of_the_whole_check() -> None:
    """Strictly and aloud: mkdocs counts no warnings, and ends with 0, where it is told to be quiet."""
    assert '"mkdocs build --strict"' in (ROOT / ".ci/run").read_text("utf-8")
