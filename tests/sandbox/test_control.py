"""What tests hold in their hand: the request log, faults, hand edits, and the state over a restart."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.ods import ControlError, Fault, RunningOds, SandboxError, serve
from sandbox.ods.seed import DISTRICT, builtin_seed
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association

NAME = "studentCTEProgramAssociations"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningOds]:
    with serve() as ods:
        yield ods


@pytest.fixture
def ods(running: RunningOds) -> RunningOds:
    running.control.reset()
    return running


@pytest.fixture
def api(ods: RunningOds) -> Target:
    """A client that has its token already, and a log without that."""
    target = Target(ods.base_url, ods.key, ods.secret, "7.3", ods.control)
    target.token()
    ods.control.clear_log()
    return target


def dated(day: int) -> dict[str, object]:
    return association(beginDate=f"2019-08-{day:02d}")


# The request log


def test_the_log_counts_by_method_path_and_status(api: Target, ods: RunningOds) -> None:
    location = api.created()
    api.post(association())
    api.get(location)
    api.get(ASSOCIATIONS, limit=5, studentUniqueId=WORLD.student)
    path = f"/data/v3{ASSOCIATIONS}"
    assert ods.control.counts() == {
        ("POST", path, 201): 1,
        ("POST", path, 200): 1,
        ("GET", f"{path}/{{id}}", 200): 1,
        ("GET", path, 200): 1,
    }
    assert ods.control.count("POST") == 2
    assert ods.control.count(path="{id}") == 1
    assert [row.method for row in ods.control.requests()] == ["POST", "POST", "GET", "GET"]


def test_the_log_holds_no_values(api: Target, ods: RunningOds) -> None:
    api.get(ASSOCIATIONS, limit=5, studentUniqueId=WORLD.student)
    (row,) = ods.control.requests()
    assert row.parameters == "limit,studentUniqueId"
    assert WORLD.student not in repr(row)


# Hand edits


def test_hand_edits_need_no_authorization(api: Target, ods: RunningOds) -> None:
    student = {"studentUniqueId": WORLD.student_without_enrollment}
    stored = ods.control.put(NAME, association(studentReference=student))
    assert [row["id"] for row in ods.control.documents(NAME)] == [stored["id"]]
    assert api.get(f"{ASSOCIATIONS}/{stored['id']}").status_code == 403
    assert ods.control.delete(NAME, stored["id"]) is True
    assert ods.control.delete(NAME, stored["id"]) is False
    assert ods.control.requests()[-1].method == "GET"


@pytest.mark.parametrize(
    ("resource", "document", "words"),
    [
        ("unicorns", {}, "doesn't serve 'unicorns'"),
        (NAME, {"beginDate": "2019-08-23"}, "StudentReference is required"),
        ("schools", {"schoolId": "x"}, "schoolId"),
    ],
)
def test_a_hand_edit_that_makes_no_sense_says_why(
    ods: RunningOds, resource: str, document: dict[str, object], words: str
) -> None:
    with pytest.raises(ControlError, match=words):
        ods.control.put(resource, document)


def test_reset_returns_to_the_seed(api: Target, ods: RunningOds) -> None:
    before = ods.control.record_counts()
    api.created()
    ods.control.clear()
    assert ods.control.record_counts() == {}
    ods.control.reset()
    assert ods.control.record_counts() == before
    assert ods.control.requests() == []


# Faults


def test_an_error_rate_is_deterministic_by_seed(api: Target, ods: RunningOds) -> None:
    def statuses(seed: int, days: list[int]) -> dict[int, int]:
        ods.control.set_faults(Fault("status", method="POST", path=NAME, rate=0.5, status=503), seed=seed)
        return {day: api.post(dated(day)).status_code // 100 for day in days}

    days = list(range(1, 25))
    first = statuses(7, days)
    assert set(first.values()) == {2, 5}
    assert statuses(7, days[::-1]) == first
    assert statuses(8, days) != first
    ods.control.set_faults()
    assert all(api.post(dated(day)).is_success for day in days)


@pytest.mark.parametrize("dialect", ["7.3", "dms"])
def test_requests_for_items_meet_the_same_faults_in_every_run(dialect: str) -> None:
    """Their paths, and for the Data Management Service the bodies of PUTs, hold ids that no two runs share."""

    def struck() -> list[int]:
        with serve(api=dialect) as ods:
            target = Target(ods.base_url, ods.key, ods.secret, dialect, ods.control)
            locations = [target.created(dated(day)) for day in range(1, 25)]
            ods.control.set_faults(Fault("status", path=NAME, rate=0.5), seed=7)
            changed = [
                target.put(url, {**dated(day), "privateCTEProgram": True}) for day, url in enumerate(locations, 1)
            ]
            deleted = [target.call("DELETE", url) for url in locations]
            return [answer.status_code for answer in (*changed, *deleted)]

    first = struck()
    assert set(first) == {204, 503}
    assert struck() == first


def test_a_fault_may_pass_when_the_same_request_is_repeated(api: Target, ods: RunningOds) -> None:
    ods.control.set_faults(Fault("status", rate=0.5), seed=1)
    assert {api.post(association()).status_code // 100 for _ in range(20)} == {2, 5}


def test_a_fault_can_be_limited_and_delayed_in_number(api: Target, ods: RunningOds) -> None:
    ods.control.set_faults(Fault("status", method="POST", status=500, skip=1, times=2))
    assert [api.post(dated(day)).status_code for day in range(1, 6)] == [201, 500, 500, 201, 201]
    assert ods.control.fault_counts() == [2]


def test_an_error_can_say_when_to_come_back(api: Target, ods: RunningOds) -> None:
    with ods.control.faults(Fault("status", status=429, retry_after=3)):
        answer = api.post(association())
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert ods.control.documents(NAME) == []


def test_a_gateways_error_is_a_page(api: Target, ods: RunningOds) -> None:
    with ods.control.faults(Fault("status", status=502, html=True)):
        answer = api.post(association())
    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<html>")


@pytest.mark.parametrize(("when", "kept"), [("before", 0), ("after", 1)])
def test_a_connection_dropped_before_or_after_the_commit(api: Target, ods: RunningOds, when: str, kept: int) -> None:
    with (
        ods.control.faults(Fault("drop", method="POST", when=when)),  # type: ignore[arg-type]
        pytest.raises(httpx.RemoteProtocolError),
    ):
        api.post(association())
    assert len(ods.control.documents(NAME)) == kept
    assert ods.control.requests()[-1].fault == "drop"
    assert ods.control.requests()[-1].status == 0


def test_an_answer_lost_to_a_gateway_is_carried_out_all_the_same(api: Target, ods: RunningOds) -> None:
    with ods.control.faults(Fault("status", status=504, when="after")):
        assert api.post(association()).status_code == 504
    assert len(ods.control.documents(NAME)) == 1


def test_a_truncated_body(api: Target, ods: RunningOds) -> None:
    api.created()
    with ods.control.faults(Fault("truncate")), pytest.raises(httpx.RemoteProtocolError):
        api.get(ASSOCIATIONS)


def test_an_answer_without_a_body_is_truncated_in_its_head(api: Target, ods: RunningOds) -> None:
    with ods.control.faults(Fault("truncate")), pytest.raises(httpx.RemoteProtocolError):
        api.post(association())
    assert len(ods.control.documents(NAME)) == 1


def test_a_stalled_request_never_ends(api: Target, ods: RunningOds) -> None:
    with ods.control.faults(Fault("stall", method="GET")), pytest.raises(httpx.ReadTimeout):
        httpx.get(api.data_url + ASSOCIATIONS, headers={"Authorization": f"Bearer {api.token()}"}, timeout=0.3)
    assert api.get(ASSOCIATIONS).status_code == 200


@pytest.mark.parametrize("distribution", ["constant", "uniform", "normal", "exponential", "lognormal"])
def test_latency_has_its_mean(distribution: str) -> None:
    fault = Fault("latency", seconds=0.2, spread=0.1, distribution=distribution)  # type: ignore[arg-type]
    delays = [fault.delay((number + 0.5) / 1000) for number in range(1000)]
    assert min(delays) >= 0
    assert sum(delays) / len(delays) == pytest.approx(0.2, rel=0.02)
    assert (len(set(delays)) == 1) == (distribution == "constant")


def test_latency_delays_and_is_logged(api: Target, ods: RunningOds) -> None:
    with ods.control.faults(Fault("latency", seconds=0.05)):
        started = time.perf_counter()
        assert api.post(association()).status_code == 201
        assert time.perf_counter() - started >= 0.05
    assert ods.control.requests()[-1].fault == "latency"
    assert ods.control.most_in_flight() == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "explode"}, "kind is one of latency"),
        ({"kind": "latency", "distribution": "gaussian"}, "distribution"),
        ({"kind": "drop", "when": "later"}, "when"),
        ({"kind": "status", "rate": 50}, "rate"),
    ],
    ids=lambda value: str(value),
)
def test_a_fault_that_makes_no_sense_says_why(ods: RunningOds, fault: dict[str, object], words: str) -> None:
    with pytest.raises(ControlError, match=words):
        ods.control.set_faults(Fault(**fault))  # type: ignore[arg-type]


# Starting, stopping, and the state file


def test_a_seed_given_as_documents_replaces_the_built_in_one() -> None:
    seed = builtin_seed()
    seed["students"] = seed["students"][:1]
    seed["studentSchoolAssociations"] = seed["studentSchoolAssociations"][:1]
    with serve(seed) as ods:
        assert ods.control.record_counts()["students"] == 1


def test_a_seed_that_cannot_be_loaded_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(json.dumps({"unicorns": []}))
    with pytest.raises(SandboxError, match="resources that the sandbox doesn't serve: unicorns"), serve(path):
        pass


def test_seeds_by_year_want_their_years_served() -> None:
    with (
        pytest.raises(SandboxError, match="seeds for the school year 2025 only: serve it with --school-year"),
        serve({2025: builtin_seed()}),
    ):
        pass


def test_a_state_file_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "state.jsonl"
    with pytest.raises(SandboxError, match=r"state file .* cannot be used: No such file"), serve(state=path):
        pass


def test_an_unknown_command_is_told_which_there_are(ods: RunningOds) -> None:
    answer = httpx.post(f"{ods.base_url}/sandbox-control/fault", json={})
    assert answer.status_code == 404
    assert "there are add_client, clear, clear_log, counts, delete, documents, fault_counts, faults" in answer.text


@pytest.mark.parametrize("ending", ["restart", "kill"])
def test_the_state_file_survives(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "state.jsonl"
    with serve(state=path) as ods:
        target = Target(ods.base_url, ods.key, ods.secret, "7.3", ods.control)
        kept, gone = target.created(dated(1)), target.created(dated(2))
        target.post(association(beginDate="2019-08-01", privateCTEProgram=True))
        target.call("DELETE", gone)
        before = target.get(kept).content
        newest = target.get(f"{target.change_queries_url}/availableChangeVersions").json()
        if ending == "kill":
            ods.kill()
        ods.restart()
        target.forget_tokens()
        assert target.get(kept).content == before
        assert target.get(gone).status_code == 404
        assert target.get(f"{target.change_queries_url}/availableChangeVersions").json() == newest
        ods.control.add_client("reader", "reader", "Ed-Fi API Publisher - Reader", [DISTRICT])
        (deletion,) = target.get(f"{ASSOCIATIONS}/deletes", key="reader").json()
        assert deletion["id"] == gone.rpartition("/")[2]
        assert target.post(dated(3)).status_code == 201


def test_a_restart_without_a_state_file_is_the_seed_again(ods: RunningOds, api: Target) -> None:
    api.created()
    ods.restart()
    assert ods.control.documents(NAME) == []
