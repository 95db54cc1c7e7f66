"""A lane: one target on its way through one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property

import sqlalchemy as sa

from edfi_cte.associations.model import canonical_json, digest
from edfi_cte.associations.transform import Transform
from edfi_cte.campus import CampusReader
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import runs
from edfi_cte.ods import EdFiClient
from edfi_cte.settings import ResourcePreferences, Settings, Target

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


class StepFailed(EdfiCteError):
    """A step could not do its work; the message says why and what to do."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class StepSkipped(EdfiCteError):
    """A step has, for a reason that is no fault, nothing to do."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The parameters of a run (the DAG's params)."""

    dry_run: bool = False
    resync: bool = True
    allow_mass_delete: bool = False


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``count`` tasks that share the sending of a step: it takes the events whose id leaves ``index``."""

    index: int = 0
    count: int = 1

    @property
    def shares(self) -> tuple[int, int]:
        """As the event queue takes it."""
        return self.index, self.count

    def name_of(self, step: str) -> str:
        """The step's name in the run's history; each shard has its own."""
        return step if self.count == 1 else f"{step} {self.index + 1}/{self.count}"


@dataclass
class Lane:
    """What a step needs: the target, its settings, and ways to its three systems.

    ``open_campus`` and ``open_ods`` are called only by the steps that need them, so that no step spends a token
    or a connection for nothing.
    """

    settings: Settings
    target: Target
    ledger: sa.Engine
    run_id: str
    options: RunOptions
    open_campus: Callable[[], CampusReader]
    open_ods: Callable[[], EdFiClient]
    shard: Shard = Shard()
    _step: str = ""
    _epoch: int = 0

    @property
    def target_id(self) -> str:
        """The target's name, e.g. ``039141-2026``."""
        return self.target.target_id

    def names_of(self, step: str) -> list[str]:
        """A step's names in the run's history: one a task that shares it."""
        count = self.settings.dag.sending_tasks if step in SHARED_STEPS else 1
        return [Shard(index, count).name_of(step) for index in range(count)]

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
        with self.ledger.begin() as connection:
            runs.extend(connection, self.target_id, self.run_id, self._step, self._epoch)
            yield connection

    @contextmanager
    def held(self, step: str) -> Iterator[None]:
        """Hold the target's lease for a step, or a shard of one. Raises LeaseHeld."""
        self._step = self.shard.name_of(step)
        with self.ledger.begin() as connection:
            self._epoch = runs.acquire(
                connection,
                self.target_id,
                self.run_id,
                self._step,
                edfi_conn_id=self.target.edfi_conn_id,
                scope_year=self.target.scope_year,
                edorg_id=self.target.edorg_id,
            )
            runs.start(connection, self.target_id, self.run_id, asdict(self.options))
        yield
