"""What a SQL Server is told before Campus is read, by the real driver to the protocol server of tds.py."""

import pytest

from tests.campus.tds import TdsServer
from tests.campus.test_faults import deployment, execute, ods, server
from tests.deployment import Deployment

__all__ = ["deployment", "ods", "server"]

SET = "SET TRANSACTION ISOLATION LEVEL "


@pytest.mark.parametrize(
    ("chosen", "level"), [(None, "READ COMMITTED"), ("read_committed", "READ COMMITTED"), ("snapshot", "SNAPSHOT")]
)
def test_every_session_has_the_level_of_the_settings_and_holds_no_transaction(
    deployment: Deployment, server: TdsServer, chosen: str | None, level: str
):
    server.answers["SERVERPROPERTY"] = [("16.0.4003.1", 160, "campus", 1, 1)]
    if chosen is not None:
        deployment.settings["targets"][0]["campus_isolation"] = chosen
        deployment.deploy()
    execute("preflight")
    assert execute("extract")["extracted"] == 5
    told = [statement for statement in server.statements if statement.startswith(SET)]
    assert told == [SET + level] * server.logins
    # Of two sessions that overlap, each has its level before it asks for anything.
    asked = [statement for statement in server.statements if "SELECT" in statement.upper()]
    assert server.statements.index(told[0]) < server.statements.index(asked[0])
    # pymssql begins a transaction as it connects.
    begun = [place for place, statement in enumerate(server.statements) if "BEGIN TRAN" in statement]
    assert len(begun) == server.logins
    assert all("ROLLBACK" in server.statements[place + 1] for place in begun)
