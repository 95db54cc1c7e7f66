"""What the pages say in words: times, reasons, what a target needs, and what becomes of each code."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edfi_cte.associations.decide import WaitsFor
from edfi_cte.associations.model import ExclusionRule
from edfi_cte.associations.transform import RejectionReason
from edfi_cte.ledger.codes import Code
from edfi_cte.ledger.overview import Run
from edfi_cte.settings import ResourcePreferences
from edfi_cte.ui.needs import Need, Urgency, needs_of
from edfi_cte.ui.pages.run import _words
from edfi_cte.ui.pages.settled import _mappings
from edfi_cte.ui.pages.waiting import explanation
from edfi_cte.ui.templating import ago, lasting, moment, number, templates
from tests.ui.test_pictures import counted

URI = "uri://ed-fi.org/CTEProgramServiceDescriptor#A"


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=30), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=9, hours=5), "9 days ago"),
    ],
)
def test_how_long_ago(since: timedelta, said: str):
    assert ago(datetime.now(UTC).replace(tzinfo=None) - since) == said


def test_what_never_was():
    assert (ago(None), lasting(None)) == ("never", "")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (7290, "2 h 1 min"),
    ],
)
def test_how_long(seconds: float, said: str):
    assert lasting(seconds) == said


@pytest.mark.parametrize("reason", [*WaitsFor, *RejectionReason, *ExclusionRule])
def test_every_reason_is_explained(reason: Any):
    said = {WaitsFor: "explanation", RejectionReason: "advice", ExclusionRule: "explanation"}[type(reason)]
    assert explanation(str(reason)) == getattr(reason, said) != ""


def test_a_reason_of_another_version_is_not_explained():
    assert explanation("of_another_version") == ""


def run(age: timedelta = timedelta(), status: str = "ok", message: str | None = None) -> Run:
    at = datetime.now(UTC).replace(tzinfo=None) - age
    return Run("039141-2026", "run", at, at, status, message, None)


@pytest.mark.parametrize(
    ("last", "kept", "said"),
    [
        (None, {}, ["has not run yet"]),
        (run(), {}, []),
        (run(timedelta(days=2, hours=23)), {}, []),
        (run(timedelta(days=3, hours=1)), {"held": 1}, ["1 record stays in the ODS, held", "no run since "]),
        (run(status="failed"), {}, ["the last run failed: its steps say why"]),
        (run(status="failed", message="039141-2026: too many.\nMore."), {}, ["the last run failed: too many."]),
        (run(status="failed", message="\n no such host: a-b\n"), {}, ["the last run failed: no such host: a-b"]),
        (run(status="failed", message="a-b-c: d"), {}, ["the last run failed: a-b-c: d"]),
        (run(status="failed", message="039141-2026"), {}, ["the last run failed: 039141-2026"]),
        (run(status="failed", message="x" * 221), {}, [f"the last run failed: {'x' * 219}…"]),
        (run(status="failed", message="x" * 220), {}, [f"the last run failed: {'x' * 220}"]),
        (run(), {"waiting": 1}, ["1 delete waits for a person"]),
        (run(), {"held": 2, "waiting": 1200}, ["1,200 deletes wait for a person", "2 records stay in the ODS, held"]),
    ],
)
def test_what_a_target_needs_most_urgent_first(last: Run | None, kept: dict[str, int], said: list[str]):
    needs = needs_of("039141-2026", True, last, kept)
    assert [need.text[: len(text)] for need, text in zip(needs, said, strict=True)] == said
    assert needs_of("039141-2026", False, last, kept) == needs_of("039141-2026", None, last, kept) == []


def test_each_need_leads_to_where_it_is_seen():
    here = {"target": "039141-2026"}
    last = counted("failed", failed=2, rejected_for={"a": 1, "b": 2})
    assert needs_of("039141-2026", True, last, {"held": 4, "waiting": 3, "out_of_reach": 9}) == [
        Need(Urgency.FAILED, "the last run failed: its steps say why", "run", here | {"run": "run"}),
        Need(Urgency.WAITS, "3 deletes wait for a person", "waiting", here),
        Need(Urgency.ERRORS, "the ODS refused 2 events", "errors", here),
        Need(Urgency.ERRORS, "3 records can't be sent (Campus errors)", "errors", here),
        Need(Urgency.HELD, "4 records stay in the ODS, held", "waiting", here),
    ]
    [silent] = needs_of("039141-2026", True, run(timedelta(days=4)), {})
    assert (silent.urgency, silent.page, silent.query) == (Urgency.SILENT, "run", here | {"run": "run"})


def test_what_stops_a_target_is_coloured_as_bad():
    assert {urgency.name: urgency.css for urgency in Urgency} == {
        "FAILED": "bad",
        "WAITS": "bad",
        "ERRORS": "warn",
        "HELD": "warn",
        "SILENT": "warn",
    }


def test_a_number_and_a_moment():
    assert [number(value) for value in (None, 0, 12345)] == ["", "0", "12,345"]
    assert moment(None) == ""
    assert moment(datetime(2026, 1, 2, 3, 4, 5, 6)) == (  # noqa: DTZ001
        '<time datetime="2026-01-02T03:04:05+00:00">2026-01-02 03:04:05</time>'
    )


def test_a_template_escapes_what_it_is_given_and_leaves_no_line_of_its_own():
    text = "  {% if true %}\n  <b>{{ name|words }}\n  {% endif %}\n"
    assert templates().from_string(text).render(name="<i>_x") == "  <b>&lt;i&gt; x\n"
    assert templates() is templates()


def test_a_steps_numbers_are_six_at_most_and_no_place_in_the_queue():
    left = {"desired": 1200, "planned": {"Post": 1}, "plan_after": 7, "in_ods": 2, **{f"n_{n}": n for n in range(9)}}
    assert _words(left) == "desired 1,200, in ods 2, n 0 0, n 1 1, n 2 2, n 3 3"


def became(field: str, preferences: dict[str, Any], *codes: tuple[str, str]) -> list[tuple[str, str, str, str]]:
    used = Counter({Code(*code): number for number, code in enumerate(codes, 1)})
    rows = _mappings(field, used, ResourcePreferences.model_validate(preferences))
    return [(row.code.value, row.code.label, row.to, row.state) for row in rows]


def test_what_becomes_of_a_career_cluster():
    found = became(
        "career_cluster", {"career_cluster": {"mapping": {"88": URI}}}, ("08", "-"), ("88", "-"), ("77", "-")
    )
    assert [(code, state) for code, _, _, state in found] == [("77", "unmapped"), ("88", "mapped"), ("08", "mapped")]
    assert [to for _, _, to, _ in found[:2]] == ["", URI]
    assert found[2][1:3] == ("Health Science", "uri://dese.mo.gov/CTEProgramServiceDescriptor#8")


def test_what_becomes_of_a_cte_program_type():
    preferences = {"program_name": {"mapping": {"1": "Agriculture"}}}
    codes = (("1", "Farming"), ("2", "Nursing"), ("3", ""))
    assert became("cte_program_type", preferences, *codes) == [
        ("3", "", "", "unmapped"),
        ("2", "Nursing", "Nursing", "mapped"),
        ("1", "Farming", "Agriculture", "mapped"),
    ]
    by_code = {"program_name": {"source": "code"}}
    assert became("cte_program_type", by_code, ("3", "")) == [("3", "", "3", "mapped")]


def test_what_becomes_of_a_certification_status():
    preferences = {"certification_status": {"passing": "uri://x.org/TechnicalSkillsAssessmentDescriptor#P"}}
    found = became("certification_status", preferences, ("Passing", ""), ("none", ""), ("lost", ""))
    assert [(code, state) for code, _, _, state in found] == [
        ("lost", "unmapped"),
        ("none", "not sent"),
        ("Passing", "mapped"),
    ]
    assert found[2][2] == "uri://x.org/TechnicalSkillsAssessmentDescriptor#P"


def test_what_becomes_of_an_optional_code():
    pathway = "uri://ed-fi.org/CareerPathwayDescriptor#Space"
    preferences = {"career_pathway": {"ENG": pathway, "NO": None}}
    assert became("career_pathway", preferences, ("ENG", ""), ("NO", ""), ("AGR", "")) == [
        ("AGR", "", "", "unmapped"),
        ("NO", "", "", "not sent"),
        ("ENG", "", pathway, "mapped"),
    ]
    assert became("career_pathway", {}, ("ENG", "")) == [("ENG", "", "", "not sent")]
