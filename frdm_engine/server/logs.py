"""What the engine did, for people as text and for machines as JSON lines; files are bounded and turned over."""

from __future__ import annotations

import json
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from frdm_engine.errors import ServerError

TEXT, LINES = "engine.log", "engine.jsonl"
FILE_BYTES = 10 * 2**20
FILES_KEPT = 5
"""Older files beside the current one: at most 2 x 6 x 10 MiB in all."""
LOGGERS = ("frdm", "frdm_engine", "frdm_bridge")
FACTS = ("job", "frame", "device", "client")
"""What a log record may carry beside its text."""


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        line |= {fact: getattr(record, fact) for fact in FACTS if hasattr(record, fact)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def open_logs(folder: Path, *, level: int = logging.INFO) -> list[RotatingFileHandler]:
    """Starts writing the logs of the engine (those of `LOGGERS`) into a folder; see `close_logs`.

    Raises:
        ServerError: they cannot be written there.
    """
    handlers: list[RotatingFileHandler] = []
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        for name, formatter in ((TEXT, text), (LINES, _Json())):
            handler = RotatingFileHandler(folder / name, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
            handler.setFormatter(formatter)
            handlers.append(handler)
    except OSError as error:
        raise ServerError(
            f"The logs cannot be written to {folder} ({error.strerror}); mend it or free space."
        ) from error
    for logger in map(logging.getLogger, LOGGERS):
        logger.setLevel(level)
        for handler in handlers:
            logger.addHandler(handler)
    return handlers


def close_logs(handlers: list[RotatingFileHandler]) -> None:
    """Ends what `open_logs` began."""
    for handler in handlers:
        for logger in map(logging.getLogger, LOGGERS):
            logger.removeHandler(handler)
        handler.close()
