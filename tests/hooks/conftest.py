"""An Ed-Fi API on loopback, and an Airflow connection to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edfi_cte.ods import token_store
from tests.ods.fake_api import KEY, SECRET, FakeApi


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as api:
        yield api


@pytest.fixture(autouse=True)
def _no_token_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_store.PROCESS_TOKENS, "_tokens", {})


@pytest.fixture
def connect(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """``connect(**changes)`` makes the connection ``edfi_2026`` to the API, as an environment variable has it."""

    def connect(extra: dict[str, Any] | str | None = None, **changes: Any) -> str:
        connection = {
            "conn_type": "edfi",
            "host": api.base_url,
            "login": KEY,
            "password": SECRET,
            "extra": extra or {},
        }
        monkeypatch.setenv("AIRFLOW_CONN_EDFI_2026", json.dumps(connection | changes))
        return "edfi_2026"

    return connect
