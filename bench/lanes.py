"""Lanes of the sync on a bench's own Campus, ledger and ODS; steps in this process, or each in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing.managers import BaseManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from bench.district import SCOPE_YEAR, build_campus, ods_seed
from edfi_cte.campus import CampusReader
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ods import EdFiClient, EdFiConfig
from edfi_cte.settings import Settings
from edfi_cte.sync.lane import Lane, RunOptions
from edfi_cte.sync.report import report
from edfi_cte.sync.steps import run_step
from sandbox.ods import RunningOds, serve
from tests.sync.campus import DISTRICT

ROOT = Path(__file__).resolve().parents[1]
LOADING = ("preflight", "extract", "transform", "upsert", "natural_key_changes")
RESYNC = ("resync_identity_mapping", "resync_ods")


class Served:
    """One DuckDB query, in a process of its own, as a database server has it: connection and cursor in one."""

    def __init__(self, path: str) -> None:
        self._connection = duckdb.connect(path, read_only=True)

    def execute(self, text: str, parameters: Any = ()) -> None:
        self._connection.execute(text, parameters)

    def fetchmany(self, size: int) -> list[Any]:
        return self._connection.fetchmany(size)

    def close(self) -> None:
        """The connection stays for the next cursor, until its process ends."""


class Server(BaseManager):
    """The process that holds the query."""


Server.register("query", Served, exposed=("execute", "fetchmany", "close"))


class DuckDbHook:
    """What a CampusReader needs of a DuckDbHook; ``served``: the database in a process of its own."""

    conn_name_attr = "duckdb_conn_id"
    duckdb_conn_id = "campus"
    conn_type = "duckdb"
    supports_autocommit = False
    placeholder = "?"

    def __init__(self, path: str, *, served: bool) -> None:
        self._path, self._server = path, Server() if served else None
        if self._server:
            self._server.start()

    def get_conn(self) -> Any:
        if self._server is None:
            return duckdb.connect(self._path, read_only=True)
        return _Connection(self._server.query(self._path))  # type: ignore[attr-defined]

    def set_autocommit(self, conn: Any, autocommit: bool) -> None:
        raise NotImplementedError


class _Connection:
    """A served query as a connection that gives itself for its cursors."""

    def __init__(self, served: Any) -> None:
        self._served = served

    def cursor(self) -> Any:
        return self._served

    def close(self) -> None:
        self._served.close()


@dataclass(frozen=True)
class Place:
    """Where a lane works, in words that another process can be told."""

    campus: str
    ledger: str
    """A SQLite file."""
    base_url: str
    key: str
    secret: str
    served: bool = False
    """Whether Campus is in a process of its own, so that its memory is not taken for ours."""

    def lane(self, run_id: str, **options: bool) -> Lane:
        """A lane of a run."""
        settings = Settings.model_validate(
            {
                "version": 1,
                "targets": [
                    {
                        "district_number": DISTRICT,
                        "scope_year": SCOPE_YEAR,
                        "campus_conn_id": "campus",
                        "edfi_conn_id": "edfi",
                    }
                ],
                "preferences": {"default": {}},
            }
        )
        config = EdFiConfig(base_url=self.base_url, client_id=self.key, client_secret=self.secret)
        return Lane(
            settings=settings,
            target=settings.targets[0],
            ledger=open_ledger(f"sqlite:///{self.ledger}"),
            run_id=run_id,
            options=RunOptions(**options),
            open_campus=lambda: CampusReader(DuckDbHook(self.campus, served=self.served), district_number=DISTRICT),
            open_ods=partial(EdFiClient, config),
        )


@dataclass(frozen=True)
class Step:
    """What a step took: seconds, the process's peak memory in MiB (0 if it shared one), and what it counted."""

    name: str
    seconds: float
    peak_mib: float
    counts: dict[str, Any]


def run_here(place: Place, run_id: str, names: Iterable[str], **options: bool) -> list[Step]:
    """Steps in this process, one after the other."""
    lane = place.lane(run_id, **options)
    done = [_timed(lane, name) for name in names]
    lane.ledger.dispose()
    return done


def run_apart(place: Place, run_id: str, names: Iterable[str], **options: bool) -> list[Step]:
    """Steps, each in a process of its own, as Airflow runs them."""
    return [_apart(place, run_id, name, options) for name in names]


def _apart(place: Place, run_id: str, name: str, options: dict[str, bool]) -> Step:
    order = json.dumps(
        {"place": asdict(replace(place, served=True)), "run_id": run_id, "step": name, "options": options}
    )
    command = [sys.executable, "-m", "bench.step"]
    done = subprocess.run(command, input=order, capture_output=True, text=True, cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"step {name} failed:\n{done.stderr}")
    return Step(**json.loads(done.stdout))


def _timed(lane: Lane, name: str) -> Step:
    started = time.perf_counter()
    counts = report(lane).counts if name == "report" else run_step(lane, name)
    return Step(name, time.perf_counter() - started, 0.0, counts)


def seconds_of(steps: Iterable[Step], *names: str) -> float:
    """The time of steps together; of all, if none is named."""
    return sum(step.seconds for step in steps if not names or step.name in names)


@contextmanager
def district(associations: int) -> Iterator[tuple[Place, RunningOds]]:
    """A Campus, an empty ledger and an ODS for so many associations, there for the length of the block.

    Its key may ask what was deleted, as one with the right ReadChanges may.
    """
    with (
        TemporaryDirectory(prefix="edfi-cte-bench-") as folder,
        serve(seed=ods_seed(associations), api="7.3", claim_set="Ed-Fi Sandbox") as ods,
    ):
        campus = Path(folder) / "campus.duckdb"
        build_campus(campus, associations)
        yield Place(str(campus), f"{folder}/ledger.sqlite", ods.base_url, ods.key, ods.secret), ods
