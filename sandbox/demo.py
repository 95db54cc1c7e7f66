"""``make demo``: the real DAG, run by Airflow, on a sample Campus and a sandbox ODS of this machine.

Four runs: everything is posted, and a record that was in the ODS before waits for a person; nothing is sent; a dozen
edits of Campus arrive, and a record that a mistake in Campus rejects is held; a person approves what waits. Last, the
ODS is compared with what an independent oracle derives from Campus, record by record.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import duckdb
import yaml
from rich.console import Console
from rich.table import Table

from sandbox import oracle
from sandbox.campus import DISTRICT_NUMBER, EDITS, PARTS, PREFERENCES, build, seed_documents
from sandbox.ods import serve

ROOT = Path(__file__).resolve().parents[1]
SCOPE_YEAR = 2026
TARGET = {
    "district_number": DISTRICT_NUMBER,
    "scope_year": SCOPE_YEAR,
    "campus_conn_id": "campus",
    "edfi_conn_id": "edfi_2026",
    "campus_mapping": PARTS,
}
RESOURCE = "studentCTEProgramAssociations"
ACTIONS = ("Post", "Put", "Delete", "Delete/Post")
console = Console(width=100, highlight=False)


def main() -> int:
    """Exit code 0 if each run did what it should and the ODS ended as expected."""
    started = time.monotonic()
    # A terminated demo stops what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = ROOT / ".demo"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    campus = work / "campus.duckdb"
    say("A sample Campus: district 039141, about 8,000 students, scope years 2024 to 2026")
    build(campus)
    with serve(seed=seed_documents(campus, SCOPE_YEAR), api="7.3") as ods:
        say(f"A sandbox ODS at {ods.base_url}, with the district's students, programs and descriptors")
        put_stranger(campus, ods)
        cluster = Airflow(work, campus, ods)
        cluster.migrate()
        runs = [cluster.run("first run: everything is posted, and the stranger waits")]
        runs += [cluster.run("second run: nothing has changed, so nothing is sent")]
        before = wanted_of(campus)
        expected = edit(campus)
        held = reject_one(campus, before)
        runs += [cluster.run("third run: the edits arrive, and the rejected record is held")]
        runs += [cluster.run("fourth run: a person approves what waits", approve=cluster.waiting_list())]
        say("The four runs, side by side")
        console.print(report(runs))
        faults = [*unexpected(runs, expected), *compare(campus, fetch(ods), held)]
    say(f"{time.monotonic() - started:.0f} s. The sandbox is stopped; ledger, settings and logs are in {work.name}/.")
    say("Look at it in Airflow's UI: make ui")
    for fault in faults:
        console.print(f"[bold red]WRONG[/] {fault}")
    return 1 if faults else 0


def say(text: str) -> None:
    """One line of the demo's own."""
    console.print(f"[bold cyan]demo[/] {text}")


class Airflow:
    """An Airflow of the demo's own: its home, its connections and its settings, all under one folder."""

    def __init__(self, work: Path, campus: Path, ods: Any) -> None:
        settings = work / "edfi_cte.yaml"
        settings.write_text(
            yaml.safe_dump(
                {"version": 1, "targets": [TARGET], "preferences": {"default": PREFERENCES}}, sort_keys=False
            )
        )
        self._ledger = work / "ledger.sqlite"
        self._log = work / "airflow.log"
        self._environment = os.environ | {
            "AIRFLOW_HOME": str(work / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "AIRFLOW__EDFI_CTE__SETTINGS_FILE": str(settings),
            "AIRFLOW_CONN_CAMPUS": connection(conn_type="duckdb", host=str(campus), extra={"read_only": True}),
            "AIRFLOW_CONN_EDFI_CTE_LEDGER": connection(conn_type="sqlite", host=str(self._ledger)),
            "AIRFLOW_CONN_EDFI_2026": connection(
                conn_type="edfi", host=ods.base_url, login=ods.key, password=ods.secret
            ),
        }

    def migrate(self) -> None:
        """Create Airflow's own database."""
        say("Airflow: a database of its own")
        self._airflow("db", "migrate")

    def run(self, title: str, **params: str) -> dict[str, Any]:
        """Run the DAG as ``airflow dags test`` does; what its report counted."""
        say(f"Airflow runs student_cte_program_associations, {title}")
        parameters = json.dumps({"scope_year": SCOPE_YEAR, **params})
        self._airflow("dags", "test", "student_cte_program_associations", "--conf", parameters)
        with sqlite3.connect(self._ledger) as ledger:
            row = ledger.execute(
                "SELECT status, counts FROM edfi_cte_run JOIN edfi_cte_run_step USING (target_id, run_id) "
                "WHERE part = 'report' ORDER BY started_at DESC LIMIT 1"
            ).fetchone()
        result = {"title": title.split(":")[0], "status": row[0]} | dict(json.loads(row[1]))
        console.print(report([result]))
        return result

    def waiting_list(self) -> str:
        """The id of the list of deletes that waits, as the report has named it."""
        with sqlite3.connect(self._ledger) as ledger:
            (list_id,) = ledger.execute(
                "SELECT list_id FROM edfi_cte_delete_list WHERE state = 'waiting' ORDER BY seen_at DESC LIMIT 1"
            ).fetchone()
        return str(list_id)

    def _airflow(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "airflow", *arguments]
        with self._log.open("a") as log:
            done = subprocess.run(command, env=self._environment, stdout=log, stderr=log, check=False, cwd=ROOT)  # noqa: S603
        if done.returncode:
            tail = "\n".join(self._log.read_text().splitlines()[-40:])
            console.print(tail, markup=False)
            raise SystemExit(f"airflow {' '.join(arguments[:2])} failed; the whole log is {self._log}")


def connection(**parts: Any) -> str:
    """An Airflow connection as its environment variable holds it."""
    return json.dumps(parts)


def edit(campus: Path) -> dict[str, int]:
    """Apply every named edit to Campus; the events that they must cause."""
    expected = dict.fromkeys(ACTIONS, 0)
    table = Table("edit", "what the school's office did", title="Edits in Campus", title_justify="left")
    with duckdb.connect(str(campus)) as database:
        for name, change in EDITS.items():
            change.apply(database)
            table.add_row(name, change.description)
            for action, count in change.events.items():
                expected[action] += count
    console.print(table)
    return expected


def wanted_of(campus: Path) -> dict[oracle.Key, dict[str, Any]]:
    """What the ODS should hold."""
    return oracle.expected(campus, SCOPE_YEAR, TARGET | {"student_id": "stateID", "preferences": PREFERENCES})


def put_stranger(campus: Path, ods: Any) -> None:
    """A record of the district that nothing in Campus stands behind: another system has left it in the ODS."""
    document = next(iter(wanted_of(campus).values()))
    ods.control.put(RESOURCE, document | {"beginDate": "2024-10-01"})
    say("One association is in the ODS already, of a start date that Campus does not know")


def reject_one(campus: Path, before: Mapping[oracle.Key, Any]) -> oracle.Key:
    """Give a record that was sent a Career Cluster that no preference maps; its key."""
    verdicts = oracle.verdicts(
        oracle.read_tables(campus), SCOPE_YEAR, TARGET | {"student_id": "stateID", "preferences": PREFERENCES}
    )
    students = Counter(v.document["studentReference"]["studentUniqueId"] for v in verdicts.values() if v.document)
    number, key = next(
        (number, oracle.key_of(v.document))
        for number, v in verdicts.items()
        if v.document
        and before.get(oracle.key_of(v.document)) == v.document
        and students[v.document["studentReference"]["studentUniqueId"]] == 1
    )
    with duckdb.connect(str(campus)) as database:
        database.execute(f"UPDATE dbo.EnrollmentMO SET careerCluster = '99' WHERE enrollmentID = {number}")
    say(f"Somebody gives enrollment {number} the Career Cluster 99, which no preference maps")
    return key


def report(runs: list[dict[str, Any]]) -> Table:
    """The runs side by side."""
    table = Table("", *(run["title"] for run in runs), title_justify="left")
    for name in ("extracted", "excluded by", "rejected for", "superseded by another enrollment", "desired"):
        add_rows(table, runs, name)
    table.add_section()
    for action in ACTIONS:
        table.add_row(f"sent: {action}", *(f"{run['sent'][action]:,}" for run in runs))
    kept = ("held for", "waiting for a person", "out of the key's reach")
    for name in ("unchanged", "failed", "failed for", "resync found", *kept):
        add_rows(table, runs, name)
    table.add_row("status", *(run["status"] for run in runs))
    return table


def add_rows(table: Table, runs: list[dict[str, Any]], name: str) -> None:
    """A number of the report, or one row for each of its parts."""
    if not isinstance(runs[0][name], Mapping):
        table.add_row(name, *(f"{run[name]:,}" for run in runs))
        return
    for part in sorted({part for run in runs for part in run[name]}):
        table.add_row(f"{name}: {part}", *(f"{run[name].get(part, 0):,}" for run in runs))


def unexpected(runs: list[dict[str, Any]], edits: dict[str, int]) -> list[str]:
    """What the runs did and should not have done."""
    first, second, third, fourth = (run["sent"] for run in runs)
    nothing = dict.fromkeys(ACTIONS, 0)
    wanted = [
        (first, nothing | {"Post": runs[0]["desired"]}),
        (second, nothing),
        (third, edits),
        (fourth, nothing | {"Delete": 1}),
    ]
    faults = [
        f"the {run['title']} sent {sent}, where {should} was expected"
        for run, (sent, should) in zip(runs, wanted, strict=True)
        if sent != should
    ]
    waiting = [sum(run["waiting for a person"].values()) for run in runs]
    held = [sum(run["held for"].values()) for run in runs]
    if (waiting, held) != ([1, 1, 1, 0], [0, 0, 1, 1]):
        faults.append(f"{waiting} records waited, and {held} were held, in the four runs")
    return faults + [f"the {run['title']} ended as {run['status']}" for run in runs if run["status"] != "ok"]


def compare(campus: Path, documents: list[dict[str, Any]], held: oracle.Key) -> list[str]:
    """The ODS against the oracle, record by record; beside what is expected it holds what is held."""
    wanted = wanted_of(campus)
    there = {oracle.key_of(document): bare(document) for document in documents}
    missing, extra = wanted.keys() - there.keys(), there.keys() - wanted.keys() - {held}
    missing |= {held} - there.keys()
    different = [key for key in wanted.keys() & there.keys() if bare(wanted[key]) != there[key]]
    equal = len(wanted) - len(missing) - len(different)
    say(f"The ODS holds {len(documents):,} associations; {equal:,} of the {len(wanted):,} expected are equal in all")
    faults = [(missing, "missing from the ODS"), (extra, "in the ODS without a source"), (different, "different")]
    return [f"{len(keys)} associations are {what}" for keys, what in faults if keys]


def bare(document: Mapping[str, Any]) -> Any:
    """A document without what the server adds."""
    if isinstance(document, Mapping):
        own = ("id", "_etag", "_lastModifiedDate", "link")
        items = {key: bare(value) for key, value in document.items() if key not in own}
        return {key: value for key, value in items.items() if value not in (None, [], {})}
    if isinstance(document, list):
        return sorted((bare(item) for item in document), key=json.dumps)
    return document


def fetch(ods: Any) -> list[dict[str, Any]]:
    """Every association in the ODS, read with nothing of the package."""
    credentials = base64.b64encode(f"{ods.key}:{ods.secret}".encode()).decode()
    token = call(f"{ods.base_url}/oauth/token", f"Basic {credentials}", b"grant_type=client_credentials")[
        "access_token"
    ]
    found: list[dict[str, Any]] = []
    while True:
        url = f"{ods.base_url}/data/v3/ed-fi/studentCTEProgramAssociations?limit=500&offset={len(found)}"
        page = call(url, f"Bearer {token}")
        found += page
        if len(page) < 500:
            return found


def call(url: str, authorization: str, body: bytes | None = None) -> Any:
    """One request to the sandbox, its JSON."""
    headers = {"Authorization": authorization}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    with urlopen(Request(url, body, headers), timeout=30) as answer:  # noqa: S310 - the sandbox's own address
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
