"""Refusals and outages: each by its own name, one record at a time, nothing lost."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from edfi_cte.ledger import events, settling
from edfi_cte.ods import EdFiClient
from edfi_cte.sync.checks import Level, check_programs
from edfi_cte.sync.lane import STEP_NAMES, Lane, StepFailed
from edfi_cte.sync.programs import ON_TRUST
from sandbox.ods.faults import Fault
from tests.sync.campus import PROGRAM_TYPES
from tests.sync.ods_seed import EDORG
from tests.sync.world import RESOURCE, World, counting_writes


@pytest.fixture
def lenient(world: World) -> World:
    world.campus.add(1)
    world.campus.add(2, person=2)
    return world


def attempts(world: World) -> list[tuple[Any, ...]]:
    return [
        tuple(row) for row in world.in_ledger("SELECT error_type, http_status, message, advice FROM edfi_cte_attempt")
    ]


def test_a_student_who_is_not_enrolled_in_the_ods_fails_alone_and_is_tried_again(lenient: World):
    lenient.campus.set("Person", 2, stateID="5555555555")
    result = lenient.run()
    assert result.counts["sent"]["Post"] == 1
    assert result.counts["failed for"] == {"not_yet_enrolled": 1}
    assert "studentSchoolAssociation" in result.advice["not_yet_enrolled"]
    assert "not_yet_enrolled, the first enrollments: 2" in result.table()
    [(kind, status, message, _)] = attempts(lenient)
    assert (kind, status) == ("not_yet_enrolled", 403)
    assert "5555555555" not in message
    lenient.campus.set("Person", 2, stateID="1000000002")
    assert lenient.run().counts["sent"]["Post"] == 1
    assert lenient.there() == lenient.expected()


class Broken(Exception):
    """No error of ours."""


@pytest.mark.parametrize("place", [(EdFiClient, "upsert"), (settling, "settle")], ids=["sending", "settling"])
def test_what_nobody_foresaw_is_shown_plainly_however_deep_it_was(
    lenient: World, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str]
):
    """Not as a group of errors: a person reads the last line of the log."""

    def broken(*_arguments: Any, **_options: Any) -> Any:
        raise Broken

    lenient.do("run", "preflight", "extract", "transform")
    with monkeypatch.context() as patch:
        patch.setattr(*place, broken)
        with pytest.raises(Broken):
            lenient.do("run", "upsert")
    lenient.do("run", "upsert")
    assert lenient.there() == lenient.expected()


def test_an_unknown_descriptor_has_its_own_name(lenient: World):
    unknown = {"mapping": {"5": "uri://ed-fi.org/CTEProgramServiceDescriptor#Nowhere"}}
    lenient.settings["preferences"]["default"] = {"career_cluster": unknown}
    lenient.campus.set("EnrollmentMO", 2, careerCluster="5")
    result = lenient.run()
    assert result.counts["failed for"] == {"unknown_descriptor": 1}
    assert result.counts["sent"]["Post"] == 1


def test_a_key_held_by_another_program_subtype_has_its_own_name(lenient: World):
    lenient.odses[2026].control.put(
        "studentProgramAssociations",
        {
            "beginDate": "2025-08-20",
            "educationOrganizationReference": {"educationOrganizationId": EDORG},
            "programReference": {
                "educationOrganizationId": EDORG,
                "programName": PROGRAM_TYPES["0410"],
                "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education",
            },
            "studentReference": {"studentUniqueId": "1000000002"},
        },
    )
    result = lenient.run()
    assert result.counts["failed for"] == {"natural_key_conflict": 1}


def test_a_missing_program_is_named_and_its_records_wait_undeleted(lenient: World):
    lenient.run()
    sent = lenient.there()
    lenient.settings["preferences"]["default"] = {"program_name": {"mapping": {"0410": "Nowhere"}}}
    with counting_writes(lenient.odses[2026]) as counted:
        result = lenient.run()
    assert counted == [0]
    assert result.counts["failed for"] == {"program_missing": 2}
    assert "create_missing_programs" in result.advice["program_missing"]
    assert lenient.there() == sent


def test_a_program_that_the_ods_spells_otherwise_is_named_with_its_spelling(lenient: World):
    lenient.settings["preferences"]["default"] = {"program_name": {"mapping": {"0410": "health SCIENCES"}}}
    assert lenient.run().counts["failed for"] == {"program_missing": 2}
    assert "it spells it 'Health Sciences'" in attempts(lenient)[0][2]


def test_a_missing_program_is_created_once_if_the_settings_say_so(lenient: World):
    preferences = {"program_name": {"mapping": {"0410": "Created"}}, "create_missing_programs": True}
    lenient.settings["preferences"]["default"] = preferences
    control = lenient.odses[2026].control
    assert lenient.run().counts["sent"]["Post"] == 2
    assert lenient.there() == lenient.expected()
    assert sum(p["programName"] == "Created" for p in control.documents("programs")) == 1
    lenient.settings["preferences"]["default"] = {}
    lenient.run()
    assert sum(p["programName"] == "Created" for p in control.documents("programs")) == 1


def test_more_failures_than_the_guard_allows_fail_the_task_and_lose_nothing(lenient: World):
    lenient.settings["guards"] = {"max_failure_fraction": 0.2, "max_failure_count": 0}
    lenient.campus.set("Person", 2, stateID="5555555555")
    with pytest.raises(StepFailed, match=r"1 events failed where 2 records are desired.*not_yet_enrolled"):
        lenient.run()
    lenient.campus.set("Person", 2, stateID="1000000002")
    assert lenient.run().status == "ok"
    assert lenient.there() == lenient.expected()


def test_an_outage_stops_the_step_and_keeps_the_queue(lenient: World):
    down = Fault("status", method="POST", path=RESOURCE, status=503)
    with lenient.odses[2026].control.faults(down), pytest.raises(StepFailed, match="stays queued"):
        lenient.run()
    assert lenient.there() == {}
    assert lenient.run().counts["sent"]["Post"] == 2
    assert lenient.there() == lenient.expected()


def test_what_an_outage_kept_from_being_sent_is_in_no_doubt(world: World):
    """Else each such event costs a look-up, and the next resync a whole reading."""
    for number in range(1, 41):
        world.campus.add(number, person=number % 4 + 1, startDate=day(number))
    world.do("run", *STEP_NAMES[:3])
    down = Fault("status", method="POST", path=RESOURCE, status=503)
    world.odses[2026].control.clear_log()
    with world.odses[2026].control.faults(down), pytest.raises(StepFailed, match="stays queued"):
        world.do("run", "upsert")
    requests = [r for r in world.odses[2026].control.requests() if r.method == "POST" and RESOURCE in r.path]
    [(doubted,)] = world.in_ledger("SELECT COUNT(*) FROM edfi_cte_event WHERE in_doubt")
    assert doubted <= len(requests) < 40
    assert dict(world.in_ledger("SELECT status, COUNT(*) FROM edfi_cte_event GROUP BY status"))["pending"] > 0


def test_nothing_of_a_student_is_in_what_a_failing_run_wrote(lenient: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    lenient.campus.set("Person", 2, stateID="5555555555")
    result = lenient.run()
    for text in (caplog.text, result.table(), repr(attempts(lenient))):
        assert "5555555555" not in text
        assert "1000000001" not in text


def test_a_program_that_can_not_be_created_fails_its_records_alone(lenient: World):
    lenient.campus.set("EnrollmentMO", 2, cteProgramType="0110")
    preferences = {"program_name": {"mapping": {"0410": "Created"}}, "create_missing_programs": True}
    lenient.settings["preferences"]["default"] = preferences
    refused = Fault("status", method="POST", path="ed-fi/programs", status=403)
    with lenient.odses[2026].control.faults(refused):
        result = lenient.run()
    assert result.counts["failed for"] == {"program_missing": 1}
    assert "refused to create it" in attempts(lenient)[0][2]
    assert result.counts["sent"]["Post"] == 1
    assert lenient.run().counts["sent"]["Post"] == 1
    assert lenient.there() == lenient.expected()


def test_an_outage_while_the_programs_are_read_is_transient_and_sends_nothing(lenient: World):
    lenient.do("run", "preflight", "extract", "transform")
    down = Fault("status", method="GET", path="ed-fi/programs", status=503)
    ods = lenient.odses[2026]
    with ods.control.faults(down), counting_writes(ods) as counted, pytest.raises(StepFailed) as stopped:
        lenient.do("run", "upsert")
    assert counted == [0]
    assert stopped.value.transient
    lenient.do("run", *STEP_NAMES[3:])
    assert lenient.report("run").status == "ok"


def said_of_programs(lane: Lane) -> list[tuple[Level, str]]:
    """What ``edfi-cte check`` says."""

    async def found() -> list[tuple[Level, str]]:
        async with lane.open_ods() as client:
            return [(f.level, f.message) async for f in check_programs(lane, client)]

    return asyncio.run(found())


def test_programs_that_the_key_may_not_read_are_taken_on_trust_by_check_and_run_alike(
    lenient: World, caplog: pytest.LogCaptureFixture
):
    denied = Fault("status", method="GET", path="ed-fi/programs", status=403)
    with lenient.odses[2026].control.faults(denied):
        assert lenient.run().status == "ok"
        assert said_of_programs(lenient.lane()) == [(Level.WARNING, ON_TRUST)]
    assert ON_TRUST in " ".join(" ".join(caplog.messages).split())
    assert lenient.there() == lenient.expected()


def test_an_outage_that_would_stop_a_run_is_an_error_to_check(lenient: World):
    lenient.run()
    down = Fault("status", method="GET", path="ed-fi/programs", status=503)
    with lenient.odses[2026].control.faults(down):
        [(level, message)] = said_of_programs(lenient.lane())
    assert level == Level.ERROR
    assert "a run would stop" in message


@pytest.fixture
def failing(world: World) -> World:
    """Twenty records are in the ODS; eleven more, of a student who is not enrolled there, fail each day."""
    for number in range(1, 21):
        world.campus.add(number, startDate=day(number))
    world.run()
    world.campus.set("Person", 7, stateID="5555555555")
    for number in range(101, 112):
        world.campus.add(number, person=7, startDate=day(number))
    return world


def day(number: int) -> datetime:
    return datetime(2025, 8, 20) + timedelta(days=number)  # noqa: DTZ001 - Campus keeps local times


def test_steady_failures_keep_neither_deletes_nor_the_resync_from_coming(failing: World):
    control = failing.odses[2026].control
    own = {k: v for k, v in control.documents(RESOURCE)[0].items() if k not in ("id", "_etag", "_lastModifiedDate")}
    control.put(RESOURCE, own | {"beginDate": "2025-08-20"})
    failing.campus.set("Enrollment", 1, noShow=True)
    with pytest.raises(StepFailed, match=r"11 events failed where 30 records are desired.*not_yet_enrolled"):
        failing.run()
    assert len(failing.there()) == 19
    assert failing.there().items() <= failing.expected().items()


def test_no_delete_post_is_begun_while_its_post_might_fail_too(failing: World):
    before = failing.there()
    failing.campus.set("Enrollment", 1, startDate=day(50))
    failing.campus.remove(2)
    with pytest.raises(StepFailed, match="no Delete/Post starts"):
        failing.run()
    gone = before.keys() - failing.there().keys()
    assert [key[0] for key in gone] == [day(2).date().isoformat()]
    failing.campus.set("Person", 7, stateID="1000000007")
    assert failing.run().counts["sent"] == {"Post": 11, "Put": 0, "Delete": 0, "Delete/Post": 1}
    assert failing.there() == failing.expected()


def test_a_delete_needs_no_program(lenient: World):
    """Else its program would be missed, or created, for a record that goes. The resync's knows its program's name."""
    lenient.run()
    control = lenient.odses[2026].control
    own = {k: v for k, v in control.documents(RESOURCE)[0].items() if k not in ("id", "_etag", "_lastModifiedDate")}
    control.put(RESOURCE, own | {"beginDate": "2025-10-01"})
    steps = ("preflight", "extract", "transform", "upsert", "natural_key_changes", "resync_identity_mapping")
    lenient.do("next", *steps)
    queued = lenient.in_ledger("SELECT action, program_name IS NULL FROM edfi_cte_event WHERE status = 'pending'")
    assert queued == [("Delete", 0)]
    with lenient.ledger.connect() as connection:
        assert events.program_names(connection, lenient.lane().target_id, "resync_ods") == {}


def test_a_step_warns_of_the_limit_only_where_it_is_exceeded(world: World, caplog: pytest.LogCaptureFixture):
    world.campus.add(1)
    world.run()
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_few_failures_among_many_desired_records_do_not_fail_the_run(failing: World):
    """They are all that is tried on a day without changes."""
    failing.settings["guards"] = {"max_failure_fraction": 0.5, "max_failure_count": 0}
    for _ in range(2):
        result = failing.run()
        assert result.status == "ok"
        assert result.counts["failed"] == 11
