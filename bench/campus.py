"""How long a district's scope year takes to be read out of a Campus of millions, on DuckDB and PostgreSQL.

``python -m bench.campus [districts ...]``: 50,000 enrollments a district over twelve years, a fifth of them
career-technical. The time should follow the rows that come, not those that are there. No SQL Server is measured.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from edfi_cte.campus import CampusReader
from tests.campus.engines import DuckDbHook, PostgreSqlHook
from tests.campus.wrapped import WrappedHook
from tests.postgres import empty_database, running_postgres

YEARS, SCHOOLS, A_DISTRICT = 12, 5, 50_000
LAST_YEAR = 2026
ROWS = f"""
    SELECT
        n AS id,
        (n - 1) / {A_DISTRICT} + 1 AS district,
        (n - 1) % {A_DISTRICT} AS k
    FROM {{series}}
"""
TABLES = {
    "District": 'SELECT d AS "districtID", CAST(100000 + d AS varchar(12)) AS number FROM {districts}',
    "SchoolYear": 'SELECT 2026 AS "endYear", CAST(NULL AS date) AS "startDate", CAST(NULL AS date) AS "endDate"',
    "School": f"""
        SELECT d * {SCHOOLS} + s AS "schoolID", CAST(s AS varchar(6)) AS number, 'School' AS name,
               CAST(NULL AS boolean) AS exclude
        FROM {{districts}} CROSS JOIN {{schools}}
    """,
    "Calendar": f"""
        SELECT (d * {SCHOOLS} + s) * 100 + y AS "calendarID", d * {SCHOOLS} + s AS "schoolID", d AS "districtID",
               {LAST_YEAR} - y AS "endYear", 'Regular' AS name,
               make_date({LAST_YEAR} - CAST(y AS int), 5, 22) AS "endDate", CAST(NULL AS boolean) AS exclude
        FROM {{districts}} CROSS JOIN {{schools}} CROSS JOIN {{years}}
    """,
    "Person": 'SELECT id AS "personID", CAST(1000000000 + id AS varchar(15)) AS "stateID" FROM rows_',
    "Enrollment": f"""
        SELECT id AS "enrollmentID", id AS "personID", district AS "districtID",
               (district * {SCHOOLS} + k % {SCHOOLS}) * 100 + (k / {SCHOOLS}) % {YEARS} AS "calendarID",
               'P' AS "serviceType",
               make_date({LAST_YEAR - 1} - CAST((k / {SCHOOLS}) % {YEARS} AS int), 8, 20) AS "startDate",
               CASE WHEN k % 2 = 0 THEN make_date({LAST_YEAR} - CAST((k / {SCHOOLS}) % {YEARS} AS int), 5, 20) END
                   AS "endDate", CAST(NULL AS boolean) AS "noShow"
        FROM rows_
    """,
    "EnrollmentMO": """
        SELECT id AS "enrollmentID", '8' AS "careerCluster", '0410' AS "cteProgramType" FROM rows_ WHERE id % 5 = 0
    """,
    "CampusAttribute": """
        SELECT 2 AS "attributeID", 'EnrollmentMO' AS object, 'cteProgramType' AS element
    """,
    "CampusDictionary": "SELECT 2 AS \"attributeID\", '0410' AS code, 'Health Sciences' AS name",
}
INDEXES = (
    ("Enrollment", '"districtID", "calendarID"'),
    ("EnrollmentMO", '"enrollmentID"'),
    ("Person", '"personID"'),
    ("Calendar", '"calendarID"'),
)


def statements(districts: int, engine: str) -> list[str]:
    """What makes the Campus."""
    series = {"duckdb": "range({0}, {1}) AS t({2})", "postgresql": "generate_series({0}, {1} - 1) AS t({2})"}[engine]
    names = {
        "districts": series.format(1, districts + 1, "d"),
        "schools": series.format(0, SCHOOLS, "s").replace("AS t(", "AS t2("),
        "years": series.format(0, YEARS, "y").replace("AS t(", "AS t3("),
    }
    rows = ROWS.format(series=series.format(1, districts * A_DISTRICT + 1, "n"))
    if engine == "duckdb":
        rows = rows.replace("/", "//")
    made = ["CREATE SCHEMA dbo", f"CREATE TABLE rows_ AS {rows}"]
    for name, query in TABLES.items():
        text = query.format(**names)
        if engine == "duckdb":
            text = text.replace(" / ", " // ")
        made.append(f"CREATE TABLE dbo.{name} AS {text}".replace('"', "" if engine == "postgresql" else '"'))
    if engine == "postgresql":
        made += [f"CREATE INDEX ON dbo.{table} ({columns})".replace('"', "") for table, columns in INDEXES]
    return [*made, "DROP TABLE rows_", "ANALYZE"]


def measured(hook: Any, sql_dir: Path | None = None) -> tuple[int, float]:
    """Rows and seconds of one district's scope year, the best of three; by other templates, to compare."""
    reader = CampusReader(hook, district_number="100001", sql_dir=sql_dir)
    best, rows = float("inf"), 0
    for _ in range(3):
        started = time.perf_counter()
        rows = sum(len(batch) for batch in reader.enrollment_rows(LAST_YEAR))
        best = min(best, time.perf_counter() - started)
    return rows, best


def plan(hook: Any) -> str:
    """PostgreSQL's plan of the year's statement, with what each step took."""
    watched = WrappedHook(hook)
    for _ in CampusReader(watched, district_number="100001").enrollment_rows(LAST_YEAR):
        pass
    statement, parameters = watched.statements[-1]
    with closing(hook.get_conn()) as connection, connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS) {statement}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def main(counts: list[int]) -> None:
    """Print a row a size and engine."""
    for districts in counts:
        with TemporaryDirectory() as folder:
            place = Path(folder) / "campus.duckdb"
            with duckdb.connect(str(place)) as connection:
                for statement in statements(districts, "duckdb"):
                    connection.execute(statement)
            told("DuckDB", districts, *measured(DuckDbHook(place)))
        with running_postgres() as server, empty_database(server) as url:
            hook = PostgreSqlHook(url)
            with closing(hook.get_conn()) as connection, connection.cursor() as cursor:
                connection.autocommit = True
                for statement in statements(districts, "postgresql"):
                    cursor.execute(statement)
            told("PostgreSQL", districts, *measured(hook))
            sys.stdout.write(f"{plan(hook)}\n")


def told(engine: str, districts: int, rows: int, seconds: float) -> None:
    """One line."""
    there = districts * A_DISTRICT
    said = f"{engine:<12} {districts:>4} districts {there:>10,} enrollments: {rows:>6,} rows in {seconds:6.2f} s\n"
    sys.stdout.write(said)


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or [10, 100])
