# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""A record that was right is never taken away before its successor is accepted (invariant 2)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from edfi_cte.associations.compare import without_additions
from edfi_cte.associations.model import canonical_json
from edfi_cte.ledger import events, old_documents
from edfi_cte.ods.message import Answer, Request
from edfi_cte.sync.lane import StepFailed
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, counting_writes

Change = Callable[[World], None]
SECOND = datetime(2025, 9, 2)
REFUSED = Fault("status", method="POST", path=RESOURCE, status=400)
REFUSED_ONCE = Fault("status", method="POST", path=RESOURCE, status=400, times=1)


@pytest.fixture
def sent(world: World) -> World:
    for number in (1, 2):
        world.campus.add(number, person=number)
    world.run()
    return world


def change_key(world: World) -> None:
    world.campus.set("Enrollment", 1, startDate=SECOND)


def change_cluster(world: World) -> None:
    """The natural key stays: the page wants a Delete/Post all the same."""
    world.campus.set("EnrollmentMO", 1, careerCluster="5")


def old_bodies(world: World) -> int:
    return len(world.in_ledger("SELECT event_id FROM edfi_cte_event WHERE old_body IS NOT NULL"))


def requests_of(world: World) -> list[str]:
    return [r.method for r in world.odses[2026].control.requests() if r.method != "GET" and RESOURCE in r.path]


@pytest.mark.parametrize(
    ("change", "order"), [(change_key, ["POST", "DELETE"]), (change_cluster, ["DELETE", "POST"])]
)
def test_the_new_record_comes_first_where_the_key_allows_it(sent: World, change: Change, order: list[str]):
    change(sent)
    sent.odses[2026].control.clear_log()
    result = sent.run()
    assert result.counts["sent"]["Delete/Post"] == 1
    assert requests_of(sent) == order
    assert sent.there() == sent.expected()
    assert old_bodies(sent) == 0


@pytest.mark.parametrize("change", [change_key, change_cluster])
def test_a_refused_post_leaves_the_old_record(sent: World, change: Change):
    before = sent.there()
    change(sent)
    with sent.odses[2026].control.faults(REFUSED_ONCE):
        result = sent.run(resync=False)
    assert result.status == "ok"
    assert result.counts["failed for"] == {"validation": 1}
    assert sent.there() == before
    assert old_bodies(sent) == 0
    assert sent.run(resync=False).counts["sent"]["Delete/Post"] == 1
    assert sent.there() == sent.expected()


def test_what_was_put_back_is_known_to_the_mapping(sent: World):
    """Under its new id: the resync finds nothing amiss."""
    change_cluster(sent)
    with sent.odses[2026].control.faults(REFUSED_ONCE):
        sent.run(resync=False)
    sent.campus.set("EnrollmentMO", 1, careerCluster="8")
    with counting_writes(sent.odses[2026]) as counted:
        found = sent.run().counts["resync found"]
    assert (found["in_ods"], found["not_in_ods"], found["no_source"]) == (2, 0, 0)
    assert counted == [0]


@pytest.mark.parametrize("location", [True, False])
def test_the_new_id_of_what_was_put_back_is_kept(sent: World, between: Any, location: bool):
    """Looked up where a gateway has taken Location out of the answer, and only there."""
    lookups = []

    def tamper(request: Request, answer: Answer) -> Answer:
        if request.method == "GET" and RESOURCE in request.url.path and "beginDate" in request.url.query:
            lookups.append(request)
        if request.method != "POST" or location:
            return answer
        return answer._replace(headers={n: v for n, v in answer.headers.items() if n.lower() != "location"})

    between(tamper)
    change_cluster(sent)
    with sent.odses[2026].control.faults(REFUSED_ONCE):
        assert sent.run(resync=False).status == "ok"
    ids = {document["id"] for document in sent.odses[2026].control.documents(RESOURCE)}
    assert {row.ods_id for row in sent.in_ledger("SELECT ods_id FROM edfi_cte_identity_mapping")} == ids
    assert len(lookups) == (0 if location else 1)


def test_a_record_that_cannot_be_put_back_makes_the_run_red_until_it_is_there_again(sent: World):
    change_cluster(sent)
    for _ in range(2):
        said = r"1 records were deleted to be posted again.*enrollments 1\. They may be missing"
        with sent.odses[2026].control.faults(REFUSED), pytest.raises(StepFailed, match=said):
            sent.run(resync=False)
        assert len(sent.there()) == 1
    assert sent.run(resync=False).status == "ok"
    assert sent.there() == sent.expected()
    assert old_bodies(sent) == 0


def test_it_is_put_back_by_a_later_run_whose_new_record_is_still_refused(sent: World):
    before = sent.there()
    change_cluster(sent)
    with sent.odses[2026].control.faults(REFUSED), pytest.raises(StepFailed):
        sent.run(resync=False)
    with sent.odses[2026].control.faults(REFUSED_ONCE):
        assert sent.run(resync=False).status == "ok"
    assert sent.there() == before
    assert old_bodies(sent) == 0


@pytest.mark.parametrize(
    ("fault", "red"),
    [
        (Fault("drop", method="POST", path=RESOURCE, when="before"), "They may be missing"),
        (Fault("status", method="POST", path=RESOURCE, status=503), "What was not sent stays queued"),
    ],
    ids=["its answer is lost", "the ODS is down"],
)
def test_it_is_put_back_for_a_refusal_alone(sent: World, fault: Fault, red: str):
    """Whether the new record is there is not known, and of an ODS that is down nothing can be asked."""
    change_cluster(sent)
    with sent.odses[2026].control.faults(REFUSED), pytest.raises(StepFailed):
        sent.run(resync=False)
    sent.odses[2026].control.clear_log()
    with sent.odses[2026].control.faults(fault), pytest.raises(StepFailed, match=red):
        sent.run(resync=False)
    assert requests_of(sent) == ["POST", "POST"], "two tries of the new document, and none of the old one"
    assert old_bodies(sent) == 1
    assert sent.run(resync=False).status == "ok"
    assert sent.there() == sent.expected()
    assert old_bodies(sent) == 0


@pytest.mark.parametrize("killed", [False, True], ids=["its answer is lost", "its try is killed, the next refused"])
def test_it_is_kept_while_it_is_not_known_whether_it_is_there(sent: World, killed: bool):
    """Its delete was carried out: what was kept is all that is left of it."""
    before = sent.there()
    change_cluster(sent)
    sent.do("run", "preflight", "extract", "transform", "upsert", resync=False)
    if killed:
        delete_and_die(sent)
        fault = Fault("status", method="DELETE", path=RESOURCE, status=409)
    else:
        fault = Fault("drop", method="DELETE", path=RESOURCE, when="after")
    with sent.odses[2026].control.faults(fault):
        sent.do("run", "natural_key_changes", resync=False)
    assert "They may be missing" in str(sent.report("run", resync=False).message)
    assert len(sent.there()) == 1
    assert old_bodies(sent) == 1
    with sent.odses[2026].control.faults(REFUSED_ONCE):
        sent.run(resync=False)
    assert sent.there() == before
    assert old_bodies(sent) == 0


def delete_and_die(world: World) -> None:
    lane, control = world.lane(run_id="run", resync=False), world.odses[2026].control
    with lane.held("natural_key_changes"), lane.writing() as connection:
        [row] = events.claim(connection, lane.target_id, "natural_key_changes", lane.lease.token, 1)
        [document] = [d for d in control.documents(RESOURCE) if d["id"] == row.ods_id]
        old_documents.keep(connection, {row.event_id: canonical_json(without_additions(document))})
        control.delete(RESOURCE, row.ods_id)


def test_it_goes_for_good_once_it_is_wanted_no_more(sent: World):
    change_cluster(sent)
    with sent.odses[2026].control.faults(REFUSED), pytest.raises(StepFailed):
        sent.run(resync=False)
    sent.campus.set("Enrollment", 1, noShow=True)
    assert sent.run(resync=False).status == "ok"
    assert sent.there() == sent.expected()
    assert old_bodies(sent) == 0


@pytest.mark.parametrize("change", [change_key, change_cluster])
def test_nothing_is_deleted_for_a_descriptor_that_the_ods_lacks(sent: World, change: Change):
    before = sent.there()
    change(sent)
    sent.campus.set("EnrollmentMO", 1, careerCluster="99")
    lacking = "uri://dese.mo.gov/CTEProgramServiceDescriptor#99"
    sent.settings["preferences"]["default"] = {"career_cluster": {"mapping": {"99": lacking}}}
    with counting_writes(sent.odses[2026]) as counted:
        result = sent.run(resync=False)
    assert result.counts["failed for"] == {"descriptor_missing": 1}
    assert counted == [0]
    assert sent.there() == before


def test_a_refused_delete_leaves_the_old_record_and_no_alarm(sent: World):
    before = sent.there()
    change_cluster(sent)
    with sent.odses[2026].control.faults(Fault("status", method="DELETE", path=RESOURCE, status=409)):
        result = sent.run(resync=False)
    assert result.status == "ok"
    assert result.counts["failed"] == 1
    assert sent.there() == before
    assert old_bodies(sent) == 0


def test_it_is_put_back_though_its_record_is_rejected_by_now(sent: World):
    """What is held has no event of its own that would send its key."""
    before = sent.there()
    change_cluster(sent)
    with sent.odses[2026].control.faults(REFUSED), pytest.raises(StepFailed):
        sent.run(resync=False)
    sent.campus.set("EnrollmentMO", 1, careerCluster="77")
    sent.campus.set("Enrollment", 2, noShow=True)
    sent.campus.add(3, person=3)
    result = sent.run(resync=False)
    assert result.counts["held for"] == {"career_cluster_unmapped": 1}
    assert result.counts["because of"] == {"put_back": 1, "no_show": 1, "new_record": 1}
    there = sent.there()
    assert {key: there[key] for key in there.keys() - sent.expected().keys()}.items() <= before.items()
    assert len(there) == 2
    assert old_bodies(sent) == 0
    assert sent.run().status == "ok"
    assert sent.there() == there


def test_it_is_not_put_back_where_another_record_takes_its_key(sent: World):
    change_cluster(sent)
    with sent.odses[2026].control.faults(REFUSED), pytest.raises(StepFailed):
        sent.run(resync=False)
    sent.campus.set("EnrollmentMO", 1, careerCluster="77")
    sent.campus.add(3)
    assert sum(sent.run(resync=False).counts["planned"].values()) == 1
    assert sent.there() == sent.expected()
    assert old_bodies(sent) == 0


def test_it_is_put_back_after_a_resync_has_found_it_missing(sent: World):
    before = sent.there()
    change_cluster(sent)
    with sent.odses[2026].control.faults(REFUSED), pytest.raises(StepFailed):
        sent.run()
    sent.campus.set("EnrollmentMO", 1, careerCluster="77")
    assert sent.run().status == "ok"
    assert sent.there() == before
    sent.campus.set("EnrollmentMO", 1, careerCluster="5")
    assert sent.run().counts["sent"]["Delete/Post"] == 1
    assert sent.there() == sent.expected()
    assert old_bodies(sent) == 0


def test_it_goes_for_good_after_a_resync_has_found_it_missing(sent: World):
    change_cluster(sent)
    for _ in range(2):
        with sent.odses[2026].control.faults(REFUSED), pytest.raises(StepFailed):
            sent.run()
    sent.campus.set("Enrollment", 1, noShow=True)
    assert sent.run().status == "ok"
    assert sent.there() == sent.expected()
    assert old_bodies(sent) == 0
