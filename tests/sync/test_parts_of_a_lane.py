"""What a lane knows and says beside its steps: its shards, needs and settings, its evidence, what is missing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.decide import Absence, absence
from edfi_cte.associations.model import NaturalKey
from edfi_cte.ledger import bulk, leases
from edfi_cte.ledger.events import Failure, Result
from edfi_cte.ledger.leases import LeaseHeld, Needs, PlanPast, Step
from edfi_cte.ledger.schema import enrollment_record, event, kept_record, record_outcome, run, run_step, target
from edfi_cte.ods import ChangeVersions
from edfi_cte.ods.errors import AuthorizationDenied, Unavailable
from edfi_cte.sync import changes
from edfi_cte.sync.changes import Changes, LastResync, scope_of
from edfi_cte.sync.descriptors import ADVICE, Descriptors
from edfi_cte.sync.evidence import LaneEvidence, approved_lists
from edfi_cte.sync.lane import STEP_NAMES, Lane, RunOptions, Shard, StepFailed, place_of
from edfi_cte.sync.programs import Programs, lacking
from edfi_cte.sync.send import Tally
from tests.ledger.rows import AT, OTHER, TARGET, add
from tests.sync.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One whose ODS is never asked."""
    return World({2026: SimpleNamespace(base_url="http://127.0.0.1:9", key="key", secret="secret")}, tmp_path)


@pytest.fixture
def lane(world: World) -> Lane:
    return world.lane(run_id="run")


@pytest.fixture
def ledger(lane: Lane) -> Iterator[sa.Connection]:
    with lane.ledger.connect() as connection:
        yield connection


def test_a_shard_has_a_name_where_there_are_several():
    assert [Shard(n, 3).name_of("upsert") for n in range(3)] == ["upsert 1/3", "upsert 2/3", "upsert 3/3"]
    assert Shard().name_of("upsert") == "upsert"
    assert [place_of(step) for step in (*STEP_NAMES, "plan")] == [0, 1, 2, 3, 4, 5, 6, 0]


@pytest.mark.parametrize("dry", [False, True])
def test_what_a_step_builds_on(lane: Lane, dry: bool):
    lane.options = RunOptions(dry_run=dry)
    found = [lane._needs(Step(step, place_of(step), step)) for step in STEP_NAMES]
    six = timedelta(hours=6)
    assert found == [
        *[Needs(False, False, six)] * 2,
        Needs(True, False, six),
        *[Needs(True, not dry, six)] * 4,
    ]


def test_the_digest_of_the_settings_minds_all_but_the_toggle(world: World):
    first = world.lane().settings_digest
    world.target(2026)["enabled"] = False
    assert world.lane().settings_digest == first
    world.settings["preferences"]["default"] = {"send_end_date": True}
    second = world.lane().settings_digest
    world.target(2026)["first_contact"] = "clean_up"
    assert len({first, second, world.lane().settings_digest}) == 3


def test_a_step_that_is_begun_again_leaves_nothing_of_itself_and_of_later_steps(world: World, lane: Lane):
    other = world.lane(run_id="another")
    with lane.ledger.begin() as connection:
        for one in (lane, other):
            one.enter(connection)
            for step in STEP_NAMES:
                one.keep(connection, step, {"done": 1})
    with lane.held("extract"):
        pass
    with lane.ledger.connect() as connection:
        left = connection.execute(sa.select(run_step.c.run_id, run_step.c.step)).all()
    assert sorted(step for run_id, step in left if run_id == "run") == ["preflight"]
    assert sorted(step for run_id, step in left if run_id == "another") == sorted(STEP_NAMES)


@pytest.mark.parametrize("known", [False, True])
def test_no_record_is_transformed_before_the_data_standard_is_known(lane: Lane, known: bool):
    if known:
        with lane.ledger.begin() as connection:
            add(connection, target, target_id=TARGET)
    with pytest.raises(StepFailed, match=f"{TARGET}: preflight has not run yet"):
        lane.transform()


@pytest.mark.parametrize(
    ("refused", "kept"),
    [
        (PlanPast("past"), True),
        (LeaseHeld("held", other_run=True), True),
        (LeaseHeld("held", other_run=False), False),
    ],
)
def test_why_nothing_was_begun_is_kept_but_where_a_try_of_this_run_is_at_work(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, refused: Any, kept: bool
):
    def begin(*_: Any) -> None:
        raise refused

    monkeypatch.setattr(leases, "begin", begin)
    with pytest.raises(type(refused)) as raised, lane.held("upsert"):
        pytest.fail("it has begun")
    assert raised.value is refused
    with lane.ledger.connect() as connection:
        rows = connection.execute(sa.select(run.c.run_id)).all()
    assert len(rows) == kept


def test_what_is_sent_is_counted_by_action_and_what_fails_by_its_type():
    tally = Tally()
    post, delete = SimpleNamespace(action=Action.POST), SimpleNamespace(action=Action.DELETE)
    both: Any = SimpleNamespace(action=Action.DELETE_POST)
    for result in (
        *[Result(post, ods_id="i")] * 2,  # type: ignore[arg-type]
        Result(delete, deleted=True),  # type: ignore[arg-type]
        Result(delete, out_of_reach=True),  # type: ignore[arg-type]
        Result(both, ods_id="i", out_of_reach=True),
        Result(post, failure=Failure("validation", "", "")),  # type: ignore[arg-type]
    ):
        tally.add(result)
    assert tally.counts() == {
        "attempted": 6,
        "sent": {"Post": 2, "Delete": 1, "Delete/Post": 1},
        "failed": {"validation": 1},
        "refused": 1,
    }
    assert Tally().counts() == {"attempted": 0, "sent": {}, "failed": {}, "refused": 0}


DAY = date(2025, 8, 20)
REJECTED: dict[str, Any] = {"outcome": "rejected", "reason": "cluster"}


def reject(connection: sa.Connection, number: int, program_type: str | None, **source: Any) -> None:
    known = {"enrollment_id": number, "target_id": TARGET}
    values = {"student_unique_id": "7", "start_date": DAY, "cte_program_type": program_type} | source
    add(connection, enrollment_record, **known, **values)
    add(connection, record_outcome, **known, **REJECTED)


def test_a_rejected_record_speaks_for_those_of_its_student_begin_date_and_program_type(lane: Lane):
    with lane.ledger.begin() as connection:
        reject(connection, 1, "0410")
        reject(connection, 2, None, student_unique_id="8")
        reject(connection, 3, "0410", student_unique_id="9", start_date=None)
        reject(connection, 4, "0410", student_unique_id=None)
    evidence = LaneEvidence(lane)
    assert not evidence.campus_is_empty

    def said(student: str, begin: str, program_type: str) -> str | None:
        mapped: Any = SimpleNamespace(student_unique_id=student, begin_date=begin, cte_program_type=program_type)
        return evidence.rejected_for(mapped)

    assert said("7", "2025-08-20", "0410") == "cluster"
    assert said("8", "2025-08-20", "") == "cluster"
    for other in (("7", "2025-08-20", "0110"), ("7", "2025-08-21", "0410"), ("9", "2025-08-20", "0410")):
        assert said(*other) is None
    for student, reason in (("7", "cluster"), ("8", "cluster"), ("9", None)):
        key = NaturalKey(DAY, 1, 1, "Health", "uri", student)
        seen = Absence(cause=Cause.NO_SOURCE, rejected_for=reason)
        assert evidence.stranger("k", key, first_contact=False) == absence(seen)


@pytest.mark.parametrize("first", [False, True])
def test_of_an_empty_campus_and_an_unknown_record_nothing_speaks_against_a_delete(lane: Lane, first: bool):
    evidence = LaneEvidence(lane)
    assert evidence.campus_is_empty
    assert evidence.approved("k", Action.DELETE, Cause.NO_SOURCE) is None
    seen = Absence(cause=Cause.NO_SOURCE, first_contact=first, campus_is_empty=True)
    assert evidence.stranger("k", NaturalKey(DAY, 1, 1, "H", "u", "7"), first_contact=first) == absence(seen)


@pytest.mark.parametrize(("days", "lately"), [(6.9, True), (7.1, False)])
def test_a_refused_delete_is_tried_again_after_its_days(lane: Lane, days: float, lately: bool):
    with lane.ledger.begin() as connection:
        refused = {"state": "out_of_reach", "refused_at": bulk.now() - timedelta(days=days)}
        add(connection, kept_record, target_id=TARGET, key_id="k", **refused)
    assert LaneEvidence(lane).refused_lately("k") == lately
    assert not LaneEvidence(lane).refused_lately("other")


def test_only_lists_of_the_target_are_approved_at_it(lane: Lane):
    lane.options = RunOptions(approve=f"{TARGET}:aa, {OTHER}:bb {TARGET}:cc")
    assert approved_lists(lane) == [f"{TARGET}:aa", f"{TARGET}:cc"]


class Collections:
    """An ODS's collections by name; one that is an error is refused."""

    def __init__(self, **collections: Any) -> None:
        self.collections, self.asked = collections, list[tuple[str, Any]]()

    async def find(self, name: str, filters: Any) -> Any:
        self.asked.append((name, filters))
        if isinstance(found := self.collections.get(name, []), Exception):
            raise found
        return found

    async def iterate(self, name: str, filters: Any) -> Any:
        for one in await self.find(name, filters):
            yield one

    async def upsert(self, name: str, document: Any) -> None:
        self.asked.append((name, document))


def test_a_program_is_lacking_or_spelt_otherwise():
    said = "the ODS has no program 'Health' of this education organization and program type"
    assert lacking("Health", {"Other"}) == said
    assert lacking("Health", {"Other", "HEALTH"}) == f"{said}; it spells it 'HEALTH'"


def queue(lane: Lane, action: Action, **columns: Any) -> None:
    known = {"target_id": TARGET, "step": "upsert", "status": "pending", "action": action}
    with lane.ledger.begin() as connection:
        add(connection, event, **known, **columns)


def cluster(value: str) -> dict[str, str]:
    return {"namespace": "uri://x/CTE", "codeValue": value}


def descriptors_of(lane: Lane, **collections: Any) -> tuple[Descriptors, Collections]:
    ods: Any = Collections(**collections)
    descriptors = Descriptors(lane, ods)
    asyncio.run(descriptors.prepare("upsert"))
    return descriptors, ods


def of_cluster(uri: str, action: Action = Action.DELETE_POST) -> Any:
    services = [{"cteProgramServiceDescriptor": uri, "primaryIndicator": True}]
    return SimpleNamespace(action=action, body=json.dumps({"a": 1, "cteProgramServices": services}))


def test_a_delete_post_waits_for_a_descriptor_that_the_ods_lacks(lane: Lane):
    queue(lane, Action.DELETE_POST)
    descriptors, ods = descriptors_of(lane, cteProgramServiceDescriptors=[cluster("Health")])
    assert sorted(name for name, filters in ods.asked if filters == {}) == [
        "careerPathwayDescriptors",
        "cteProgramServiceDescriptors",
        "technicalSkillsAssessmentDescriptors",
    ]
    assert descriptors.missing(of_cluster("URI://x/cte#HEALTH")) is None
    said = "the ODS has no cteProgramServiceDescriptor 'uri://x/CTE#Other'; nothing was deleted"
    assert descriptors.missing(of_cluster("uri://x/CTE#Other")) == Failure("descriptor_missing", said, ADVICE)
    for action in (Action.POST, Action.PUT, Action.DELETE):
        assert descriptors.missing(of_cluster("uri://x/CTE#Other", action)) is None


def test_a_collection_that_can_not_be_read_keeps_nothing_waiting_and_others_are_read(lane: Lane):
    queue(lane, Action.DELETE_POST)
    denied = AuthorizationDenied("no", status=403)
    descriptors, ods = descriptors_of(lane, cteProgramServiceDescriptors=denied)
    assert descriptors.missing(of_cluster("uri://x/CTE#Other")) is None
    assert len(ods.asked) == 3


@pytest.mark.parametrize(
    "odd", [{}, {"namespace": "uri://x/CTE"}, {"codeValue": "Health"}, {"namespace": 1, "codeValue": []}]
)
def test_a_descriptor_that_is_none_beside_others_is_passed_over(lane: Lane, odd: dict[str, Any]):
    queue(lane, Action.DELETE_POST)
    descriptors, _ = descriptors_of(lane, cteProgramServiceDescriptors=[odd, cluster("Health"), odd])
    assert descriptors.missing(of_cluster("uri://x/CTE#Health")) is None
    assert descriptors.missing(of_cluster("uri://x/CTE#Other")) is not None


def test_no_descriptor_is_read_where_no_delete_post_is_due(lane: Lane):
    queue(lane, Action.POST)
    assert descriptors_of(lane)[1].asked == []


def program(name: Any, edorg: Any = 39141, kind: Any = None, lane: Any = None) -> dict[str, Any]:
    return {
        "programName": name,
        "educationOrganizationReference": {"educationOrganizationId": edorg},
        "programTypeDescriptor": kind or lane.preferences.program_type_descriptor.upper(),
    }


def programs_of(lane: Lane, *programs: Any) -> tuple[Programs, Collections]:
    queue(lane, Action.POST, body="{}", program_name="Health")
    ods: Any = Collections(programs=programs[0] if isinstance(programs[0], Exception) else list(programs))
    found = Programs(lane, ods)
    asyncio.run(found.prepare("upsert"))
    return found, ods


def waits(programs: Programs, **columns: Any) -> Failure | None:
    row: Any = SimpleNamespace(**({"body": "{}", "program_name": "Health"} | columns))
    return programs.missing(row)


def test_a_program_is_known_by_organization_type_and_name(lane: Lane, caplog: pytest.LogCaptureFixture):
    assert waits(programs_of(lane, program("Health", lane=lane))[0]) is None
    others = [
        program("Health", 1, lane=lane),
        program("Health", kind="uri://other", lane=lane),
        program(7, lane=lane),
        program("Health", lane=lane) | {"educationOrganizationReference": None},
        program("Health", lane=lane) | {"programTypeDescriptor": None},
        program("health", lane=lane),
    ]
    assert caplog.messages == []
    programs, ods = programs_of(lane, *others)
    assert ods.asked == [("programs", {"educationOrganizationId": lane.target.edorg_id})]
    missing = waits(programs)
    assert missing is not None
    assert (missing.error_type, missing.message) == ("program_missing", lacking("Health", {"health"}))
    assert "create_missing_programs" in missing.advice
    assert waits(programs, body=None) is None
    assert waits(programs, program_name="Other") is None
    assert "2 records wait for it" in " ".join(" ".join(caplog.messages).split())


def test_an_ods_that_does_not_answer_of_its_programs_stops_the_step(lane: Lane):
    with pytest.raises(
        StepFailed, match=f"{TARGET}: reading the ODS's programs failed: down .*Nothing was sent"
    ) as it:
        programs_of(lane, Unavailable("down", status=503))
    assert it.value.transient


LAST = LastResync("https://a", "scope", AT, earlier=1200, newest=1300)


def test_versions_are_read_again_from_some_before_the_reading_before():
    assert LAST.since == 700
    assert LastResync("", "", AT, earlier=499, newest=1).since == 0


def outcome(lane: Lane, last: Any, versions: Any, because: str | None, began: datetime) -> Any:
    client: Any = None
    return Changes(lane, client, "https://a", last, versions).outcome(because, began)


def test_a_resync_leaves_what_the_next_one_needs(lane: Lane):
    later = AT + timedelta(days=1)
    last = LastResync("https://a", scope_of(lane), AT, earlier=1200, newest=1300)
    versions = ChangeVersions(0, 1400)
    left = {"data_url": "https://a", "scope": scope_of(lane), "newest": 1400}

    def after(known: Any, because: str | None) -> Any:
        return outcome(lane, known, versions, because, later)

    changed = {"whole_at": AT.isoformat(), "earlier": 1300}
    whole = {"whole_at": later.isoformat(), "earlier": 1300}
    assert after(last, None) == {"read": changes.BY_CHANGE, "next_resync": left | changed}
    assert after(last, "why") == {"read": "all, since why", "next_resync": left | whole}
    anew = {"read": "all, since why", "next_resync": left | whole | {"earlier": 1400}}
    for other in (None, LAST, LastResync("https://b", scope_of(lane), AT, 1200, 1300)):
        assert after(other, "why") == anew
    lower = outcome(lane, last, ChangeVersions(0, 1250), "why", later)
    assert (lower["next_resync"]["earlier"], lower["next_resync"]["newest"]) == (1250, 1250)
    assert outcome(lane, last, None, "why", later) == {"read": "all, since why"}


def test_a_list_that_is_not_there_is_refused_with_those_that_are(lane: Lane, monkeypatch: pytest.MonkeyPatch):
    lane.options = RunOptions(approve=f"{TARGET}:aa")
    monkeypatch.setattr(type(lane), "writing", lambda self: self.ledger.begin())
    said = f"{TARGET}: there is no list '{TARGET}:aa' to approve; what waits or is held now: "
    with pytest.raises(StepFailed) as refused:
        LaneEvidence(lane)
    assert str(refused.value).startswith(f"{said}nothing. Nothing was sent.")
