"""A file that a person wrote and saved in another encoding than UTF-8: where that shows, and which it is."""

from __future__ import annotations


def not_utf8(content: bytes) -> str | None:
    """The line (from 1), the encoding and what to do, as the end of a sentence; None of UTF-8 text."""
    if b"\0" in content:
        return "line 1: the file is not UTF-8 but UTF-16. Save it as UTF-8."
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f"line {line}: the file is not UTF-8 but Windows-1252 or the like. Save it as UTF-8."
    return None
