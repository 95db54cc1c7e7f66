"""The command finds connections made in Airflow's UI, that is, in Airflow's own database, and nothing warns."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.environments import LOCKS, Deployment, borrowed_environment, deployment

SETTINGS = """\
version: 1
targets:
  - {district_number: "039141", scope_year: 2026, campus_conn_id: campus, edfi_conn_id: edfi_2026}
"""
MAKE = """
from airflow.models import Connection
from airflow.utils.session import create_session
with create_session() as session:
    session.add(Connection("campus", conn_type="duckdb", host={home!r} + "/campus.duckdb"))
    session.add(Connection("edfi_2026", conn_type="edfi", host="http://127.0.0.1:9/api", login="k", password="s"))
    session.add(Connection("edfi_cte_ledger", conn_type="generic", host={home!r} + "/ledger.sqlite"))
"""


def migrate(airflow: Deployment) -> None:
    done = airflow.run("-m", "airflow", "db", "migrate")
    assert done.returncode == 0, done.stderr


def checked(airflow: Deployment, wheel: Path) -> subprocess.CompletedProcess[str]:
    """``edfi-cte check`` with connections that only Airflow's database has."""
    airflow.install(wheel)
    airflow.copy_dags()
    airflow.write_settings(SETTINGS)
    done = airflow.run("-c", MAKE.format(home=str(airflow.home)))
    assert done.returncode == 0, done.stderr
    airflow.settings["COLUMNS"] = "300"
    return airflow.run("-m", "edfi_cte.cli", "check")


def assert_found(done: subprocess.CompletedProcess[str]) -> None:
    assert "sqlite, readable and writable" in done.stdout
    assert "none of the tables that campus_mapping.sql names is there" in done.stdout
    assert "is not defined" not in done.stdout
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.slow
def test_on_this_airflow(tmp_path: Path, wheel: Path) -> None:
    airflow = deployment(tmp_path / "home", borrowed_environment(tmp_path / "environment"))
    migrate(airflow)
    assert_found(checked(airflow, wheel))


@pytest.mark.installs
@pytest.mark.timeout(900)
@pytest.mark.parametrize("minor", LOCKS)
def test_on_every_airflow(minor: str, environments: Callable[[str], Path], tmp_path: Path, wheel: Path) -> None:
    airflow = deployment(tmp_path / "home", borrowed_environment(tmp_path / "environment", environments(minor)))
    migrate(airflow)
    assert_found(checked(airflow, wheel))
