"""Each page: what it shows, its filters, and how it is when there is nothing."""

from __future__ import annotations

import csv
import html as entities
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.schema import run_step
from tests.sync.world import World
from tests.ui.conftest import Pages
from tests.ui.ledger import EVIL, LONG_ID, RUNS, STUDENT, TARGET


def text_of(html: str) -> str:
    """What a reader sees, blanks as one."""
    body = re.sub(r"<head>.*?</head>", " ", html, flags=re.DOTALL)
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def links(html: str) -> set[str]:
    """The addresses of our own pages that a page leads to."""
    found = {entities.unescape(href) for href in re.findall(r'href="([^"]*)"', html)}
    return {href for href in found if href.startswith("/edfi-cte") and "/static/" not in href}


def rows_of(text: str) -> list[dict[str, str]]:
    """The lines of a CSV."""
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def test_the_overview_has_a_line_a_target_and_first_what_needs_a_person(pages: Pages):
    text = text_of(pages.get("/"))
    needs, _, table = text.partition("Last run")
    for need in (
        "3 deletes wait for a person",
        "the ODS refused 1 event",
        "2 records can't be sent",
        "3 records stay",
    ):
        assert need in needs
    assert needs.index("wait for") < needs.index("refused") < needs.index("held")
    assert TARGET in table
    assert re.search(r" 3 2 2 1 3 3 0 (just now|\d+ minutes? ago) on$", table), table


@pytest.mark.parametrize(
    "path",
    ["/", "/events", "/errors", "/waiting", "/records", "/record", "/preferences"],
)
def test_every_link_of_a_page_leads_to_a_page(pages: Pages, path: str):
    for href in sorted(links(pages.get(path))):
        answer = pages.answer(href.removeprefix("/edfi-cte"))
        # What waits here is made up: the ledger has no more of it.
        assert answer.status_code == 200 or "id=0000" in href, href


def test_a_run_adds_up_and_each_number_leads_to_its_list(pages: Pages):
    text = text_of(pages.get("/run", target=TARGET, run=RUNS[0]))
    assert "What happened to the 8 records from Campus" in text
    for part in ("desired 4", "superseded 1", "rejected 2", "excluded 1", "sent: Post 3", "failed or held 1"):
        assert part in text, part
    html = pages.get("/run", target=TARGET, run=RUNS[1])
    followed = [href for href in links(html) if "outcome=" in href or "status=" in href]
    assert len(followed) >= 5
    for href in followed:
        assert "No record matches" not in pages.get(href.removeprefix("/edfi-cte"))


@pytest.mark.parametrize(("map_index", "log"), [(None, ""), (-1, ""), (0, "/mapped/0"), (1, "/mapped/1")])
def test_a_step_leads_to_the_log_of_its_task(world: World, pages: Pages, map_index: int | None, log: str):
    """As Airflow's own addresses are; a task that is not mapped has -1 there."""
    of_step = (run_step.c.run_id == RUNS[0], run_step.c.step == "upsert")
    with world.ledger.begin() as connection:
        connection.execute(sa.update(run_step).where(*of_step).values(task_id="steps.upsert", map_index=map_index))
    html = pages.get("/run", target=TARGET, run=RUNS[0])
    with world.ledger.begin() as connection:
        connection.execute(sa.update(run_step).where(*of_step).values(task_id=None, map_index=None))
    assert re.findall(r'href="[^"]*/(tasks/[^"]*)" data-airflow-link', html) == [f"tasks/steps.upsert{log}"]


def test_a_run_id_with_plus_and_colon_is_found_however_it_arrives(pages: Pages):
    assert RUNS[0] in pages.get("/run", target=TARGET, run=RUNS[0])
    assert RUNS[0] in pages.get("/run", target=TARGET, run=RUNS[0].replace("+", " "))
    asked = f"/dag-run?dag_id=student_cte_program_associations&run_id={RUNS[0]}"
    assert "What happened to" in pages.get(asked)
    assert "scheduled__2026-11-24T00%3A00%3A00%2B00%3A00" in pages.get("/")


def test_the_runs_beside_a_run(pages: Pages):
    first, second = (pages.get("/run", target=TARGET, run=run) for run in RUNS)
    assert "Run after" in first
    assert "Run before" not in first
    assert "Run before" in second
    assert "Run after" not in second
    assert ["show how they are now" in html for html in (first, second)] == [True, False]


def test_who_triggered_a_run_has_approved_nothing_by_that(pages: Pages):
    text = text_of(pages.get("/run", target=TARGET, run=RUNS[0]))
    assert "triggered by: ada" in text
    assert "approved" not in text


def test_a_run_that_is_not_there(pages: Pages):
    asked = {"dag_id": "student_cte_program_associations", "run_id": "manual__nowhere"}
    assert "The ledger has nothing about this run" in pages.get("/dag-run", **asked)
    assert "no such run" in pages.get("/run", 404, target=TARGET, run="manual__nowhere")


@pytest.mark.parametrize(
    ("filter_", "fits"),
    [
        ({"status": "failed"}, {"failed"}),
        ({"action": "Delete/Post"}, {"Delete/Post"}),
        ({"cause": "cte_program_type_changed"}, {"Delete/Post"}),
        ({"step": "natural_key_changes"}, {"Delete", "Delete/Post"}),
        ({"run": RUNS[1], "status": "sent"}, {"Delete", "Delete/Post"}),
        ({"error": "not_yet_enrolled"}, {"failed"}),
    ],
)
def test_the_event_queue_is_filtered(pages: Pages, filter_: dict[str, str], fits: set[str]):
    lines = rows_of(pages.get("/events.csv", target=TARGET, **filter_))
    column = "status" if fits == {"failed"} else "action"
    assert {line[column] for line in lines} == fits
    text = text_of(pages.get("/events", target=TARGET, **filter_))
    assert all(line["enrollment"] in text for line in lines)


def test_an_event_shows_each_attempt(pages: Pages):
    text = text_of(pages.get("/events", target=TARGET, status="failed"))
    for part in ("not yet enrolled", "403", "What to do", "correlation id"):
        assert part in text, part


def test_a_filter_that_nothing_fits(pages: Pages):
    assert "No event matches" in pages.get("/events", target=TARGET, cause="no_such_cause")
    assert "No record matches" in pages.get("/records", target=TARGET, reason="school_exclude")


def test_errors_are_grouped_with_what_to_do(pages: Pages):
    campus, _, edfi = text_of(pages.get("/errors", target=TARGET)).partition("Ed-Fi errors")
    assert campus.count("career cluster unmapped") == 2
    assert "Map the code" in campus
    assert f"High {EVIL} (1050)" in campus
    assert "not yet enrolled" in edfi
    assert "2026" in edfi, "since when"
    lines = rows_of(pages.get("/errors.csv", target=TARGET))
    assert [line["kind"] for line in lines] == ["Campus", "Campus", "Ed-Fi"]
    assert all(line["since (UTC)"] for line in lines)
    assert [line["reason"] for line in lines] == ["career_cluster_unmapped"] * 2 + ["not_yet_enrolled"]
    assert [(line["records"], line["first enrollments"]) for line in lines] == [("1", "4"), ("1", "5"), ("1", "6")]
    assert all(line["what to do"] for line in lines)


def test_a_group_leads_to_its_records(pages: Pages):
    [href] = [href for href in links(pages.get("/errors", target=TARGET)) if "detail=99" in href]
    text = text_of(pages.get(href.removeprefix("/edfi-cte")))
    assert "career cluster unmapped 99" in text
    assert EVIL not in text.partition("career cluster unmapped 99")[0].partition("Outcome")[2]


def test_the_story_of_a_record(pages: Pages):
    text = text_of(pages.get("/record", target=TARGET, id=1))
    for part in (
        "desired: it qualifies",
        "In the ODS",
        "They are the same",
        "Delete/Post",
        "cte program type changed",
    ):
        assert part in text, part
    events = text.partition("Events, newest first")[2]
    assert events.index("cte program type changed") < events.index("new record")
    text = text_of(pages.get("/record", target=TARGET, id=4))
    assert "rejected for career_cluster_unmapped ('99'). Map the code" in text
    text = text_of(pages.get("/record", target=TARGET, id=3))
    assert "excluded by no_show" in text


def test_a_record_is_found_by_its_ods_id(pages: Pages):
    found = re.search(r'class="mono">([0-9a-f]{32})<', pages.get("/record", target=TARGET, id=1))
    assert found
    assert "enrollment 1: desired" in pages.get("/record", target=TARGET, id=found[1])


@pytest.mark.parametrize("wanted", ["99999999999999999999", "12x", "<b>", "-1", "%00", "١٢"])
def test_a_record_that_is_not_known(pages: Pages, wanted: str):
    html = pages.get("/record", 404, target=TARGET, id=wanted)
    assert "The ledger knows nothing of" in html
    assert "<b>”" not in html


def test_an_enrollment_id_of_many_digits(pages: Pages):
    assert f"enrollment {LONG_ID}: desired" in pages.get("/record", target=TARGET, id=LONG_ID)


@pytest.mark.parametrize("after", ["99999999999999999999", "x"])
def test_an_address_that_can_not_be(pages: Pages, after: str):
    html = pages.get("/events", 400, target=TARGET, after=after)
    assert "This address is wrong" in html
    assert "an impossible value for after." in html


@pytest.mark.parametrize("path", ["/errors", "/events", "/records", "/record?id=5", "/preferences"])
def test_what_campus_says_is_never_markup(pages: Pages, path: str):
    html = pages.get(path + ("&" if "?" in path else "?") + f"target={TARGET}")
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


def test_what_waits_by_cause_with_its_list(pages: Pages):
    html = pages.get("/waiting", target=TARGET)
    text = text_of(html)
    assert "Deletes that wait for a person: 3" in text
    assert "they are more than the guard allows in its window of time" in text
    assert "Held" in text
    assert (
        "The guard: 2 of the 2 records known to be in the ODS were deleted in the last 24 hours without a person's "
        "approval. More than 10 % of them, where that is more than 5, wait."
    ) in text
    assert "Out of reach" not in text, "no record is"
    assert html.count("<details>") == 2
    assert "<details open>" in pages.get("/waiting", target=TARGET, state="held", after="0")
    [list_id, *_] = re.findall(r'data-approve="([^"]+)"', html)
    assert list_id.startswith(f"{TARGET}:")
    assert 'data-api="/api/v2/dags/student_cte_program_associations/dagRuns"' in html


def test_the_preferences_with_the_codes_in_use(pages: Pages):
    text = text_of(pages.get("/preferences", target=TARGET))
    assert "99 1 unmapped" in text
    assert "8 Health Science 3 mapped uri://dese.mo.gov/CTEProgramServiceDescriptor#8" in text


def test_a_descriptor_that_the_ods_lacks(pages: Pages):
    text = text_of(pages.get("/preferences", target=TARGET))
    assert "CTEProgramServiceDescriptor#8 yes" in text


def test_preferences_that_are_wrong_are_said(world: Any, deploy: Callable[..., None], as_user: Any):
    deploy(world.ledger.url.database, preferences={"default": {"career_cluster": {"namspace": "x"}}})
    html = as_user("admin").get("/preferences", target=TARGET)
    assert "can&#39;t be shown" in html or "can't be shown" in html
    assert "namspace" in html
    assert "namspace" not in as_user("viewer").get("/preferences", target=TARGET)


@pytest.mark.parametrize("path", ["/events", "/errors", "/waiting", "/records", "/preferences", "/record"])
def test_a_target_that_never_ran(tmp_path: Path, deploy: Callable[..., None], as_user: Any, path: str):
    deploy(tmp_path / "new.sqlite")
    open_ledger(f"sqlite:///{tmp_path / 'new.sqlite'}").dispose()
    pages = as_user("admin")
    assert "has not run yet" in pages.get("/")
    assert TARGET in pages.get(path)


def test_more_targets_than_a_page_takes(world: Any, deploy: Callable[..., None], as_user: Any):
    common = {"scope_year": 2026, "campus_conn_id": "campus"}
    many = [common | {"district_number": f"{n:06}", "edfi_conn_id": f"edfi_{n}"} for n in range(100, 160)]
    deploy(world.ledger.url.database, targets=many)
    pages = as_user("admin")
    listed = [re.findall(r'<th scope="row"[^>]*><a [^>]*>([^<]+)<', pages.get("/", page=n)) for n in (1, 2, 3, 4)]
    assert [len(lines) for lines in listed] == [25, 25, 11, 0]
    assert len({target for lines in listed for target in lines}) == 61
    assert listed[2][-1] == TARGET, "what is not configured needs no one"
    assert "This address is wrong" in pages.get("/", 400, page=0)
    text = text_of(pages.get("/"))
    assert text.partition("Last run")[0].count("has not run yet") == 12
    assert "and 48 more, in the table below" in text
    assert "and " not in text_of(pages.get("/", find="00010")).partition("Last run")[0].partition("Needs a")[2]
    assert "page 2 of 3" in text_of(pages.get("/", page=2))
    assert "000133-2026" in pages.get("/", find="000133")
    assert "No target matches" in pages.get("/", find="nowhere")


@pytest.mark.parametrize("path", ["/records", "/events"])
def test_a_later_page_of_a_list_leads_to_the_first(pages: Pages, path: str):
    first = f'href="/edfi-cte{path}?target={TARGET}"'
    begin, later = pages.get(path, target=TARGET), pages.get(path, target=TARGET, after=5)
    assert (begin.count("To the beginning"), later.count("To the beginning")) == (0, 1)
    assert later.count(first) == begin.count(first) + 1
    assert "Clear" not in begin + later
    assert "Clear" in pages.get(
        path, target=TARGET, **{"/records": {"outcome": "desired"}}.get(path, {"step": "upsert"})
    )


def test_a_target_that_needs_no_one_stands_below_one_that_does(world: Any, deploy: Callable[..., None], as_user: Any):
    off = {"scope_year": 2026, "campus_conn_id": "campus", "district_number": "000001", "edfi_conn_id": "edfi_1"}
    on = off | {"district_number": "039141", "edfi_conn_id": "edfi_2026"}
    deploy(world.ledger.url.database, targets=[off | {"enabled": False}, on])
    html = as_user("admin").get("/")
    assert re.findall(r'<th scope="row"[^>]*><a [^>]*>([^<]+)<', html) == [TARGET, "000001-2026"]


def test_the_event_queue_can_be_filtered_by_each_step_that_sends(pages: Pages):
    [choices] = re.findall(r'<select[^>]*name="step".*?</select>', pages.get("/events"), re.DOTALL)
    offered = [name for name in re.findall(r'<option value="([^"]*)"', choices) if name]
    assert offered == ["upsert", "natural_key_changes", "resync_identity_mapping", "resync_ods"]


def test_a_list_of_what_waits_goes_on_after_a_record(pages: Pages):
    def listed(html: str) -> list[list[str]]:
        parts = html.partition("Held: they stay")
        return [re.findall(r"/record\?target=[^&]+&amp;id=(\d{1,9})\"", part) for part in parts[::2]]

    assert listed(pages.get("/waiting", target=TARGET)) == [["1", "2", "3"]] * 2
    later = pages.get("/waiting", target=TARGET, state="held", after="held-2".ljust(32, "0"))
    assert listed(later) == [["1", "2", "3"], ["3"]], "what waits is shown from its start"


def test_an_unknown_target(pages: Pages):
    assert "There is no such target" in pages.get("/events", 404, target="000000-2026")


def test_another_dag(pages: Pages):
    for path in ("/?dag_id=another", "/dag-run?dag_id=another&run_id=x"):
        assert "not about this one" in pages.get(path)


def test_a_list_goes_on_where_the_page_before_it_ended(pages: Pages, monkeypatch: pytest.MonkeyPatch):
    from edfi_cte.ledger import listing

    for name in ("records", "events"):
        read = getattr(listing, name)
        monkeypatch.setattr(listing, name, lambda c, t, w, after=None, read=read: read(c, t, w, after, 3))
        seen: list[str] = []
        href: str | None = f"/{name}?target={TARGET}"
        while href:
            html = pages.get(href)
            seen += re.findall(r"/record\?target=[^&]+&amp;id=(\d+)", html)
            following = re.search(r'rel="next" href="/edfi-cte([^"]+)"', html)
            href = entities.unescape(following[1]) if following else None
        assert len(seen) == {"records": 8, "events": 7}[name]
    assert STUDENT not in seen
