"""A deployment of a test's own: the settings file, and Airflow connections by environment variables."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.campus import load
from tests.sync.campus import DISTRICT, Campus


class Deployment:
    """An Airflow's settings file and connections, on a Campus and a ledger of the test's own."""

    def __init__(self, folder: Path, ods: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._set = folder, monkeypatch.setenv
        if "AIRFLOW__CORE__FERNET_KEY" not in os.environ:
            monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "0" * 43 + "=")
        # Each deployment's ledger keeps a token of its own, and the ODS allows 15.
        ods.control.revoke_tokens()
        self.rows = Campus()
        self.rows.add(1)
        self.rows.add(2, person=2, noShow=True)
        self.ledger = folder / "ledger.sqlite"
        self.settings: dict[str, Any] = {"version": 1, "targets": [target(2026)], "dag": {"retries": 0}}
        self.ods = {"host": ods.base_url, "login": ods.key, "password": ods.secret, "extra": {"tries": 1}}
        for year in range(2021, 2028):
            self.connection(f"edfi_{year}", **self.ods)
        self.campus = self.another_campus("campus")
        self.connection("edfi_cte_ledger", "sqlite", host=str(self.ledger))

    def connection(self, conn_id: str, kind: str = "edfi", **parts: Any) -> None:
        self._set(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": kind, **parts}))

    def another_campus(self, conn_id: str) -> Path:
        path = self._folder / f"{conn_id}.duckdb"
        path.unlink(missing_ok=True)
        load(path, self.rows.tables)
        self.connection(conn_id, "duckdb", host=str(path), extra={"read_only": True})
        return path

    def deploy(self) -> None:
        path = self._folder / "edfi_cte.yaml"
        path.write_text(yaml.safe_dump(self.settings))
        self._set("AIRFLOW__EDFI_CTE__SETTINGS_FILE", str(path))

    def runs(self) -> dict[str, tuple[str, str]]:
        """Status and message of each target's run."""
        with sqlite3.connect(self.ledger) as ledger:
            rows = ledger.execute("SELECT target_id, status, message FROM edfi_cte_run").fetchall()
        return {
            target_id.removeprefix(f"{DISTRICT}-"): (status, message or "") for target_id, status, message in rows
        }

    def entries(self) -> dict[str, tuple[str, str]]:
        """Status and message of each run in the history, by its name there."""
        with sqlite3.connect(self.ledger) as ledger:
            rows = ledger.execute("SELECT run_id, status, message FROM edfi_cte_run").fetchall()
        return {run_id: (status, message or "") for run_id, status, message in rows}


def target(scope_year: int, **changes: Any) -> dict[str, Any]:
    common = {"district_number": DISTRICT, "campus_conn_id": "campus"}
    return common | {"scope_year": scope_year, "edfi_conn_id": f"edfi_{scope_year}"} | changes


IN_A_NEW_DATABASE = """
from airflow.utils.db import initdb
initdb()
import sys
from airflow.__main__ import main
sys.argv = ["airflow", "dags", "test", *sys.argv[1:]]
main()
"""


def run_in_a_home_of_its_own(folder: Path, *arguments: str, **environ: str) -> tuple[int, dict[str, bytes]]:
    """``airflow dags test`` at DEBUG: its code, and what it wrote, by the file's name; ``output`` is what it printed.

    Airflow's home, database and logs are the run's own, below ``folder``: other tests of this process keep the secret
    and the students in their Airflow's database on purpose.
    """
    home = folder / "airflow"
    home.mkdir()
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
    }
    command = [sys.executable, "-c", IN_A_NEW_DATABASE, *arguments]
    run = subprocess.run(command, env=os.environ | own | environ, capture_output=True, check=False, timeout=120)
    # At DEBUG, Airflow itself writes each secret that its in-process supervisor is asked to mask.
    lines = (run.stdout + run.stderr).splitlines(keepends=True)
    written = {"output": b"".join(line for line in lines if b"msg=MaskSecret(" not in line)}
    return run.returncode, written | {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}
