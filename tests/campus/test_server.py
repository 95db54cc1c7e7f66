"""What preflight and ``edfi-cte check`` say of a SQL Server: version, database, schema, isolation, encryption, limit.

The server is the protocol server of tds.py; what it says of itself are a SQL Server's own answers.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from edfi_cte.deployment import open_lane
from edfi_cte.sync.checks import Finding, Level, check_campus, check_campus_server, check_programs, check_usage
from edfi_cte.sync.lane import RunOptions
from tests.campus.tds import TdsServer, Trouble
from tests.campus.test_faults import connect, deployment, failure, ods, server
from tests.deployment import Deployment

__all__ = ["deployment", "ods", "server"]


def checked(check: Any) -> list[Finding]:
    return list(check(open_lane("039141-2026", "check", RunOptions(dry_run=True))))


def said(check: Any, level: Level) -> list[str]:
    return [str(finding) for finding in checked(check) if finding.level == level]


def facts(
    server: TdsServer, version: str = "16.0.4003.1", level: int = 160, rcsi: int = 1, snapshot: int = 0
) -> None:
    server.answers["SERVERPROPERTY"] = [(version, level, "campus", rcsi, snapshot)]


def test_an_old_server_is_named_in_one_line(deployment: Deployment, server: TdsServer):
    facts(server, "13.0.7000.1", 130)
    server.troubles.append(Trouble("TRIM", 102, "Incorrect syntax near the keyword 'FROM'.", times=1000))
    again, why = failure("preflight")
    assert not again
    assert why.count("\n") == 0
    assert "SQL Server 2016 does not know TRIM" in why
    assert "SQL Server 2017 or later" in why


def test_a_server_that_counts_otherwise_but_understands_is_taken(deployment: Deployment, server: TdsServer):
    facts(server, "12.0.2000.8", 120)
    assert said(check_campus, Level.ERROR) == []


def test_a_wrong_schema_or_database_is_named_once(deployment: Deployment, server: TdsServer):
    server.database.execute("CREATE SCHEMA ic; DROP TABLE dbo.Person")
    for table in ("District", "SchoolYear", "School", "Calendar", "Enrollment", "EnrollmentMO", "CampusAttribute"):
        server.database.execute(f"DROP TABLE dbo.{table}")
    server.database.execute("DROP TABLE dbo.CampusDictionary; DROP TABLE dbo.GradeLevel")
    [line] = said(check_campus, Level.ERROR)
    assert "connection 'campus', database 'campus': none of the tables that campus_mapping.sql names is there" in line
    assert "dbo.District" in line
    again, why = failure("preflight")
    assert (again, why.count("\n")) == (False, 0)


@pytest.mark.parametrize(
    ("rcsi", "snapshot", "chosen", "level", "words"),
    [
        (1, 0, "read_committed", Level.OK, "READ_COMMITTED_SNAPSHOT is on"),
        (0, 1, "snapshot", Level.OK, "snapshot: a query reads one consistent state"),
        (0, 1, "read_committed", Level.WARNING, "set campus_isolation to snapshot, which it allows"),
        (0, 0, "read_committed", Level.WARNING, "after its owner has run ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT"),
        (1, 0, "snapshot", Level.ERROR, "the database does not allow it"),
    ],
)
def test_isolation_is_said_once(
    deployment: Deployment, server: TdsServer, rcsi: int, snapshot: int, chosen: str, level: Level, words: str
):
    facts(server, rcsi=rcsi, snapshot=snapshot)
    deployment.settings["targets"][0]["campus_isolation"] = chosen
    deployment.deploy()
    found = [f for f in checked(check_campus_server) if f.subject == "Campus isolation"]
    assert [finding.level for finding in found] == [level]
    assert words in found[0].message
    assert not [f for f in checked(check_campus) if "SNAPSHOT" in f.message], "not in each run's preflight again"


def test_version_level_and_limit_are_said(deployment: Deployment, server: TdsServer):
    facts(server, "14.0.3465.1", 100)
    [old, _] = said(check_campus_server, Level.WARNING)
    assert "SQL Server 2017, database 'campus', compatibility level 100: the queries were not tried below 110" in old
    facts(server, "14.0.3465.1", 110)
    [encryption] = said(check_campus_server, Level.WARNING)
    assert "compatibility" not in encryption
    assert any("an answer is waited for 600 s at most" in line for line in said(check_campus_server, Level.OK))


def test_a_connection_that_does_not_ask_for_encryption_is_warned_of(deployment: Deployment, server: TdsServer):
    [line] = said(check_campus_server, Level.WARNING)
    assert '"encryption": "require"' in line
    assert "certificate" in line
    connect(deployment, server, extra={"encryption": "require"})
    again, why = failure("preflight")
    assert (again, "'campus'" in why) == (True, True), "the protocol server has no TLS, so the driver gives up"


def test_codes_that_can_not_be_read_are_said_once(deployment: Deployment, server: TdsServer):
    lane = open_lane("039141-2026", "check", RunOptions(dry_run=True))
    server.troubles.append(Trouble("FULL OUTER JOIN", 1205, "Deadlock.", times=2))

    async def programs() -> list[Finding]:
        async with lane.open_ods() as client:
            return [finding async for finding in check_programs(lane, client)]

    [line] = said(check_usage, Level.ERROR)
    assert "deadlock victim" in line
    assert asyncio.run(programs()) == []
