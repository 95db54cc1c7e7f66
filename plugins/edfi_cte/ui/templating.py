"""The templates: escaped throughout, and an unknown name is a fault instead of a blank."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent / "templates"


@cache
def templates() -> Environment:
    """Made when first asked for, and kept."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "moment": moment, "ago": ago, "words": words, "lasting": lasting}
    return environment


def number(value: int | None) -> str:
    """12345 as 12,345; nothing where there is none."""
    return "" if value is None else f"{value:,}"


def words(name: str) -> str:
    """A name of the ledger as a reader takes it: career_cluster_blank as career cluster blank."""
    return name.replace("_", " ")


def moment(at: datetime | None) -> str | Markup:
    """A time of the ledger, in UTC."""
    if at is None:
        return ""
    machine = at.replace(tzinfo=UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M:%S}</time>').format(machine, at)


def ago(at: datetime | None) -> str:
    """How long since, roughly."""
    if at is None:
        return "never"
    seconds = (datetime.now(UTC).replace(tzinfo=None) - at).total_seconds()
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def lasting(seconds: float | None) -> str:
    """A duration in the largest two units."""
    if seconds is None:
        return ""
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
