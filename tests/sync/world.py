# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""A small world to sync in: a Campus on DuckDB, a ledger on SQLite, and the sandbox ODS over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
import sqlalchemy as sa

from edfi_cte.associations.model import NaturalKey
from edfi_cte.campus import CampusReader
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import approvals, differences, schema
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ods import EdFiClient, EdFiConfig
from edfi_cte.settings import Settings
from edfi_cte.sync import report as reports
from edfi_cte.sync.lane import Lane, RunOptions, StepFailed, StepSkipped
from edfi_cte.sync.report import Report
from edfi_cte.sync.steps import STEPS, run_step
from sandbox import oracle
from tests.sync.campus import DISTRICT, Campus

RESOURCE = "studentCTEProgramAssociations"


@cache
def empty_ledger() -> bytes:
    """The file of a ledger without a row: to migrate one for each world would cost more than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        ledger = open_ledger(f"sqlite:///{path}")
        with ledger.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        ledger.dispose()
        return path.read_bytes()


def sqlite_ledger(path: Path) -> sa.Engine:
    """An empty ledger in a file."""
    path.write_bytes(empty_ledger())
    return open_ledger(f"sqlite:///{path}")


@dataclass
class World:
    """Campus, ledger and one ODS a scope year. ``settings``: the file's content, which a test changes as it likes."""

    odses: dict[int, Any]
    folder: Path
    campus: Campus = field(default_factory=Campus)
    district: str = DISTRICT
    client: tuple[str, str] | None = None
    runs: int = 0
    ledger_url: str = ""
    new_ledger: Callable[[Path], sa.Engine] = sqlite_ledger
    watch: Callable[[], EdfiCteError | None] = lambda: None
    page_size: int | None = None
    data_standard: tuple[int, int] = (5, 2)

    def __post_init__(self) -> None:
        self.edorg, self.campus_conn_id = int(self.district), "campus"
        self.settings: dict[str, Any] = {"version": 1, "targets": [], "preferences": {"default": {}}}
        self._configure("edfi_")
        self.lose_ledger()

    def _configure(self, prefix: str) -> None:
        self.settings["targets"] += [
            {
                "district_number": self.district,
                "scope_year": year,
                "campus_conn_id": self.campus_conn_id,
                "edfi_conn_id": f"{prefix}{year}",
            }
            for year in self.odses
        ]

    def neighbour(self, district: str) -> World:
        """Another district of the same settings file and ledger, with a Campus of its own."""
        other = copy(self)
        other.district, other.edorg, other.odses = district, int(district), dict(self.odses)
        other.campus, other.campus_conn_id = Campus(district), f"campus_{district}"
        other.client = client_of(district)
        other._configure(f"edfi_{district}_")
        return other

    def lose_ledger(self) -> None:
        """A new, empty ledger."""
        self.runs += 1
        self.ledger = self.new_ledger(self.folder / f"ledger{self.runs}.sqlite")
        self.ledger_url = self.ledger.url.render_as_string(hide_password=False)

    def target(self, year: int) -> dict[str, Any]:
        """The target's part of the settings file."""
        [found] = [
            target
            for target in self.settings["targets"]
            if target["scope_year"] == year and target["campus_conn_id"] == self.campus_conn_id
        ]
        return cast("dict[str, Any]", found)

    def lane(self, year: int = 2026, run_id: str | None = None, **options: Any) -> Lane:
        """A lane of a run."""
        settings = Settings.model_validate(self.settings)
        [target] = [t for t in settings.targets_of(year) if t.campus_conn_id == self.campus_conn_id]
        ods = self.odses[year]
        key, secret = self.client or (ods.key, ods.secret)
        config = EdFiConfig(
            base_url=ods.base_url, client_id=key, client_secret=secret, tries=2, page_size=self.page_size
        )
        if run_id is None:
            self.runs += 1
            run_id = f"run {self.runs}"
        return Lane(
            settings=settings,
            target=target,
            ledger=self.ledger,
            run_id=run_id,
            options=RunOptions(**options),
            open_campus=lambda: CampusReader(
                self.campus,
                district_number=self.district,
                exclude_also=target.exclude_also,
                parts=target.campus_mapping.model_dump(),
            ),
            open_ods=partial(EdFiClient, config),
            watch=self.watch,
        )

    def run(self, year: int = 2026, **options: Any) -> Report:
        """A whole run of one year, as the DAG does it."""
        return run(self.lane(year, **options))

    def do(self, run_id: str, *steps: str, **options: bool) -> None:
        """Tasks of a run, each with the settings as they are by then."""
        for step in steps:
            run_step(self.lane(run_id=run_id, **options), step)

    def report(self, run_id: str, **options: bool) -> Report:
        """The last task of a run, which follows whatever became of the others."""
        return report(self.lane(run_id=run_id, **options))

    def outcome(self, year: int = 2026, **options: Any) -> Report:
        """A whole run whose steps all do their work, and that may be red for deletes that wait; its report."""
        lane = self.lane(year, **options)
        try:
            return run(lane)
        except StepFailed as stopped:
            if "wait for a person" not in str(stopped):
                raise
            return report(lane)

    def red(self, year: int = 2026, **options: Any) -> Report:
        """A whole run that must end red; its report."""
        lane = self.lane(year, **options)
        with pytest.raises(StepFailed):
            run(lane)
        return report(lane)

    def list_id(self, state: str = "waiting", year: int = 2026) -> str:
        """The list of what waits, or is held, as the last run made it."""
        lane = self.lane(year)
        with self.ledger.connect() as connection:
            [found] = [made for made in approvals.newest(connection, lane.target_id) if made.state == state]
        return found.list_id

    def kept(self) -> dict[tuple[str, str], int]:
        """How many records are kept, by state and reason."""
        rows = self.in_ledger("SELECT state, reason, COUNT(*) FROM edfi_cte_kept_record GROUP BY state, reason")
        return {(state, reason): n for state, reason, n in rows}

    def kept_documents(self, year: int = 2026) -> dict[oracle.Key, sa.Row[Any]]:
        """What the ledger says is kept in the ODS, by the key that it has there."""
        target_id = self.lane(year).target_id
        with self.ledger.connect() as connection:
            rows = connection.execute(
                sa.select(schema.kept_record).where(schema.kept_record.c.target_id == target_id)
            ).all()
        by_key, by_id = {row.key_id: row for row in rows}, {row.ods_id: row for row in rows}
        found = {}
        for document in self.ours(year):
            row = by_id.get(document["id"]) or by_key.get(NaturalKey.of(document).key_id)
            if row is not None:
                found[oracle.key_of(document)] = row
        return found

    def ours(self, year: int = 2026) -> list[dict[str, Any]]:
        """What the ODS holds of ours, but for a twin of another, equal but for its case, that waits for a person."""
        documents = [d for d in self.odses[year].control.documents(RESOURCE) if is_ours(d, self.edorg)]
        keys = Counter(map(oracle.key_of, documents))
        if len(keys) == len(documents):
            return documents
        rows = self.in_ledger("SELECT ods_id FROM edfi_cte_kept_record WHERE state = 'waiting'")
        waiting = {ods_id for (ods_id,) in rows}
        return [d for d in documents if keys[oracle.key_of(d)] == 1 or d["id"] not in waiting]

    def rejections(self, year: int = 2026) -> dict[int, str]:
        """The reason of each enrollment that the naive oracle rejects."""
        return {
            number: str(verdict.reason)
            for number, verdict in oracle.verdicts(
                self.campus.full_tables(), year, self.oracle_settings(year)
            ).items()
            if verdict.outcome == "rejected"
        }

    def oracle_settings(self, year: int) -> dict[str, Any]:
        """The target as the oracle takes it."""
        target = self.target(year)
        return (
            target
            | {"data_standard": self.data_standard}
            | {"preferences": self.settings["preferences"][target.get("preferences", "default")]}
        )

    def expected(self, year: int = 2026) -> dict[oracle.Key, Any]:
        """What the naive oracle says the ODS should hold."""
        wanted = oracle.expected_from_rows(self.campus.full_tables(), year, self.oracle_settings(year))
        return {key: bare(document) for key, document in wanted.items()}

    def there(self, year: int = 2026) -> dict[oracle.Key, Any]:
        """What the ODS holds of ours, read behind the API's back."""
        documents = self.ours(year)
        found = {oracle.key_of(document): bare(document) for document in documents}
        assert len(found) == len(documents), "two documents of one key, but for its case"
        return found

    def let_leases_run_out(self, target_id: str | None = None) -> None:
        """A run that died held its target, or any; its time is up."""
        with self.ledger.begin() as connection:
            for table in (schema.lease, schema.hold):
                of_it = sa.true() if target_id is None else table.c.target_id == target_id
                connection.execute(sa.update(table).where(of_it).values(expires_at=datetime(2020, 1, 1)))

    def in_ledger(self, statement: str) -> Any:
        """The rows of a query."""
        with self.ledger.connect() as connection:
            return connection.execute(sa.text(statement)).all()


def client_of(district: str) -> tuple[str, str]:
    """The key and secret of a neighbour's."""
    return f"key-{district}", f"secret-{district}"


def report(lane: Lane) -> Report:
    """The report. Whatever it has looked at, it says of the ODS what a comparison of all records says."""
    result = reports.report(lane)
    compared = sum(map(len, differences.in_step(lane.ledger, lane.target_id)))
    assert result.counts["desired and in the ODS as such"] == compared
    return result


def run(lane: Lane) -> Report:
    """The steps one after the other, a skip ending the rest, and the report in any case."""
    try:
        for step in STEPS:
            run_step(lane, step)
    except StepSkipped:
        pass
    finally:
        result = report(lane)
    if result.status == "failed":
        raise StepFailed(result.message or "")
    return result


@contextmanager
def counting_writes(ods: Any) -> Iterator[list[int]]:
    """How many writes of associations the ODS was asked for within the block."""
    before = writes(ods)
    counted: list[int] = []
    yield counted
    counted.append(writes(ods) - before)


def writes(ods: Any) -> int:
    """POST, PUT and DELETE requests for associations so far."""
    return sum(n for (method, path, _), n in ods.control.counts().items() if method != "GET" and RESOURCE in path)


def is_ours(document: dict[str, Any], edorg: int) -> bool:
    """Of our education organization and program type."""
    kind = document["programReference"]["programTypeDescriptor"].casefold()
    ours = document["educationOrganizationReference"]["educationOrganizationId"] == edorg
    return ours and kind.endswith("#career and technical education")


def bare(value: Any) -> Any:
    """A document as both sides can be compared: no server properties, nothing empty, collections in one order."""
    if isinstance(value, dict):
        own = ("id", "_etag", "_lastModifiedDate", "link")
        return {k: bare(v) for k, v in value.items() if k not in own and v not in (None, [], {})}
    if isinstance(value, list):
        return sorted((bare(item) for item in value), key=repr)
    return value
