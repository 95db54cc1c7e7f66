"""The pages under FAB's roles, with the FAB provider itself (make test-installs)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.endstate import settings_file
from tests.packaging.environments import deployment, installed_environment

pytestmark = [pytest.mark.installs, pytest.mark.timeout(900)]
MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


def test_each_role_sees_what_it_should(wheel: Path, tmp_path: Path):
    ledger = str(tmp_path / "ledger.sqlite")
    airflow = deployment(
        tmp_path / "airflow",
        installed_environment(tmp_path / "environment", "locks/fab.lock"),
        {
            "AIRFLOW__CORE__AUTH_MANAGER": MANAGER,
            "AIRFLOW__API_AUTH__JWT_SECRET": "-" * 64,
            "AIRFLOW_CONN_EDFI_CTE_LEDGER": json.dumps({"conn_type": "sqlite", "host": ledger}),
            "LEDGER": ledger,
        },
    )
    airflow.copy_dags()
    airflow.install(wheel)
    (airflow.home / "include").mkdir()
    (airflow.home / "include/edfi_cte.yaml").write_text(settings_file(2026))
    for command in ("db", "fab-db"):
        migrated = airflow.run("-m", "airflow", command, "migrate")
        assert migrated.returncode == 0, migrated.stderr[-3000:]

    done = airflow.run(Path(__file__).with_name("fab_roles.py"))

    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert {role: tuple(seen.values()) for role, seen in found.items()} == {
        # pages, Airflow's list of plugins (and with it the entries in its UI), may edit, may trigger
        "Viewer": ([200], 403, False, False),
        "User": ([200], 403, True, True),
        "Op": ([200], 200, True, True),
        "Admin": ([200], 200, True, True),
        "Public": ([403], 403, False, False),
        "one DAG": ([200], 403, False, False),
        "one DAG, trigger": ([200], 403, True, True),
        "another DAG": ([403], 403, False, False),
    }
