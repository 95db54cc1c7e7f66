"""What a check reports: one line each, with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edfi_cte.associations.model import MAPPED_FIELDS


class Level(StrEnum):
    """An error stops the target; what would fail does so for single records; a warning is worth a look."""

    OK = "ok"
    WARNING = "warning"
    WOULD_FAIL = "would fail"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check: what was looked at, what was found, what to do."""

    level: Level
    subject: str
    message: str
    transient: bool = False
    """Whether trying again later may help, with nothing changed."""
    lacking: tuple[str, ...] = ()
    """The descriptors that were looked for and are not in the ODS."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


def ok(subject: str, message: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, subject, message)


def warning(subject: str, message: str) -> Finding:
    """Worth a look; stops nothing."""
    return Finding(Level.WARNING, subject, message)


def would_fail(subject: str, message: str) -> Finding:
    """Stops nothing, but single records would be rejected, or refused by the ODS."""
    return Finding(Level.WOULD_FAIL, subject, message)


def error(subject: str, message: str) -> Finding:
    """Stops the target."""
    return Finding(Level.ERROR, subject, message)


def records(number: int) -> str:
    """A number of records in words."""
    return f"{number:,} record" if number == 1 else f"{number:,} records"


def label(field: str) -> str:
    """A field of the record as Campus calls it."""
    return MAPPED_FIELDS.get(field, field)
