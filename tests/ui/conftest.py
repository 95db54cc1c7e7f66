"""Airflow's API server with the pages in it, in this process, and a ledger to look at."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient

from sandbox.ods import serve
from tests.sync.ods_seed import seed
from tests.sync.world import World
from tests.ui.ledger import filled

TARGET = {"district_number": "039141", "scope_year": 2026, "campus_conn_id": "campus", "edfi_conn_id": "edfi_2026"}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Campus, ODS and a ledger with something of everything."""
    with serve(seed=seed(), api="7.3") as ods:
        yield filled({2026: ods}, tmp_path_factory.mktemp("ledger"))


class Pages:
    """The pages as one user sees them."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def get(self, path: str = "/", expect: int = 200, **query: Any) -> str:
        answer = self.answer(path, **query)
        assert answer.status_code == expect, answer.text[-2000:]
        return str(answer.text)

    def answer(self, path: str = "/", **query: Any) -> Any:
        return self._client.get(f"/edfi-cte{path}", params=query or None)


@pytest.fixture(scope="session")
def server(airflow_db: None) -> Iterator[Any]:
    """Airflow's own web application, as ``airflow api-server`` runs it."""
    from airflow.api_fastapi.app import create_app

    app = create_app(apps="core")
    with TestClient(app):
        yield app


@pytest.fixture
def as_user(server: Any) -> Callable[[str | None], Pages]:
    """``as_user(role)``: the pages as a user of the SimpleAuthManager sees them; ``None`` has not signed in."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def pages(role: str | None) -> Pages:
        client = TestClient(server, raise_server_exceptions=False)
        if role:
            user = SimpleAuthManagerUser(username=role, role=role)
            client.cookies.set("_token", get_auth_manager().generate_jwt(user))
        return Pages(client)

    return pages


@pytest.fixture
def deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``deploy(ledger, **settings)``: the settings file, and the connection of the ledger's file."""

    def do(ledger: Path | str, **settings: Any) -> None:
        path = tmp_path / "edfi_cte.yaml"
        path.write_text(yaml.safe_dump({"version": 1, "targets": [TARGET]} | settings))
        os.utime(path, (0, 0))
        monkeypatch.setenv("AIRFLOW__EDFI_CTE__SETTINGS_FILE", str(path))
        connection = {"conn_type": "sqlite", "host": str(ledger)}
        monkeypatch.setenv("AIRFLOW_CONN_EDFI_CTE_LEDGER", json.dumps(connection))

    return do


@pytest.fixture
def pages(world: World, deploy: Callable[..., None], as_user: Any, server: Any) -> Pages:
    """The pages as an admin sees them, on the filled ledger."""
    deploy(world.ledger.url.database)
    return as_user("admin")


@pytest.fixture(autouse=True)
def forget(request: pytest.FixtureRequest) -> None:
    """Each test has its own connection, under the same name."""
    if "server" in request.fixturenames:
        mounted = next(r for r in request.getfixturevalue("server").routes if getattr(r, "path", "") == "/edfi-cte")
        mounted.app.state.source._engines.clear()
