"""``edfi-cte forget``, and targets that left the settings."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.schema import run
from tests.deployment import Deployment
from tests.ledger.everything import fill

GONE = "039141-2024"


class NoOds:
    """The command asks no ODS anything."""

    base_url, key, secret = "http://127.0.0.1:9", "key", "secret"
    control = SimpleNamespace(revoke_tokens=lambda: None)


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_db: None) -> Deployment:
    from edfi_cte.cli.output import console

    monkeypatch.setattr(console, "_width", 400)
    monkeypatch.setattr(console, "_height", 100)
    deployment = Deployment(tmp_path, NoOds(), monkeypatch)
    with ledger_of(deployment).begin() as connection:
        for number, target_id in enumerate((GONE, "039141-2026")):
            fill(connection, target_id, number)
    return deployment


def ledger_of(deployment: Deployment) -> sa.Engine:
    return open_ledger(f"sqlite:///{deployment.ledger}")


@pytest.fixture
def forget(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> Any:
    from edfi_cte.cli import main

    def run_it(*arguments: str) -> tuple[int, str]:
        deployment.deploy()
        code = main(["forget", *arguments])
        return code, capsys.readouterr().out

    return run_it


def left(deployment: Deployment) -> set[str]:
    with ledger_of(deployment).connect() as connection:
        return set(connection.scalars(sa.select(run.c.target_id)))


def test_it_counts_what_goes_and_removes_nothing_without_a_yes(deployment: Deployment, forget: Any):
    code, said = forget(GONE)
    assert code == 1
    assert re.search(rf"^ +{16 * len(EventStatus)}  events$", said, re.MULTILINE)
    assert "its last run began 2020-01-01 00:00 UTC" in said
    assert "Nothing changes in the ODS" in said
    assert "with --yes" in said
    assert "is in the settings" not in said
    assert left(deployment) == {GONE, "039141-2026"}


def test_with_yes_it_removes_it(deployment: Deployment, forget: Any):
    code, said = forget(GONE, "--yes")
    assert (code, left(deployment)) == (0, {"039141-2026"})
    assert f"{GONE} is forgotten." in said


@pytest.mark.parametrize(("typed", "code", "kept"), [(GONE, 0, False), ("yes", 1, True), ("", 1, True)])
def test_at_a_terminal_it_wants_the_name(
    deployment: Deployment, forget: Any, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, kept: bool
):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda *_: typed)
    assert forget(GONE)[0] == code
    assert (GONE in left(deployment)) is kept


def test_a_configured_target_is_told_what_comes(deployment: Deployment, forget: Any):
    code, said = forget("039141-2026", "--yes")
    assert code == 0
    assert "its next run begins as on first contact" in said


def test_an_unknown_target_is_refused_with_the_nearest(deployment: Deployment, forget: Any):
    code, said = forget("039141-2042", "--yes")
    assert code == 1
    assert "the ledger has nothing of '039141-2042'" in said
    assert "It knows: 039141-2024, 039141-2026" in said
    assert left(deployment) == {GONE, "039141-2026"}
