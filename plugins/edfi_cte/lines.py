"""Texts as the log of a task shows them without scrolling."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

WIDTH = 110
"""Characters of a line."""


def in_lines(text: str) -> Iterator[str]:
    """A text as lines of at most :data:`WIDTH` characters, each sentence on lines of its own."""
    for paragraph in text.splitlines():
        for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", paragraph):
            yield from textwrap.wrap(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False) or [""]
