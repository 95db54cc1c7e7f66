"""Texts as the log of a task shows them without scrolling."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any, Protocol

WIDTH = 104
"""Characters of a line: as many as a window of 1,440 pixels shows beside Airflow's grid."""


def in_lines(text: str) -> Iterator[str]:
    """A text as lines of at most :data:`WIDTH` characters, each sentence on lines of its own."""
    for paragraph in text.splitlines():
        for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", paragraph):
            yield from textwrap.wrap(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False) or [""]


class Log(Protocol):
    """A logger of Python's or of Airflow's."""

    def log(self, level: int, msg: str, /, *args: Any) -> Any:
        """Log a message."""


def say(log: Log, level: int, text: str) -> None:
    """Log a text in such lines."""
    for line in in_lines(text):
        log.log(level, "%s", line)
