"""Airflow's own API server, one of each minor, with a filled ledger behind the pages; and a browser.

These run by ``make test-browser`` alone, which installs the browser.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from sandbox.ods import serve
from sandbox.ui import served
from tests.packaging.environments import ROOT, installed_environment
from tests.sync.ods_seed import seed
from tests.sync.world import World
from tests.ui.ledger import filled

LOCKS = {"3.1": "locks/airflow-3.1.lock", "3.2": "locks/airflow-3.2.lock", "3.3": None}
TARGET = {"district_number": "039141", "scope_year": 2026, "campus_conn_id": "campus", "edfi_conn_id": "edfi_2026"}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Elsewhere they are skipped, and it is said how to run them."""
    if os.environ.get("EDFI_CTE_BROWSER"):
        return
    skip = pytest.mark.skip(reason="walks in a real browser: run 'make test-browser', which installs one")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(skip)


def frame_of(page: Any) -> Any:
    """The frame that Airflow shows the pages in, once it is there."""
    page.locator("iframe").first.wait_for()
    frame = page.locator("iframe").first.element_handle().content_frame()
    frame.wait_for_load_state("load")
    return frame


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger with something of everything."""
    with serve(seed=seed(), api="7.3") as ods:
        yield filled({2026: ods}, tmp_path_factory.mktemp("ledger"))


@dataclass(frozen=True)
class Server:
    """A running Airflow. ``base`` is its address, with its base path."""

    minor: str
    base: str

    def token(self, name: str) -> str:
        """A session of a user whose password is the name."""
        body = json.dumps({"username": name, "password": name}).encode()
        request = Request(f"{self.base}/auth/token", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            return str(json.load(answer)["access_token"])


@pytest.fixture(scope="session")
def start(world: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """``start(minor, base_path)``: a context manager, an Airflow of that minor with the pages."""
    pythons: dict[str, Path] = {}

    def python_of(minor: str) -> Path:
        if minor not in pythons:
            lock = LOCKS[minor]
            folder = tmp_path_factory.mktemp(f"airflow-{minor}") / "environment"
            pythons[minor] = installed_environment(folder, lock) if lock else Path(sys.executable)
        return pythons[minor]

    @contextmanager
    def running(minor: str, base_path: str = "") -> Iterator[Server]:
        python, home = python_of(minor), tmp_path_factory.mktemp("home")
        port = _free_port()
        environment = _environment(home, world, port, base_path)
        for command in (("db", "migrate"), ("dags", "reserialize")):
            done = subprocess.run(
                [python, "-m", "airflow", *command], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        with served(environment, port, home / "api-server.log", python):
            yield Server(minor, f"http://127.0.0.1:{port}{base_path}")

    return running


def _environment(home: Path, world: World, port: int, base_path: str) -> dict[str, str]:
    settings = home / "edfi_cte.yaml"
    settings.write_text(yaml.safe_dump({"version": 1, "targets": [TARGET]}))
    users = {"admin": "admin", "viewer": "viewer"}
    (home / "simple_auth_manager_passwords.json.generated").write_text(json.dumps({name: name for name in users}))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in users.items()),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}{base_path}",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
        "AIRFLOW__EDFI_CTE__SETTINGS_FILE": str(settings),
        "AIRFLOW_CONN_EDFI_CTE_LEDGER": json.dumps({"conn_type": "sqlite", "host": world.ledger.url.database}),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", params=list(LOCKS))
def server(request: pytest.FixtureRequest, start: Callable[..., Any]) -> Iterator[Server]:
    """An Airflow of each minor in turn."""
    with start(request.param) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """``open_page(server, user, theme)``: a browser's page of a signed-in user, and what its console has said."""
    contexts = []

    def open_(server: Server, user: str | None = "admin", theme: str = "light") -> tuple[Any, list[str]]:
        context = chromium.new_context(viewport={"width": 1440, "height": 1000})
        contexts.append(context)
        context.set_default_timeout(60_000)
        if user:
            context.add_cookies([{"name": "_token", "value": server.token(user), "url": server.base + "/"}])
        context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        page, said = context.new_page(), []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        return page, said

    yield open_
    for context in contexts:
        context.close()
