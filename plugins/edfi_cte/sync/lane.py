"""A lane: one target on its way through one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.model import canonical_json, digest
from edfi_cte.associations.transform import Transform
from edfi_cte.campus import CampusReader
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import bulk, leases, runs
from edfi_cte.ledger.leases import LeaseHeld, Needs, Owner, PlanPast, Step
from edfi_cte.ledger.runs import Task
from edfi_cte.ods import EdFiClient
from edfi_cte.settings import ResourcePreferences, Settings, Target
from edfi_cte.sync.lease import Lease
from edfi_cte.sync.toggle import StepSkipped as StepSkipped

RESOURCE = "studentCTEProgramAssociations"

STEP_NAMES = (
    "preflight",
    "extract",
    "transform",
    "upsert",
    "natural_key_changes",
    "resync_identity_mapping",
    "resync_ods",
)
"""In the order of a run; ``report`` follows whatever became of them."""

RESYNC_STEPS = frozenset({"resync_identity_mapping", "resync_ods"})

SHARED_STEPS = frozenset({"upsert", "natural_key_changes"})
"""The steps that several tasks may share (``dag.sending_tasks``)."""

SENDING_STEPS = SHARED_STEPS | RESYNC_STEPS
"""The steps that write to the ODS."""

NO_COUNTS = frozenset({"plan_after", "without_event"})
"""What transform leaves for later steps beside its counts."""


class StepFailed(EdfiCteError):
    """A step could not do its work; the message says why and what to do."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The parameters of a run (the DAG's params)."""

    dry_run: bool = False
    resync: bool = True
    whole_resync: bool = False
    """Whether the resync reads all, also where what has changed would do."""
    approve: str | None = None
    """The ids of the lists of deletes that a person says yes to, separated by blanks or commas."""
    approved_by: str | None = None
    """Who triggered the run, where that is known."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``count`` tasks that share the sending of a step: each takes from the one queue what is next in it."""

    index: int = 0
    count: int = 1

    def name_of(self, step: str) -> str:
        """The step's name in the run's history; each shard has its own."""
        return step if self.count == 1 else f"{step} {self.index + 1}/{self.count}"


def place_of(step: str) -> int:
    """In the order of a run; what is no step of it (``edfi-cte plan``) begins like the first one."""
    return STEP_NAMES.index(step) if step in STEP_NAMES else 0


_NOBODY = Owner("", "", "")


@dataclass
class Lane:
    """What a step needs: the target, its settings, and ways to its three systems.

    ``open_campus`` and ``open_ods`` are called only by the steps that need them, so that no step spends a token
    or a connection for nothing. ``run_id``: the run's name in the ledger, ``owner`` the run itself, told from those
    of other DAGs and Airflows. ``watch``: as :class:`~edfi_cte.sync.lease.Lease` has it. ``task``: the Airflow
    task and its map index. ``tokens_shared``: whether the processes of a run share a token.
    """

    settings: Settings
    target: Target
    ledger: sa.Engine
    run_id: str
    options: RunOptions
    open_campus: Callable[[], CampusReader]
    open_ods: Callable[[], EdFiClient]
    shard: Shard = Shard()
    owner: Owner = _NOBODY
    watch: Callable[[], EdfiCteError | None] = lambda: None
    task: tuple[str | None, int | None] = (None, None)
    tokens_shared: bool = True
    began_at: datetime = field(default_factory=bulk.now)
    lease: Lease = field(init=False)

    def __post_init__(self) -> None:
        if not self.owner.run_id:
            self.owner = Owner("", "", self.run_id)
        self.lease = Lease(self.ledger, self.target_id, self.owner, self.watch)

    @property
    def target_id(self) -> str:
        """The target's name, e.g. ``039141-2026``."""
        return self.target.target_id

    @cached_property
    def preferences(self) -> ResourcePreferences:
        """The target's resource preferences. Raises SettingsError."""
        return self.settings.preferences_of(self.target)

    @cached_property
    def settings_digest(self) -> str:
        """Changes when anything of the target or its preferences does, but for the toggle."""
        parts = (self.target.model_dump(exclude={"enabled"}), self.preferences.model_dump())
        return digest(canonical_json({"target": parts[0], "preferences": parts[1]}))

    def transform(self) -> Transform:
        """Records to associations, for the data standard that preflight has found."""
        with self.ledger.connect() as connection:
            row = runs.get_target(connection, self.target_id)
        if row is None or row.data_standard is None:
            raise StepFailed(f"{self.target_id}: preflight has not run yet; run it first")
        major, minor = (int(part) for part in row.data_standard.split("."))
        return Transform(self.preferences, self.target.edorg_id, (major, minor))

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A ledger transaction that first makes sure that the lane is still ours. Raises LeaseLost."""
        with self.lease.writing() as connection:
            yield connection

    def enter(self, connection: sa.Connection) -> None:
        """Have an entry in the history of runs, and its name."""
        self._ensure(connection)
        self.run_id = runs.start(connection, self.target_id, self.owner, asdict(self.options))

    @contextmanager
    def held(self, step: str) -> Iterator[None]:
        """Hold the target for a step, or a shard of one. Raises LeaseHeld and PlanPast, having kept the reason."""
        this = Step(step, place_of(step), self.shard.name_of(step))
        self.lease = Lease(self.ledger, self.target_id, self.owner, self.watch)
        with self.ledger.begin() as connection:
            begun, refused = self._begin(connection, this)
        if refused is not None:
            raise refused
        begun()
        try:
            yield
        finally:
            self.lease.end()

    def _begin(self, connection: sa.Connection, step: Step) -> tuple[Callable[[], None], EdfiCteError | None]:
        self._ensure(connection)
        try:
            begun = self.lease.begin(connection, step, self._needs(step))
        except (LeaseHeld, PlanPast) as refused:
            self._tell(connection, step, refused)
            return lambda: None, refused
        self.enter(connection)
        runs.forget(connection, self.target_id, self.run_id, step.part, [*STEP_NAMES[step.place + 1 :], "report"])
        return begun, None

    def _ensure(self, connection: sa.Connection) -> None:
        target = self.target
        leases.ensure(
            connection,
            self.target_id,
            edfi_conn_id=target.edfi_conn_id,
            scope_year=target.scope_year,
            edorg_id=target.edorg_id,
        )

    def _needs(self, step: Step) -> Needs:
        return Needs(
            reading=step.place > STEP_NAMES.index("extract"),
            plan=step.place > STEP_NAMES.index("transform") and not self.options.dry_run,
            max_age=timedelta(hours=self.settings.guards.max_plan_age_hours),
        )

    def _tell(self, connection: sa.Connection, step: Step, refused: LeaseHeld | PlanPast) -> None:
        """Keep why nothing was begun; not where a try of this very run, or of its twin elsewhere, is at work."""
        if isinstance(refused, LeaseHeld) and not refused.other_run:
            return
        if runs.twin_at_work(connection, self.target_id, self.owner):
            return
        self.enter(connection)
        self.keep(connection, step.name, {"fault": str(refused)})

    def keep(self, connection: sa.Connection, step: str, left: dict[str, Any]) -> None:
        """Keep in the run's history what a step counted, or ``{"fault": why}``."""
        part = self.shard.name_of(step)
        runs.keep(connection, self.target_id, self.run_id, step, part, Task(self.began_at, *self.task), left)
