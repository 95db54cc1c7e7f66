"""The way of a new user: constraints, connections in the UI, init, check, plan, trigger, grid, report.

Airflow with its own scheduler, DAG processor and API server; a sample Campus; the sandbox ODS.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from edfi_cte.sync.lane import STEP_NAMES
from sandbox.campus import load
from sandbox.ods import serve
from tests.browser.conftest import Server, _free_port, frame_of
from tests.packaging.environments import LOCKS, ROOT, Deployment, build_wheel, deployment, install, uv
from tests.sync.campus import Campus
from tests.sync.ods_seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
DAG = "student_cte_program_associations"
TARGET = "039141-2026"
LABELS = {"Ed-Fi": ("Base URL", "Key", "Secret")}
"""What the form calls a connection's fields, by type."""


@pytest.fixture(params=os.environ.get("EDFI_CTE_NEWCOMER", "3.3").split())
def minor(request: pytest.FixtureRequest) -> str:
    """An Airflow minor. The older ones only where they are named, since each takes two minutes."""
    return str(request.param)


@pytest.fixture
def airflow(minor: str, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Installed as docs/install.md says, from the wheel and the constraints; DuckDB is the sample Campus's."""
    folder = tmp_path_factory.mktemp("newcomer")
    wheel = build_wheel(folder)
    uv("venv", "--python", sys.executable, folder / "environment")
    python = folder / "environment/bin/python"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    constraints = ROOT / f"locks/constraints/airflow-{minor}-python-{version}.txt"
    install(python, "--constraint", constraints, f"edfi-cte[postgres] @ {wheel.as_uri()}")
    install(python, "--constraint", ROOT / LOCKS[minor], "apache-airflow-providers-duckdb", "duckdb")
    # An older DuckDB does not read a newer one's files.
    install(python, f"duckdb=={version_of('duckdb')}")
    made = deployment(folder / "airflow", python)
    made.copy_dags()
    return made


@contextmanager
def standalone(airflow: Deployment, minor: str) -> Iterator[Server]:
    """``airflow standalone``, until the API server answers."""
    port = _free_port()
    (airflow.home / "simple_auth_manager_passwords.json.generated").write_text('{"admin": "admin"}')
    airflow.settings.update(
        {
            # standalone starts its parts by the name of the command.
            "PATH": f"{airflow.python.parent}:{os.environ['PATH']}",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "2",
            # The API server builds what answers tasks at the first one's request: seconds, on a busy machine many.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "120",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "COLUMNS": "200",
        }
    )
    with (airflow.home / "standalone.log").open("w") as log:
        process = subprocess.Popen(
            [airflow.python, "-m", "airflow", "standalone"],
            env=airflow.environment(),
            cwd=airflow.home,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        server = Server(minor, f"http://127.0.0.1:{port}")
        try:
            until(lambda: bool(server.token("admin")), "Airflow answers")
            yield server
        finally:
            # The whole of it: standalone leaves children behind when it is ended alone.
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def until(holds: Callable[[], Any], what: str, seconds: float = 180) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := holds():
                return found
        except OSError:
            pass
        time.sleep(1)
    raise AssertionError(f"not within {seconds} s: {what}")


def asked(server: Server, path: str) -> Any:
    request = Request(f"{server.base}/api/v2/{path}", headers={"Authorization": f"Bearer {server.token('admin')}"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def add_connection(page: Any, server: Server, conn_id: str, kind: str, **fields: str) -> None:
    """Through the form of Admin > Connections."""
    page.goto(f"{server.base}/connections")
    page.get_by_role("button", name="Add Connection").first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[name=connection_id]").fill(conn_id)
    dialog.get_by_role("combobox").first.fill(kind)
    page.keyboard.press("Enter")
    dialog.locator("input[name=host]").wait_for()
    for label in LABELS.get(kind, ()):
        dialog.get_by_text(label, exact=True).first.wait_for()
    for name, value in fields.items():
        dialog.locator(f"input[name={name}]").fill(value)
    dialog.get_by_role("button", name=re.compile("^Save$")).click()
    dialog.wait_for(state="hidden")


def ended(server: Server) -> dict[str, Any]:
    """The first run, once it has ended."""

    def found() -> Any:
        runs = asked(server, f"dags/{DAG}/dagRuns")["dag_runs"]
        return next((run for run in runs if run["state"] in ("success", "failed")), None)

    return dict(until(found, "the run's end", 400))


def tasks_of(server: Server, run: dict[str, Any]) -> list[dict[str, Any]]:
    return list(asked(server, f"dags/{DAG}/dagRuns/{quote(run['dag_run_id'])}/taskInstances")["task_instances"])


def what_failed(server: Server, run: dict[str, Any]) -> str:
    """The logs of the tasks that did not end well."""
    path = f"dags/{DAG}/dagRuns/{quote(run['dag_run_id'])}/taskInstances"
    return "\n".join(
        str(asked(server, f"{path}/{task['task_id']}/logs/{task['try_number']}?map_index={task['map_index']}"))
        for task in tasks_of(server, run)
        if task["state"] != "success"
    )


def look_at_the_grid(page: Any, server: Server) -> None:
    """The lane's group, and in it the steps."""
    page.goto(f"{server.base}/dags/{DAG}")
    page.get_by_text("configured_targets", exact=True).first.wait_for()
    page.get_by_label("Toggle group").first.click()
    for step in (*STEP_NAMES, "report"):
        page.get_by_text(f"{step} [ ]", exact=True).first.wait_for()


def look_at_the_run(page: Any, server: Server, run: dict[str, Any]) -> None:
    """All tasks green in the run's page, with its note; and the report in the log of its task."""
    address = f"{server.base}/dags/{DAG}/runs/{quote(run['dag_run_id'])}"
    page.goto(address)
    if server.minor != "3.3":  # There it is behind a button.
        page.get_by_role("button", name=re.compile("note", re.IGNORECASE)).first.click()
    page.get_by_text(run["note"]).first.wait_for()
    page.goto(address)
    page.get_by_role("link", name=re.compile("^target.report")).first.wait_for()
    for task in tasks_of(server, run):
        # On 3.1 with the target behind it.
        link = page.get_by_role("link", name=re.compile(rf"^{re.escape(task['task_id'])}( \[.*\])?$"))
        row = page.get_by_role("row").filter(has=link)
        assert "Success" in row.inner_text(), row.inner_text()
    page.goto(f"{address}/tasks/target.report/mapped/0")
    page.get_by_text(f"{TARGET}: ok").first.wait_for()
    page.get_by_text(re.compile(r"extracted +2$")).first.wait_for()


def look_at_the_pages(page: Any, server: Server, run: dict[str, Any]) -> None:
    """The run's tab, and from the menu the overview and its way to the run."""
    page.goto(f"{server.base}/dags/{DAG}/runs/{quote(run['dag_run_id'])}")
    page.get_by_role("link", name="Ed-Fi", exact=True).click()
    frame_of(page).get_by_role("heading", name=re.compile(f"Run of {TARGET}")).wait_for()
    page.goto(f"{server.base}/plugin/edfi-cte")
    frame = frame_of(page)
    frame.get_by_text("Nothing needs a person.").wait_for()
    frame.get_by_role("link", name=re.compile("ago$|now$")).first.click()
    frame.get_by_role("heading", name=re.compile(f"Run of {TARGET}")).wait_for()


def test_from_nothing_to_the_first_report(
    airflow: Deployment, minor: str, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    campus = Campus()
    campus.add(1)
    campus.add(2, person=2, noShow=True)
    load(tmp_path / "campus.duckdb", campus.tables)
    with serve(seed=seed(), api="7.3") as ods, standalone(airflow, minor) as server:
        page, _ = open_page(server)
        # Without settings the page of DAGs says why there is none.
        until(lambda: asked(server, "importErrors")["total_entries"], "the import error")
        page.goto(f"{server.base}/dags")
        # On 3.1 a number on red, without the words.
        page.get_by_role("button", name=re.compile("^1$|Dag Import Error")).first.click()
        page.get_by_text(re.compile(rf"{DAG}\.py")).first.click()
        page.get_by_text(re.compile("there is no settings file")).first.wait_for()

        add_connection(page, server, "campus", "DuckDB", host=str(tmp_path / "campus.duckdb"))
        port = ods.base_url.split(":")[2].split("/")[0]
        add_connection(
            page, server, "edfi_2026", "Ed-Fi", host=ods.base_url, login=ods.key, password=ods.secret, port=port
        )
        add_connection(page, server, "edfi_cte_ledger", "Generic", host=str(tmp_path / "ledger.sqlite"))

        for command, said in (
            (("init", "--yes", "--scope-year", "2026"), "Written: "),
            (("check", "--strict"), "may read studentCTEProgramAssociations"),
            (("plan", "--scope-year", "2026"), "what a run would do"),
        ):
            done = airflow.run("-m", "edfi_cte.cli", *command)
            assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
            assert said in done.stdout

        until(lambda: asked(server, f"dags?dag_id_pattern={DAG}")["total_entries"], "the DAG")
        page.goto(f"{server.base}/dags/{DAG}")
        page.get_by_role("button", name=re.compile("Trigger")).first.click()
        page.get_by_role("dialog").get_by_role("button", name=re.compile("^Trigger$")).click()
        run = ended(server)
        assert (run["run_type"], run["state"]) == ("manual", "success"), what_failed(server, run)
        assert run["note"] == f"{TARGET}: ok, 1 sent, 0 failed"
        look_at_the_grid(page, server)
        look_at_the_run(page, server, run)
        look_at_the_pages(page, server, run)
