"""Whatever an address holds, the answer is a page of ours: shown on PostgreSQL, which is the strictest."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.schema import target
from tests.ui.conftest import Pages

TARGET = "039141-2026"
ODD = ["\0", b"\xed\xa0\x80", "9" * 30, "-1", "a\r\nX-Own: 1", '";x="', "\u0661", "a" * 5000]


@pytest.fixture
def on_postgres(
    postgres_database: str, deploy: Callable[..., None], as_user: Any, monkeypatch: pytest.MonkeyPatch
) -> Pages:
    url = sa.make_url(postgres_database)
    with open_ledger(url).begin() as connection:
        values = {"edfi_conn_id": "edfi", "scope_year": 2026, "education_organization_id": 39141}
        connection.execute(sa.insert(target).values(target_id=TARGET, **values))
    deploy("unused")
    parts = {"host": url.host, "port": url.port, "login": url.username, "password": url.password or ""}
    connection_text = json.dumps({"conn_type": "postgres", "schema": url.database, **parts})
    monkeypatch.setenv("AIRFLOW_CONN_EDFI_CTE_LEDGER", connection_text)
    pages: Pages = as_user("admin")
    return pages


def parameters() -> list[tuple[str, str]]:
    from edfi_cte.ui.pages import ROUTERS

    routes = [route for router in ROUTERS for route in router.routes]
    named = [(route, name) for route in routes for name in inspect.signature(route.endpoint).parameters]  # type: ignore[attr-defined]
    return [(route.path, name) for route, name in named if name != "visit"]  # type: ignore[attr-defined]


def test_no_address_is_answered_with_a_fault(on_postgres: Pages) -> None:
    known = {"target": TARGET, "state": "held"}
    faults = []
    for path, name in parameters():
        for value in ODD:
            answer = on_postgres.answer(path, **(known | {name: value}))
            if answer.status_code >= 500 or "x-own" in answer.headers:
                faults.append((path, name, value))
    assert faults == []
    assert len(parameters()) > 25


def test_a_null_byte_is_told(on_postgres: Pages) -> None:
    page = on_postgres.get("/records", 400, target=TARGET, reason="\0")
    assert "This address is wrong" in page
    assert "A value in it has a null byte." in page
