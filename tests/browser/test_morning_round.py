"""The morning round in a real browser, inside Airflow's frame, on each supported minor."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote
from urllib.request import Request, urlopen

import pytest

from tests.browser.conftest import Server, frame_of
from tests.ui.ledger import RUNS, TARGET

playwright = pytest.importorskip("playwright.sync_api", reason="run 'make test-browser', which installs it")
Error = playwright.Error
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
DAG = "student_cte_program_associations"


def assert_accessible(frame: Any) -> None:
    """Nothing serious by the axe accessibility checker, of the rules of WCAG 2.2 AA."""
    found = _looked_over(frame)
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def _looked_over(frame: Any) -> Any:
    """What the checker finds. While Airflow's UI starts it may draw its frame twice, and the first is gone then."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
    for _ in range(3):
        try:
            return Axe().run(frame, options=options).response
        except Error:
            frame.wait_for_load_state("load")
    return Axe().run(frame, options=options).response


def go(frame: Any, name: str) -> None:
    """Follow a link of the pages' own."""
    frame.get_by_role("navigation", name="Ed-Fi CTE").get_by_role("link", name=name, exact=True).click()
    frame.get_by_role("heading", name=name, level=1, exact=True).wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_morning_round(server: Server, open_page: Callable[..., Any], theme: str):
    page, said = open_page(server, theme=theme)
    page.goto(f"{server.base}/plugin/edfi-cte")
    frame = frame_of(page)
    frame.get_by_role("heading", name="Overview").wait_for()
    assert theme in frame.locator("html").get_attribute("class")
    assert_accessible(frame)
    # A run, by its bar in the history.
    frame.get_by_role("link", name=re.compile("failed|ok")).last.click()
    frame.get_by_role("heading", name=re.compile(f"Run of {TARGET}")).wait_for()
    assert_accessible(frame)
    # An error group, its records, and a record.
    go(frame, "Errors")
    assert_accessible(frame)
    frame.get_by_role("row", name=re.compile("career cluster unmapped 99")).get_by_role("link").first.click()
    frame.get_by_role("heading", name="Records").wait_for()
    assert_accessible(frame)
    frame.get_by_role("rowheader", name="4").get_by_role("link").click()
    frame.get_by_text("rejected for career_cluster_unmapped").wait_for()
    assert_accessible(frame)
    for name in ("Event queue", "Preferences", "What waits"):
        go(frame, name)
        assert_accessible(frame)
    _approve(server, page, frame)
    # And back.
    page.evaluate("history.back()")
    frame_of(page)
    assert "edfi-cte" in page.url
    assert said == []


def _approve(server: Server, page: Any, frame: Any) -> None:
    frame.get_by_role("button", name="Approve…").first.click()
    dialog = frame.get_by_role("dialog")
    assert "3 deletes of 039141-2026" in dialog.inner_text()
    assert_accessible(frame)
    dialog.get_by_role("button", name="Approve", exact=True).click()
    link = dialog.get_by_role("link")
    link.wait_for()
    run_id = link.inner_text()
    link.click()
    page.wait_for_url(re.compile(f"/dags/{DAG}/runs/"))
    assert unquote(page.url).endswith(run_id)
    page.get_by_text(re.compile("manual|Queued|queued")).first.wait_for()
    run = _get(server, f"/api/v2/dags/{DAG}/dagRuns/{run_id}")
    assert re.fullmatch(rf"{TARGET}:[0-9a-f]+", run["conf"]["approve"])
    assert (run["conf"]["scope_year"], run["conf"]["district_number"]) == (2026, "039141")
    assert run["triggering_user_name"] == "admin"


def _get(server: Server, path: str) -> Any:
    request = Request(server.base + path, headers={"Authorization": f"Bearer {server.token('admin')}"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_airflow_lists_the_views(server: Server):
    plugins = _get(server, "/api/v2/plugins")["plugins"]
    [ours] = [plugin for plugin in plugins if plugin["name"] == "edfi_cte"]
    assert sorted(view["destination"] for view in ours["external_views"]) == ["dag", "dag_run", "nav"]


def test_the_tabs_of_a_dag_and_of_a_run(server: Server, open_page: Callable[..., Any]):
    page, said = open_page(server)
    page.goto(f"{server.base}/dags/{DAG}/plugin/edfi-cte-dag")
    frame_of(page).get_by_role("heading", name="Overview").wait_for()
    run = RUNS[0].replace(":", "%3A").replace("+", "%2B")
    frame = open_page(server)[0]
    frame.goto(f"{server.base}/edfi-cte/dag-run?dag_id={DAG}&run_id={run}")
    frame.get_by_role("heading", name=re.compile(f"Run of {TARGET}")).wait_for()
    assert said == []


def test_a_viewer_may_look_and_not_approve(server: Server, open_page: Callable[..., Any]):
    page, said = open_page(server, user="viewer")
    page.goto(f"{server.base}/edfi-cte/waiting?target={TARGET}")
    page.get_by_role("heading", name="What waits").wait_for()
    assert page.get_by_role("button", name="Approve…").count() == 0
    assert said == []


def test_by_keyboard(server: Server, open_page: Callable[..., Any]):
    page, _ = open_page(server)
    page.goto(f"{server.base}/edfi-cte/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Errors", level=1).wait_for()


def test_whoever_is_not_signed_in_is_told(server: Server, open_page: Callable[..., Any]):
    page, _ = open_page(server, user=None)
    page.goto(f"{server.base}/edfi-cte/events?target={TARGET}")
    page.get_by_role("heading", name="Your session has ended").wait_for()


def test_under_a_base_path(start: Callable[..., Any], open_page: Callable[..., Any]):
    with start("3.3", "/airflow") as server:
        page, said = open_page(server)
        page.goto(f"{server.base}/plugin/edfi-cte")
        frame = frame_of(page)
        go(frame, "What waits")
        _approve(server, page, frame)
        assert said == []
