"""What README.md and docs/ hold for somebody to type: blocks of code, and commands and options within the text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.docs.command_line import takes

ROOT = Path(__file__).parents[2]
SHELL = ("sh", "console")
SHOWN = ("text", "json", "toml", "yaml", "ini", "xml", "bat", "powershell")
"""Languages of blocks that nobody runs here: what is printed, files, other systems' shells."""

CALL = re.compile(r"(?!.*([A-Z]{2}|…))frdm( [a-z]+)+( \S*[.\d/-]\S*)( \S+)*")
"""A call with an argument beyond the command's name, and without a placeholder such as FILE."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line it stands on."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Page and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """A shell's commands, one an entry, continued lines joined; of a console those after the prompt."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def pages() -> list[Path]:
    """README.md and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name(page: Path) -> str:
    """A page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def tokens(page: Path) -> list[Token]:
    """A page's blocks as CommonMark with tables has them, front matter left out."""
    text = re.sub(r"\A---\n.*?\n---\n", lambda found: "\n" * found[0].count("\n"), page.read_text("utf-8"), flags=re.S)
    return MarkdownIt("commonmark").enable("table").parse(text)


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, from top to bottom."""
    return [
        Block(page, (token.map or [0])[0] + 1, token.info.strip(), token.content)
        for token in tokens(page)
        if token.type in ("fence", "code_block")
    ]


def typed(page: Path) -> list[Block]:
    """What somebody types who follows a page: its blocks, and calls of `frdm` in the text that have arguments."""
    found, line = [], 0
    for token in tokens(page):
        line = token.map[0] + 1 if token.map else line
        if token.type in ("fence", "code_block"):
            found.append(Block(page, line, token.info.strip(), token.content))
        for child in token.children or ():
            if child.type == "code_inline" and CALL.fullmatch(child.content) and takes(child.content.split()[1:]):
                found.append(Block(page, line, "sh", child.content))
    return found


def inline(page: Path) -> Iterator[str]:
    """Every piece of code within a page's text."""
    for token in tokens(page):
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content


def words(command: str) -> Iterator[list[str]]:
    """The words of each simple command in a line."""
    lexer = shlex.shlex(re.sub(r"\s#\s.*", "", command), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""  # a pattern's #### is none
    found: list[str] = []
    for word in lexer:
        if set(word) <= set("&|;()<>"):
            yield found
            found = []
        else:
            found.append(word)
    yield found


def calls(command: str, program: str = "frdm") -> Iterator[list[str]]:
    """What a line gives to a program: each time the words after it. Not what others do with it."""
    names = (program, "frdm_engine") if program == "frdm" else (program,)
    for found in words(command):
        for position, word in enumerate(found):
            if word.rpartition("/")[2] in names:
                yield found[position + 1 :]
                break
            if not re.fullmatch(r"\w+=.*|sudo|exec|nohup|time|env|-m|(.*/)?python[\d.]*", word):
                break
