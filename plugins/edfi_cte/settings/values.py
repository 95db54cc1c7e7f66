"""What single settings may be, and what is said where one is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from edfi_cte.errors import EdfiCteError

_DESCRIPTOR_URI = re.compile(r"uri://[^\s/#]+/[A-Za-z0-9_.\-/]*Descriptor#[^#]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class SettingsError(EdfiCteError):
    """The settings file is missing, unreadable or invalid."""


def in_file(path: Path, *lines: str) -> SettingsError:
    """An error whose first line is the mistake: the file's name is short there, and its path stands in the last."""
    return SettingsError("\n".join((*(f"{path.name}{line}" for line in lines), f"The file: {path}")))


class Misplaced(ValueError):
    """A rule over several values is broken; ``location`` is where it is to be mended, below the model's own."""

    def __init__(self, location: tuple[int | str, ...], message: str) -> None:
        super().__init__(message)
        self.location = location


def _descriptor_uri(value: str) -> str:
    if not _DESCRIPTOR_URI.match(value):
        raise ValueError(
            "a descriptor is written uri://<host>/<Name>Descriptor#<code value>, "
            "for example uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"
        )
    if len(value) > 306:
        raise ValueError("a descriptor has at most 306 characters")
    return value


def _without_control(value: str) -> str:
    if odd := _CONTROL.search(value):
        raise ValueError(f"it has a control character (U+{ord(odd[0]):04X}), which is no text. Write it anew")
    return value


def matches(pattern: str, said: str) -> AfterValidator:
    """Refuses what ``pattern`` does not match as a whole, and says in words what would be right."""
    whole = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not whole.fullmatch(value):
            raise ValueError(said)
        return value

    return AfterValidator(check)


DescriptorUri = Annotated[str, AfterValidator(_descriptor_uri), AfterValidator(_without_control)]
ProgramName = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_without_control)]
ConnectionId = Annotated[
    str, matches(r"[A-Za-z0-9_.\-]{1,200}", "a connection's id has letters, digits, '_', '-' and '.' only")
]
DottedPath = Annotated[
    str, matches(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", "a function is named by its path, as in our_package.alerts.page")
]
Schedule = Annotated[
    str,
    matches(
        r"@(once|continuous|hourly|daily|weekly|monthly|quarterly|yearly)|\S+( +\S+){4,6}",
        "a schedule is @daily or the like, or a cron expression such as '30 4 * * 1-5'; null is by hand only",
    ),
]
CampusCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
