"""What each of FAB's roles gets of the pages: run by the Python of an Airflow with the FAB provider, prints JSON.

Airflow's home, its auth manager, the settings and the ledger come by the environment.
"""

from __future__ import annotations

import json
import os
from typing import Any

from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.providers.fab.www.app import create_app as create_flask_app
from fastapi.testclient import TestClient

from edfi_cte.ledger.database import open_ledger
from edfi_cte.ui.access import rights_of

OURS, OTHER = "DAG:student_cte_program_associations", "DAG:another"
OWN_ROLES = {
    "one DAG": [("can_read", OURS), ("can_read", "DAG Runs")],
    "one DAG, trigger": [
        ("can_read", OURS),
        ("can_edit", OURS),
        ("can_read", "DAG Runs"),
        ("can_create", "DAG Runs"),
    ],
    "another DAG": [("can_read", OTHER), ("can_read", "DAG Runs")],
}
PAGES = ("/", "/events", "/errors", "/waiting", "/records", "/record", "/preferences")


def users(manager: Any) -> dict[str, Any]:
    """A user of each role, by the role's name."""
    for name, permissions in OWN_ROLES.items():
        role = manager.add_role(name)
        for action, resource in permissions:
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
    roles = ("Viewer", "User", "Op", "Admin", "Public", *OWN_ROLES)
    return {
        name: manager.add_user(f"user{n}", name, name, f"user{n}@example.org", manager.find_role(name), password="-")
        for n, name in enumerate(roles)
    }


def main() -> None:
    """One object: by role the statuses of the pages and of Airflow's list of plugins, and the rights."""
    open_ledger(f"sqlite:///{os.environ['LEDGER']}").dispose()
    app = create_app(apps="core")
    found = {}
    with TestClient(app), create_flask_app(enable_plugins=False).app_context() as context:
        for role, user in users(context.app.appbuilder.sm).items():
            client = TestClient(app)
            client.cookies.set("_token", get_auth_manager().generate_jwt(user))
            rights = rights_of(user)
            found[role] = {
                "pages": sorted({client.get(f"/edfi-cte{page}").status_code for page in PAGES}),
                "plugins": client.get("/api/v2/plugins").status_code,
                "edit": rights.edit,
                "trigger": rights.trigger,
            }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
