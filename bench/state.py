"""Row 11: a whole state, two scope years of each district, on one real scheduler, with PostgreSQL for all."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import sqlalchemy as sa
import yaml

from bench.airflow import ROOT, Airflow, connection, environment, standalone
from bench.results import Row
from edfi_cte.sync.lane import RESOURCE
from sandbox.campus import load
from sandbox.ods import RunningOds, serve
from tests.postgres import empty_database, running_postgres
from tests.sync.campus import PROGRAM_TYPES, YEARS, small_campus
from tests.sync.ods_seed import seed

DISTRICTS = 558
RECORDS = 10
"""Of a lane."""
DAG = "student_cte_program_associations"
_FIRST = 100_000
_DEADLINE_SECONDS = 1200

_CAMPUS = """
    INSERT INTO dbo."District" BY NAME
    SELECT {first} + d AS "districtID", CAST({first} + d AS varchar) AS "number", 'A' AS "name"
    FROM range({n}) AS r(d);
    INSERT INTO dbo."School" BY NAME
    SELECT {first} + d AS "schoolID", {first} + d AS "districtID", '1050' AS "number", 'High' AS "name"
    FROM range({n}) AS r(d);
    INSERT INTO dbo."Calendar" BY NAME
    SELECT ({first} + d) * 10 + y % 10 AS "calendarID", {first} + d AS "schoolID", {first} + d AS "districtID",
        y AS "endYear", make_timestamp(y - 1, 8, 20, 0, 0, 0) AS "startDate",
        make_timestamp(y, 5, 22, 0, 0, 0) AS "endDate"
    FROM range({n}) AS r(d), (VALUES {years}) AS v(y);
    INSERT INTO dbo."Person" BY NAME
    SELECT ({first} + d) * 100 + p AS "personID", CAST(({first} + d) * 10000 + p AS varchar) AS "stateID",
        CAST(p AS varchar) AS "studentNumber"
    FROM range({n}) AS r(d), range({records}) AS s(p);
    INSERT INTO dbo."Enrollment" BY NAME
    SELECT (({first} + d) * 10 + y % 10) * 100 + p AS "enrollmentID", ({first} + d) * 100 + p AS "personID",
        ({first} + d) * 10 + y % 10 AS "calendarID", {first} + d AS "districtID", y AS "endYear",
        'P' AS "serviceType", make_timestamp(y - 1, 8, 20, 0, 0, 0) AS "startDate"
    FROM range({n}) AS r(d), range({records}) AS s(p), (VALUES {years}) AS v(y);
    INSERT INTO dbo."EnrollmentMO" BY NAME
    SELECT (({first} + d) * 10 + y % 10) * 100 + p AS "enrollmentID", ({first} + d) * 100 + p AS "personID",
        CAST(1 + p % 16 AS varchar) AS "careerCluster", '{kind}' AS "cteProgramType"
    FROM range({n}) AS r(d), range({records}) AS s(p), (VALUES {years}) AS v(y);
"""


def row(districts: int = DISTRICTS) -> Row:
    """Row 11."""
    lanes = districts * len(YEARS)
    with _state(districts) as (airflow, ods, ledger, variables):
        parse = _parse_seconds(variables)
        first = airflow.run(DAG, _DEADLINE_SECONDS)
        ods.control.clear_log()
        assets, before = airflow.asset_events(), airflow.cpu_seconds()
        second = airflow.run(DAG, _DEADLINE_SECONDS)
        cpu = (airflow.cpu_seconds() - before) / lanes
        told = airflow.asset_events() - assets
        right = _right(ledger, lanes) and told == lanes
        writes = sum(
            n for (method, path, _), n in ods.control.counts().items() if method != "GET" and RESOURCE in path
        )
        figures = {
            "first run s": first,
            "unchanged run s": second,
            "CPU s a lane": cpu,
            "DAG parse CPU s": parse,
            "lanes": lanes,
            "reports right": right,
            "writes": writes,
            "requests a lane": ods.control.count() / lanes,
        }
    return Row(
        11,
        f"{lanes:,} targets of {RECORDS}, unchanged, one scheduler, LocalExecutor, PostgreSQL",
        "nothing: CPU of all of Airflow's processes",
        "at most 0.5 CPU s a lane, DAG parse 0.3, every report right",
        cpu,
        cpu <= 0.5 and parse <= 0.3 and right and not writes,
        figures,
        "A lane's own work is some 0.2 CPU seconds; the rest is a process a task of fifty lanes, and the scheduler.",
    )


def _right(ledger: str, lanes: int) -> bool:
    """Whether both runs of every lane were reported as fine, the first with all of its records sent."""
    engine = sa.create_engine(ledger)
    with engine.connect() as rows:
        runs = rows.execute(sa.text("SELECT status, count(*) FROM edfi_cte_run GROUP BY status")).all()
        mapped = rows.execute(sa.text("SELECT count(*) FROM edfi_cte_identity_mapping")).scalar_one()
    engine.dispose()
    return [tuple(row) for row in runs] == [("ok", 2 * lanes)] and mapped == RECORDS * lanes


def _parse_seconds(variables: dict[str, str]) -> float:
    """CPU seconds to execute the DAG file, its imports done."""
    code = (
        "import runpy, time, edfi_cte.operators.student_cte_program_associations as _\n"
        f"path = {str(ROOT / 'dags' / f'{DAG}.py')!r}\n"
        "import importlib.util\n"
        "started = time.process_time(); runpy.run_path(path); print('took', time.process_time() - started)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env=variables | {"PYTHONPATH": str(ROOT / "plugins")},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.rpartition("took ")[2])


@contextmanager
def _state(districts: int) -> Iterator[tuple[Airflow, RunningOds, str, dict[str, str]]]:
    seeds = {year: _seed(districts) for year in YEARS}
    with (
        TemporaryDirectory(prefix="edfi-cte-bench-") as name,
        running_postgres() as server,
        empty_database(server) as own,
        empty_database(server) as ledger,
        serve(seed=seeds, api="7.3", school_years=YEARS) as ods,
    ):
        folder = Path(name)
        home, campus, settings = folder / "airflow", folder / "campus.duckdb", folder / "edfi_cte.yaml"
        (home / "dags").mkdir(parents=True)
        (home / "dags" / f"{DAG}.py").write_text((ROOT / "dags" / f"{DAG}.py").read_text())
        _build_campus(campus, districts)
        settings.write_text(yaml.safe_dump(_settings(districts)))
        time.sleep(2.1)  # a file this young is read anew each time
        url = sa.make_url(ledger)
        edfi = {
            f"AIRFLOW_CONN_EDFI_{_FIRST + d}_{year}": connection(
                "edfi", host=ods.base_url, login=ods.key, password=ods.secret, extra={"school_year": year}
            )
            for d in range(districts)
            for year in YEARS
        }
        variables = environment(
            home,
            settings,
            AIRFLOW__CORE__EXECUTOR="LocalExecutor",
            AIRFLOW__CORE__PARALLELISM="4",
            AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=own,
            AIRFLOW_CONN_CAMPUS=connection("duckdb", host=str(campus), extra={"read_only": True}),
            AIRFLOW_CONN_EDFI_CTE_LEDGER=connection(
                "postgres", host=url.host, port=url.port, login=url.username, schema=url.database
            ),
            **edfi,
        )
        with standalone(home, variables, own) as airflow:
            yield airflow, ods, ledger, variables


def _settings(districts: int) -> dict[str, Any]:
    return {
        "version": 1,
        "dag": {"schedule": None, "retries": 0},
        "targets": [
            {
                "district_number": str(_FIRST + d),
                "scope_year": year,
                "campus_conn_id": "campus",
                "edfi_conn_id": f"edfi_{_FIRST + d}_{year}",
            }
            for d in range(districts)
            for year in YEARS
        ],
    }


def _build_campus(path: Path, districts: int) -> None:
    """A Campus of so many districts, each with a school, a calendar a year and ten students."""
    own = ("District", "School", "Calendar", "Person", "Enrollment")
    load(path, {name: rows for name, rows in small_campus().items() if name not in own})
    with duckdb.connect(str(path)) as database:
        database.execute(
            _CAMPUS.format(
                first=_FIRST,
                n=districts,
                records=RECORDS,
                years=", ".join(f"({year})" for year in YEARS),
                kind=next(iter(PROGRAM_TYPES)),
            )
        )


def _seed(districts: int) -> dict[str, list[dict[str, Any]]]:
    """The tests' small ODS, its district with school, programs and students so many times over."""
    one = seed()
    (enrolled, *_), (person, *_) = one["studentSchoolAssociations"], one["students"]
    many = one | {name: [] for name in _OF_A_DISTRICT}
    for edorg in range(_FIRST, _FIRST + districts):
        school = edorg * 1000 + 1
        for name in ("localEducationAgencies", "schools", "programs"):
            many[name] += [_of(document, edorg, school) for document in one[name]]
        for number in range(RECORDS):
            identity = str(edorg * 10000 + number)
            many["students"].append(person | {"studentUniqueId": identity})
            many["studentSchoolAssociations"].append(
                enrolled
                | {"studentReference": {"studentUniqueId": identity}, "schoolReference": {"schoolId": school}}
            )
    return many


_OF_A_DISTRICT = ("localEducationAgencies", "schools", "programs", "students", "studentSchoolAssociations")


def _of(document: dict[str, Any], edorg: int, school: int) -> dict[str, Any]:
    """A document of the tests' district as one of another."""
    text = json.dumps(document)
    return dict(json.loads(text.replace("391411050", str(school)).replace("39141", str(edorg))))
