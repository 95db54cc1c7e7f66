"""Reads one district's scope years out of a Campus database, through any DbApiHook."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from edfi_cte.associations.model import OPTIONAL_RULES, EnrollmentRecord
from edfi_cte.campus.errors import (
    CampusError,
    CampusQueryFailed,
    CampusQueryRefused,
    DistrictNotFound,
    IncompleteExtract,
    InvalidCampusData,
    InvalidTemplate,
    MissingColumns,
)
from edfi_cte.campus.mapping import (
    MAPPING_TEMPLATE,
    MissingColumn,
    NamedColumn,
    NoTableAtAll,
    missing_columns,
    named_columns,
)
from edfi_cte.campus.rows import BLANKS, CodeUsage, Row, code_usage, day, enrollment_record, whole_number
from edfi_cte.campus.server import Server
from edfi_cte.campus.session import Hook, Isolation, Session, open_session, speaks_t_sql
from edfi_cte.campus.templates import PARTS, Statement, Templates, Value, rules

StudentId = Literal["stateID", "edFiID", "studentNumber"]

TIMEOUT_SECONDS = 600.0

IDS_A_STATEMENT = 500
"""SQL Server takes 2,100 parameters at most."""


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """A scope year's first and last day, both part of it."""

    scope_year: int
    start_date: date
    end_date: date


class CampusReader:
    """The district's view of a Campus database.

    Every method opens its own connection and closes it. All raise :class:`CampusError`: see
    its module. ``isolation`` is for SQL Server: ``snapshot`` needs ALLOW_SNAPSHOT_ISOLATION on the database.
    ``exclude_also`` names rules that the page does not have (:data:`OPTIONAL_RULES`); the mapping's columns for them
    are read only then. ``parts`` chooses between the mapping's own alternatives (:data:`.templates.PARTS`).
    ``timeout_seconds``: the longest that one answer (a connection, a statement, a batch of rows) is waited for.
    ``on_read`` is told each statement that was read to its end, with the number of its rows.
    """

    def __init__(
        self,
        hook: Hook,
        *,
        district_number: str,
        sql_dir: Path | None = None,
        student_id: StudentId = "stateID",
        fetch_size: int = 2000,
        isolation: Isolation = "read_committed",
        timeout_seconds: float = TIMEOUT_SECONDS,
        exclude_also: Collection[str] = (),
        parts: Mapping[str, str] = PARTS,
        on_read: Callable[[str, int], None] | None = None,
    ) -> None:
        if student_id not in get_args(StudentId):
            raise InvalidTemplate(f"student_id: one of {', '.join(get_args(StudentId))}")
        if isolation not in get_args(Isolation):
            raise InvalidTemplate(f"isolation: one of {', '.join(get_args(Isolation))}")
        self._hook = hook
        self._district_number = district_number
        if unknown := set(exclude_also) - set(OPTIONAL_RULES):
            raise InvalidTemplate(
                f"exclude_also: any of {', '.join(OPTIONAL_RULES)}; not {', '.join(sorted(unknown))}"
            )
        optional = [str(rule) for rule in OPTIONAL_RULES if rule in exclude_also]
        self._identifiers: dict[str, Any] = {
            "student_id": student_id,
            "exclude_also": optional,
            "rules": rules(optional),
            "parts": {**PARTS, **parts},
        }
        self._fetch_size = fetch_size
        self._isolation: Isolation = isolation
        self._seconds = timeout_seconds
        self._on_read = on_read
        self._templates = Templates(
            sql_dir, hook.placeholder, "varchar" if hook.conn_type == "postgres" else "nvarchar"
        )

    def school_year(self, scope_year: int) -> SchoolYear:
        """The scope year's dates: Campus's own, else July 1 to June 30.

        Source: "Vermont Ed-Fi Configuration", School Year (the School Years editor's dates, 7/1 and 6/30 if empty).
        """
        with self._connection() as session:
            return self._school_year(session, scope_year)

    def own_number(self) -> str:
        """The district's State District Number as this Campus spells it. Raises :class:`DistrictNotFound`."""
        with self._connection() as session:
            return self._own_number(session)

    def district_numbers(self) -> list[str]:
        """The State District Number of each district in this Campus."""
        with self._connection() as session:
            return self._district_numbers(session)

    def enrollment_records(self, scope_year: int) -> Iterator[EnrollmentRecord]:
        """The candidates of the scope year, each once, by ascending enrollment id, streamed.

        Raises what :meth:`enrollment_rows` does.
        """
        for rows in self.enrollment_rows(scope_year):
            yield from map(enrollment_record, rows)

    def enrollment_rows(self, scope_year: int) -> Iterator[list[Row]]:
        """The candidates as the database gives them, to be read by :func:`.rows.enrollment_record`; in batches.

        Raises :class:`DistrictNotFound`, :class:`InvalidCampusData`, and :class:`IncompleteExtract` if the stream
        ends before the count that the database gave with it.
        """
        with self._connection() as session:
            statement = self._year_statement(session, "enrollment_records.sql", scope_year)
            yield from self._counted(session, statement, scope_year)

    def records_by_id(self, scope_year: int, enrollment_ids: Collection[int]) -> list[EnrollmentRecord]:
        """Those of the enrollments that are candidates of the scope year now, by id: asked for one by one.

        What an extract did not give and this does not either is gone; what it gives after all was misread. Raises
        what :meth:`enrollment_rows` does.
        """
        found: list[EnrollmentRecord] = []
        wanted = sorted(set(enrollment_ids))
        if not wanted:
            return found
        with self._connection() as session:
            for start in range(0, len(wanted), IDS_A_STATEMENT):
                values = {f"id_{number}": number for number in wanted[start : start + IDS_A_STATEMENT]}
                statement = self._year_statement(
                    session, "enrollment_records.sql", scope_year, values, ids=list(values)
                )
                for rows in self._counted(session, statement, scope_year):
                    found += map(enrollment_record, rows)
        return found

    def _counted(self, session: Session, statement: Statement, scope_year: int) -> Iterator[list[Row]]:
        """The statement's rows without their count; IncompleteExtract if fewer came than it says."""
        previous, received, total = -1, 0, 0
        for batch in self._batches(session, statement, "the enrollment records"):
            previous, received, total = _last_id(batch, previous), received + len(batch), batch[-1][-1]
            yield [row[:-1] for row in batch]
        if received != total:
            raise IncompleteExtract(
                f"Campus counted {total} enrollment records for {scope_year} and sent {received}. Nothing was "
                "concluded from them; run again."
            )

    def enrollment_count(self, scope_year: int) -> int:
        """How many enrollments the district has in the scope year's calendars, career-technical or not."""
        with self._connection() as session:
            statement = self._render(
                "enrollment_count.sql", {"district_number": self._own_number(session), "scope_year": scope_year}
            )
            ((count,),) = self._rows(session, statement, "the number of enrollments")
            return whole_number(count, "enrollments")

    def code_usage(self, scope_year: int) -> list[CodeUsage]:
        """Each code of the career-technical fields, in use or only listed, by field and code.

        Raises :class:`InvalidCampusData` where a year's extract would for its code list.
        """
        with self._connection() as session:
            statement = self._year_statement(session, "code_usage.sql", scope_year)
            return [code_usage(row) for row in self._rows(session, statement, "the code lists")]

    @property
    def asks_for_encryption(self) -> bool:
        """Whether the connection's extra has the driver insist on an encrypted line."""
        extra = getattr(getattr(self._hook, "connection", None), "extra_dejson", {})
        return str(extra.get("encryption", "")).casefold() in ("require", "required", "strict")

    def server(self) -> Server | None:
        """What a SQL Server says of itself; None of another database, and where the login may not see it."""
        if not speaks_t_sql(self._hook):
            return None
        with self._connection() as session:
            rows = list(self._rows(session, self._render("server.sql", {}), "the server's version"))
        return Server.of(rows[0]) if rows else None

    def is_understood(self) -> bool:
        """Whether the server can parse and run the simplest of the queries."""
        try:
            self.district_numbers()
        except CampusQueryRefused:
            return False
        return True

    def missing_columns(self) -> list[MissingColumn]:
        """What the mapping template names and this database lacks, by INFORMATION_SCHEMA; empty if all is there."""
        with self._connection() as session:
            return self._missing_columns(session)

    def _connection(self) -> AbstractContextManager[Session]:
        return open_session(self._hook, self._isolation, self._seconds, self._names)

    def _names(self) -> set[str]:
        """The tables and columns that the mapping names; none where it can't be read."""
        try:
            named = named_columns(self._templates.mapping(**self._identifiers))
        except InvalidTemplate:
            return set()
        return {name for column in named for name in (column.table, column.column)}

    def _rows(self, session: Session, statement: Statement, what: str) -> Iterator[Row]:
        for batch in self._batches(session, statement, what):
            yield from batch

    def _batches(self, session: Session, statement: Statement, what: str) -> Iterator[Sequence[Row]]:
        """The statement's rows in batches; a name that is not there explains a failure, where it can."""
        rows = 0
        try:
            for batch in session.batches(statement, self._fetch_size, what):
                rows += len(batch)
                yield batch
        except CampusQueryFailed as failure:
            raise self._explained(failure) from None
        if self._on_read is not None:
            self._on_read(statement.text, rows)

    def _explained(self, failure: CampusQueryFailed) -> CampusError:
        """The failure of a statement, or the names that are missing if that is why."""
        if type(failure) not in (CampusQueryFailed, CampusQueryRefused):
            return failure
        try:
            missing = self.missing_columns()
        except CampusError:
            return failure
        return MissingColumns(missing) if missing else failure

    def _year_statement(
        self,
        session: Session,
        template: str,
        scope_year: int,
        values: Mapping[str, Value] | None = None,
        /,
        **identifiers: Sequence[str],
    ) -> Statement:
        own_number = self._own_number(session)
        year = self._school_year(session, scope_year)
        bound: dict[str, Value] = {
            **(values or {}),
            "district_number": own_number,
            "scope_year": scope_year,
            "year_start": year.start_date.isoformat(),
            "year_end": year.end_date.isoformat(),
        }
        return self._render(template, bound, **identifiers)

    def _render(self, template: str, values: Mapping[str, Value], /, **identifiers: Sequence[str]) -> Statement:
        return self._templates.render(template, {"blanks": BLANKS, **values}, **self._identifiers, **identifiers)

    def _own_number(self, session: Session) -> str:
        """The district's number as this Campus spells it: 039141, 39141 or 39141.00 are the district 039141."""
        numbers = self._district_numbers(session)
        alike = [n for n in numbers if _as_district(n) == _as_district(self._district_number)]
        if self._district_number in numbers:
            return self._district_number
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise DistrictNotFound(
                f"This Campus has several districts that may be {self._district_number}: {', '.join(alike)}. Correct "
                "the column of district_number in campus_mapping.sql."
            )
        raise DistrictNotFound(
            f"This Campus has no district {self._district_number}; it has: {', '.join(numbers) or 'none'}. Correct "
            "district_number in the settings, the connection's database, or the column of district_number in "
            "campus_mapping.sql. A district number can't change after data has been sent."
        )

    def _district_numbers(self, session: Session) -> list[str]:
        statement = self._render("district_numbers.sql", {})
        return [number for (number,) in self._rows(session, statement, "the districts")]

    def _school_year(self, session: Session, scope_year: int) -> SchoolYear:
        statement = self._render("school_year.sql", {"scope_year": scope_year})
        ((start, end),) = self._rows(session, statement, "the school year")
        year = SchoolYear(
            scope_year,
            day(start, "SchoolYear start_date") or date(scope_year - 1, 7, 1),
            day(end, "SchoolYear end_date") or date(scope_year, 6, 30),
        )
        if not date(scope_year - 1, 1, 1) <= year.start_date < year.end_date <= date(scope_year, 12, 31):
            raise InvalidCampusData(
                f"Campus gives the school year ending in {scope_year} the dates {year.start_date} to "
                f"{year.end_date}. Correct them in Campus's School Years editor, or empty them there for July 1 to "
                "June 30."
            )
        return year

    def _missing_columns(self, session: Session) -> list[MissingColumn]:
        named = named_columns(self._templates.mapping(**self._identifiers))
        present: set[tuple[str, str, str]] = set()
        for database in {name.place[:-1] for name in named}:
            present |= self._present(session, database, [n for n in named if n.place[:-1] == database])
        missing = missing_columns(named, present, MAPPING_TEMPLATE)
        if present or not missing:
            return missing
        # No table at all: the place is wrong, and nothing is gained by a line for each.
        first = missing[0]
        return [NoTableAtAll(first.template, first.line, first.table, None, self._place())]

    def _place(self) -> str:
        """The connection, and the database that it names."""
        name = getattr(self._hook, self._hook.conn_name_attr, "")
        database = getattr(getattr(self._hook, "connection", None), "schema", None)
        return f"connection '{name}'" + (f", database '{database}'" if database else "")

    def _present(
        self, session: Session, database: tuple[str, ...], named: list[NamedColumn]
    ) -> set[tuple[str, str, str]]:
        """(place, table, column) of every column of the named tables that the database has, in lower case."""
        tables = sorted({name.table.upper() for name in named})
        statement = self._templates.render(
            "columns.sql",
            dict(zip(tables, tables, strict=True)),
            information_schema=".".join((*(f'"{part}"' for part in database), "INFORMATION_SCHEMA")),
            tables=tables,
        )
        batches = session.batches(statement, self._fetch_size, "the names of the columns")
        prefix = "".join(f"{part}." for part in database)
        return {
            (place.casefold(), table.casefold(), column.casefold())
            for schema, table, column in chain.from_iterable(batches)
            for place in (f"{prefix}{schema}", "")
        }


def _as_district(number: str) -> int | str:
    """A district number as the number it is, whatever its zeros; other text as it stands."""
    whole, _, zeros = number.partition(".")
    return int(whole) if whole.isdecimal() and not zeros.strip("0") else number


def _last_id(batch: Sequence[Row], previous: int) -> int:
    """The last enrollment id of a batch, where each is greater than the one before it."""
    ids = [row[0] if type(row[0]) is int else whole_number(row[0], "enrollment_id") for row in batch]
    if ids[0] <= previous or ids != sorted(set(ids)):
        raise InvalidCampusData(
            f"enrollment {_repeated(ids, previous)} came more than once. {MAPPING_TEMPLATE} must give each "
            "enrollment once in campus_enrollment and each person once in campus_person: see its joins."
        )
    return ids[-1]


def _repeated(ids: Sequence[int], previous: int) -> int:
    """The first id that is not greater than the one before it."""
    return next(after for before, after in pairwise((previous, *ids)) if after <= before)
