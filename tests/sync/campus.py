# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""A small Campus on DuckDB: its rows are Python's, and the database is made of them when it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import datetime
from hashlib import sha256
from itertools import islice
from threading import Lock
from typing import Any

import duckdb

from sandbox.campus.database import create_table, insert
from sandbox.campus.schema import SCHEMA, Row, Tables

DISTRICT = "039141"
YEARS = (2025, 2026)
STUDENTS = {number: f"10000000{number:02}" for number in range(1, 9)}
PROGRAM_TYPES = {"0110": "Agricultural Education", "0410": "Health Sciences"}


def small_campus(district: str = DISTRICT) -> Tables:
    """A Campus of one school, a calendar a year, eight students, and one enrollment without a CTE value a year."""
    return {
        "District": [{"districtID": 1, "number": district, "name": "Sample"}],
        "SchoolYear": [{"endYear": year, "startYear": year - 1} for year in YEARS],
        "School": [{"schoolID": 1, "districtID": 1, "number": "1050", "name": "High", "exclude": None}],
        "Calendar": [calendar(year) for year in YEARS],
        "Person": [{"personID": n, "stateID": sid, "studentNumber": str(n)} for n, sid in STUDENTS.items()],
        "Enrollment": [enrollment(900 + year - 2000, year, person=8) for year in YEARS],
        "EnrollmentMO": [],
        "CampusAttribute": [
            {"attributeID": 1, "object": "EnrollmentMO", "element": "careerCluster"},
            {"attributeID": 2, "object": "EnrollmentMO", "element": "cteProgramType"},
        ],
        "CampusDictionary": [
            {"dictionaryID": n, "attributeID": 2, "code": code, "name": name}
            for n, (code, name) in enumerate(PROGRAM_TYPES.items(), 1)
        ],
    }


def calendar(year: int) -> Row:
    """The calendar of a school year; its id is the year."""
    return {
        "calendarID": year,
        "schoolID": 1,
        "districtID": 1,
        "endYear": year,
        "startDate": datetime(year - 1, 8, 20),
        "endDate": datetime(year, 5, 22),
        "exclude": None,
    }


def enrollment(number: int, year: int = 2026, person: int = 1, **columns: Any) -> Row:
    """An open primary enrollment from the first day of a year's calendar."""
    return {
        "enrollmentID": number,
        "personID": person,
        "calendarID": year,
        "districtID": 1,
        "endYear": year,
        "serviceType": "P",
        "startDate": datetime(year - 1, 8, 20),
        "endDate": None,
        "noShow": None,
        **columns,
    }


ANSWERS: dict[bytes, list[Any]] = {}
"""By a digest of all rows of a Campus, a statement and its parameters."""


class Connection:
    """A connection, and each cursor of it, as DB-API has them."""

    def __init__(self, campus: Campus) -> None:
        self._campus = campus
        self._rows: Iterator[Any] = iter(())

    def cursor(self) -> Connection:
        return Connection(self._campus)

    def execute(self, text: str, parameters: Sequence[Any] = ()) -> None:
        self._rows = iter(self._campus.answer(text, parameters))

    def fetchmany(self, size: int) -> list[Any]:
        return list(islice(self._rows, size))

    def close(self) -> None:
        self._rows = iter(())


class Campus:
    """Campus's rows, which a test changes as it likes, and the database that is made of them when it is read."""

    conn_name_attr = "duckdb_conn_id"
    duckdb_conn_id = "campus"
    conn_type = "duckdb"
    supports_autocommit = False
    placeholder = "?"

    def __init__(self, district: str = DISTRICT) -> None:
        self.tables = small_campus(district)
        self._lock = Lock()
        self._written: Tables = {}
        self._database: duckdb.DuckDBPyConnection | None = None

    def add(self, number: int, cluster: str | None = "8", kind: str | None = "0410", **columns: Any) -> Row:
        """Enroll someone, with career-technical values."""
        row = enrollment(number, **columns)
        self.tables["Enrollment"].append(row)
        self.tables["EnrollmentMO"].append(
            {"enrollmentID": number, "personID": row["personID"], "careerCluster": cluster, "cteProgramType": kind}
        )
        return row

    def remove(self, number: int) -> None:
        """Delete an enrollment."""
        for name in ("Enrollment", "EnrollmentMO"):
            self.tables[name] = [row for row in self.tables[name] if row["enrollmentID"] != number]

    def row(self, table: str, number: int) -> Row:
        """A row by its id."""
        key = {"Enrollment": "enrollmentID", "EnrollmentMO": "enrollmentID", "Person": "personID"}.get(table)
        key = key or {"Calendar": "calendarID", "School": "schoolID", "District": "districtID"}[table]
        return next(row for row in self.tables[table] if row[key] == number)

    def set(self, table: str, number: int, /, **columns: Any) -> None:
        """Change a row."""
        self.row(table, number).update(columns)

    def full_tables(self) -> Tables:
        """The rows with every column, as a database gives them."""
        columns = {table.name: dict.fromkeys(table.columns) for table in SCHEMA}
        return {name: [columns[name] | row for row in rows] for name, rows in self.tables.items()}

    def get_conn(self) -> Any:
        """A connection to what the rows are now."""
        return Connection(self)

    def answer(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        """All that a statement gives. Of equal rows it is computed once a process.

        DuckDB takes 30 ms to plan a statement of 20,000 signs, and the tests read thousands of times.
        """
        with self._lock:
            asked = sha256(repr((self.tables, text, parameters)).encode()).digest()
            if asked not in ANSWERS:
                ANSWERS[asked] = self._up_to_date().execute(text, parameters).fetchall()
            return ANSWERS[asked]

    def _up_to_date(self) -> duckdb.DuckDBPyConnection:
        if self._database is None:
            self._database = duckdb.connect(":memory:")
            self._database.execute("CREATE SCHEMA dbo")
            for table in SCHEMA:
                self._database.execute(create_table(table, "duckdb"))
        for name, rows in self.tables.items():
            if rows != self._written.get(name):
                self._database.execute(f"DELETE FROM dbo.{name}")
                if rows:
                    self._database.execute(insert(name, rows, "duckdb"))
                self._written[name] = deepcopy(rows)
        return self._database

    def close(self) -> None:
        """Let the database go; the rows stay."""
        if self._database is not None:
            self._database.close()
        self._database, self._written = None, {}

    def set_autocommit(self, _conn: Any, _autocommit: bool) -> None:
        raise NotImplementedError
