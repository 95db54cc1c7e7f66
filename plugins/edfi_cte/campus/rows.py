"""From a database row to an enrollment record, or a clear error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from edfi_cte.associations.model import EnrollmentRecord, ExclusionRule
from edfi_cte.campus.errors import InvalidCampusData

Row = tuple[Any, ...]
"""A row of a template's result, column by column."""

BLANKS = "".join(chr(code) for code in range(1, 0x3001) if chr(code).isspace()) + "\u200b\u2060\ufeff"
"""Unicode's white space, and what has no width at all."""

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FLOAT = re.compile(r"-?[0-9.]+[eE][+-]?[0-9]+")
MAX_TEXT = 200
"""As include/sql/clean.sql and the ledger's columns have it; DuckDB's CAST cuts nothing."""

_HINT = "Correct it in Campus, or the column in campus_mapping.sql if it is the wrong one."


@dataclass(frozen=True, slots=True)
class CodeUsage:
    """A code of a career-technical field and how many of the scope year's records that no rule excludes use it.

    ``field`` is a field of :class:`EnrollmentRecord`; ``name`` is None for a code that Campus's code list lacks.
    ``labels``: how many the code list has for it, of which ``name`` is taken.
    """

    field: str
    code: str
    name: str | None
    records: int
    labels: int = 1


def enrollment_record(row: Row) -> EnrollmentRecord:
    """The record of a row of ``enrollment_records.sql``, without its count. Raises :class:`InvalidCampusData`.

    The columns are the record's fields, in their order; each is read by its field's type.
    """
    enrollment_id = whole_number(row[0], "enrollment_id")
    values: list[Any] = [
        read(value, name, enrollment_id) for (name, read), value in zip(_COLUMNS, row[1:], strict=True)
    ]
    return EnrollmentRecord(enrollment_id, *values)


def code_usage(row: Row) -> CodeUsage:
    """From a row of ``code_usage.sql``. Raises :class:`InvalidCampusData`."""
    field, code, name, used, labels, unreadable = row
    if unreadable:
        raise _unreadable(f"code '{code}', active of the code list")
    return CodeUsage(field, code, name, whole_number(used, "records"), whole_number(labels, "labels"))


def _text(value: Any, name: str, enrollment_id: int) -> str | None:
    """``value`` as any ledger takes it: PostgreSQL knows no NUL, and refuses what is too long."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidCampusData(
            f"enrollment {enrollment_id}, {name}: Campus gave a value of type {type(value).__name__}, not text. The "
            "shipped queries make text of it: compare your own copy of them."
        )
    return value.replace("\0", "")[:MAX_TEXT].strip(BLANKS) or None


def _rule(excluded_by: str, enrollment_id: int) -> ExclusionRule:
    """The rule of that name; refuses a flag that the SQL could read neither as marked nor as unmarked."""
    if excluded_by.startswith("unreadable "):
        raise _unreadable(f"enrollment {enrollment_id}, {excluded_by.removeprefix('unreadable ')}")
    return ExclusionRule(excluded_by)


def _unreadable(what: str) -> InvalidCampusData:
    return InvalidCampusData(
        f"{what}: the flag is neither marked (1, Y, true) nor unmarked (0, N, false, blank), so nothing can be "
        "concluded from it. Correct the column in campus_mapping.sql."
    )


def _student_id(value: Any, name: str, enrollment_id: int) -> str | None:
    text = _text(value, name, enrollment_id)
    if text and _FLOAT.fullmatch(text):
        raise InvalidCampusData(
            f"enrollment {enrollment_id}, student_unique_id: Campus keeps it as a floating-point number, which loses "
            "digits. Name the column that has it as text or as a whole number in campus_mapping.sql."
        )
    return text


def whole_number(value: Any, what: str) -> int:
    """``value`` as the integer it is; Campus's ids are ints, a driver may give a Decimal."""
    try:
        # A float holds no id above 2**53, and no one sees that it lost it.
        number = None if isinstance(value, float) else int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or number != value:
        raise InvalidCampusData(
            f"Campus gave {what} as a value of type {type(value).__name__}, not a whole number. {_HINT}"
        )
    return number


def day(value: Any, what: str, enrollment_id: int | None = None) -> date | None:
    """``value`` as a date without a time; None stays None. ``what`` and ``enrollment_id`` are for the error."""
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        # A SQL Server driver that speaks TDS 7.2 or below has no type for a date.
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    where = what if enrollment_id is None else f"enrollment {enrollment_id}, {what}"
    raise InvalidCampusData(f"{where}: Campus gave a value of type {type(value).__name__}, not a date. {_HINT}")


_BY_TYPE: dict[str, Callable[[Any, str, int], Any]] = {
    "str | None": _text,
    "date | None": day,
    "ExclusionRule | None": lambda value, _name, enrollment_id: _rule(value, enrollment_id) if value else None,
}
_COLUMNS = [
    (field.name, _student_id if field.name == "student_unique_id" else _BY_TYPE[str(field.type)])
    for field in fields(EnrollmentRecord)[1:]
]
