"""Pages of the site that lie beside docs/, where a reader of the repository looks for them."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
BESIDE = {"../CHANGELOG.md": "changelog.md", "../bridge/PROTOCOL.md": "wire.md"}
"""How a page in docs/ names the file, and the site's name for it."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Takes them in."""
    for link, page in BESIDE.items():
        files.append(File.generated(config, page, abs_src_path=str((ROOT / "docs" / link).resolve())))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Points links to them at their pages."""
    for link, name in BESIDE.items():
        markdown = markdown.replace(f"]({link}", f"]({name}")
    return markdown
