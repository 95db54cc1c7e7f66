"""One target of the model test: what the test knows of it, what it does, and what each run of it is held to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from edfi_cte.errors import EdfiCteError
from edfi_cte.sync.lane import SHARED_STEPS, Shard, StepSkipped
from edfi_cte.sync.report import Report
from edfi_cte.sync.steps import run_step
from sandbox import oracle
from tests.sync import oracles
from tests.sync.mishaps import Died
from tests.sync.world import World, counting_writes, report


class Side:
    """A target. ``alone``: whether the ledger has no other."""

    def __init__(self, world: World, year: int, *, alone: bool) -> None:
        self.world, self.year, self.alone = world, year, alone
        self.broken: tuple[str, int, bool] | None = None
        """A run that did not end well: its name, how many of its tasks ended, and whether it was to resync."""
        self.needs_resync = False
        """Whether something has changed that only a resync can see."""
        self.first_contact = False
        """Whether a run has met an ODS of which the ledger knew no record."""

    @property
    def ods(self) -> Any:
        return self.world.odses[self.year]

    @property
    def settings(self) -> dict[str, Any]:
        """The target's part of the settings file."""
        return self.world.target(self.year)

    @property
    def enabled(self) -> bool:
        return bool(self.settings.get("enabled", True))

    @property
    def target_id(self) -> str:
        return self.world.lane(self.year, "-").target_id

    def there(self) -> dict[oracle.Key, Any]:
        """What the ODS holds of ours."""
        return self.world.there(self.year)

    def documents(self) -> list[dict[str, Any]]:
        """The same as it is there, with ids and etags."""
        return oracles.documents_of(self.world, self.year)

    def mapped(self) -> bool:
        """Whether the ledger knows a record."""
        return bool(oracles.mapped(self.world, self.year))

    def compare(self) -> dict[oracle.Key, Any]:
        """The ODS is what Campus derives, plus what is kept, which this gives."""
        return oracles.compare(self.world, self.year)

    @contextmanager
    def touching_no_other(self) -> Iterator[None]:
        """No row of another target changes within the block."""
        if self.alone:
            yield
            return
        before = oracles.rows_of_others(self.world.ledger, self.target_id)
        yield
        assert oracles.rows_of_others(self.world.ledger, self.target_id) == before

    def note_first_contact(self) -> None:
        """A run is about to begin."""
        if not self.mapped():
            self.first_contact = True

    def forgotten(self) -> None:
        """The ledger knows nothing of the target, so that nothing is left for a resync to see but what all do."""
        self.needs_resync = self.first_contact = True

    def outcome(self, **options: Any) -> Report:
        """A whole run."""
        with self.touching_no_other():
            return self.world.outcome(self.year, **options)

    def writes_nothing(self, **options: Any) -> Report:
        """A whole run that sends nothing."""
        with counting_writes(self.ods) as counted:
            result = self.outcome(**options)
        assert counted == [0]
        return result

    def check(self, *, twice: bool = True) -> None:
        """A whole run ends right, and the next one has nothing to do."""
        before, stays = self.documents(), oracles.must_stay(self.world, self.year)
        self.note_first_contact()
        if not self.enabled:
            assert self.writes_nothing(resync=self.needs_resync).status == "off"
            assert self.documents() == before
            return
        result = self.outcome(resync=self.needs_resync)
        kept = self.compare()
        assert stays <= self.there().keys()
        reasons = {row.reason for row in kept.values() if row.state == "waiting"}
        assert (result.status == "failed") == bool(reasons & {"last_records", "empty_extract"})
        assert "first_contact" not in reasons or self.first_contact
        self.needs_resync = False
        if twice:
            assert self.writes_nothing().counts["planned"] == {}

    def tasks(
        self, run_id: str, steps: Sequence[str], *, resync: bool, reported: bool, two: bool = False
    ) -> Iterator[int]:
        """Tasks of a run, one after the other until one fails; after each, how many have ended."""
        ended = 0
        self.note_first_contact()
        for step in steps:
            try:
                self._task(run_id, step, resync=resync, two=two and step in SHARED_STEPS)
            except StepSkipped:
                pass
            except (EdfiCteError, Died):
                break
            ended += 1
            yield ended
        if reported:
            with self.touching_no_other():
                result = report(self.world.lane(self.year, run_id, resync=resync))
            if result.status == "ok":
                assert ended == len(steps)
                self.check_ok(result, read_now="extract" in steps, resync=resync)
        self.world.let_leases_run_out(self.target_id)

    def _task(self, run_id: str, step: str, *, resync: bool, two: bool) -> None:
        """One task, or two side by side that share the step. A target that is off sends nothing."""
        lanes = [
            replace(self.world.lane(self.year, run_id, resync=resync), shard=Shard(index, 1 + two))
            for index in range(1 + two)
        ]
        counted = [0]
        with (
            self.touching_no_other(),
            nullcontext(counted) if self.enabled else counting_writes(self.ods) as counted,
            ThreadPoolExecutor(len(lanes)) as threads,
        ):
            done = [threads.submit(run_step, lane, step) for lane in lanes]
        assert sum(counted) == 0
        for each in done:
            each.result()

    def check_ok(self, result: Report, *, read_now: bool, resync: bool) -> None:
        """A run says ok only of what is so, but for single failures, and for what only a resync can know."""
        if read_now and not result.counts["failed"] and (resync or not self.needs_resync):
            self.compare()
