"""Who may see what: every route of the app, asked by everyone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from tests.sync.world import World
from tests.ui.conftest import Pages
from tests.ui.ledger import RUNS, STUDENT, TARGET

QUERY = {
    "/run": {"target": TARGET, "run": RUNS[0]},
    "/dag-run": {"dag_id": "student_cte_program_associations", "run_id": RUNS[0]},
    "/record": {"target": TARGET, "id": "1"},
    "/waiting.csv": {"target": TARGET, "state": "held"},
}


def routes() -> list[str]:
    from edfi_cte.ui.app import make_app

    found: list[str] = []
    for route in make_app().routes:
        if isinstance(route, Mount):
            assert route.path == "/static"
        elif isinstance(route, APIRoute):
            assert route.methods == {"GET"}, "no page changes anything"
            found.append(route.path)
        else:
            found += [inner.path for inner in getattr(route, "original_router", route).routes]
    return found


ROUTES = routes()


def ask(pages: Pages, path: str) -> Any:
    return pages.answer(path, **QUERY.get(path, {"target": TARGET}))


def test_every_route_is_known_to_these_tests():
    assert {"/", "/run", "/events", "/errors", "/records", "/record", "/waiting", "/preferences"} <= set(ROUTES)
    assert not {"/docs", "/redoc", "/openapi.json"} & set(ROUTES)


@pytest.fixture
def ledger(world: World, deploy: Callable[..., None], server: Any) -> None:
    deploy(world.ledger.url.database)


@pytest.mark.parametrize("path", ROUTES)
def test_nobody_sees_nothing(ledger: None, as_user: Any, path: str):
    answer = ask(as_user(None), path)
    assert answer.status_code == 401
    assert TARGET not in answer.text
    assert "session has ended" in answer.text


@pytest.mark.parametrize(
    ("whole", "shown"), [("12345", "•••45"), ("1234", "•••"), ("12", "•••"), ("", ""), (None, "")]
)
def test_of_a_students_id_a_reader_sees_its_end_and_of_a_short_one_nothing(whole: str | None, shown: str):
    """Two of four characters would be half of it."""
    from edfi_cte.ui.access import Rights
    from edfi_cte.ui.visit import Visit

    nothing: Any = None
    assert Visit(nothing, Rights(edit=False, trigger=False), nothing).student(whole) == shown
    assert Visit(nothing, Rights(edit=True, trigger=False), nothing).student(whole) == (whole or "")


@pytest.fixture
def another_dags(monkeypatch: pytest.MonkeyPatch, server: Any) -> None:
    """A user who may read another DAG alone: the SimpleAuthManager has no rights of one DAG, so it is told some."""
    from airflow.api_fastapi.app import get_auth_manager

    def only(**asked: Any) -> bool:
        return asked["details"] is not None and asked["details"].id == "another_dag" and asked["method"] == "GET"

    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", only)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("extra", [{}, {"dag_id": "another_dag"}])
def test_a_viewer_of_another_dag_sees_nothing(
    ledger: None, another_dags: None, as_user: Any, path: str, extra: dict[str, str]
):
    answer = as_user("viewer").answer(path, **QUERY.get(path, {"target": TARGET}) | extra)
    assert answer.status_code == 403
    assert "Not for you" in answer.text
    assert STUDENT not in answer.text


@pytest.mark.parametrize("role", ["viewer", "user", "op", "admin"])
@pytest.mark.parametrize("path", ROUTES)
def test_who_may_read_the_dag_sees_every_page(ledger: None, as_user: Any, role: str, path: str):
    assert ask(as_user(role), path).status_code == 200


@pytest.mark.parametrize("path", ["/events", "/records", "/record"])
def test_student_ids_are_whole_only_for_who_may_edit_the_dag(ledger: None, as_user: Any, path: str):
    student = "1000000001" if path == "/record" else STUDENT
    assert student in ask(as_user("admin"), path).text
    for role in ("viewer",):
        seen = ask(as_user(role), path).text
        assert student not in seen
        assert "•••" in seen


@pytest.mark.parametrize("path", ROUTES)
def test_no_student_id_is_in_an_address_a_title_or_a_csv(ledger: None, as_user: Any, path: str):
    text = ask(as_user("admin"), path).text
    if path.endswith(".csv"):
        assert STUDENT not in text
    for part in (*text.split('href="')[1:], *text.split("<title>")[1:]):
        assert STUDENT not in part.partition('"')[0].partition("</title>")[0]


def test_who_may_not_trigger_may_not_approve(ledger: None, as_user: Any):
    assert "data-approve" in as_user("admin").get("/waiting", target=TARGET)
    seen = as_user("viewer").get("/waiting", target=TARGET)
    assert "data-approve=" not in seen
    assert "You may not trigger the DAG" in seen


@pytest.mark.parametrize("path", ["/", "/events", "/nowhere", "/static/app.css"])
@pytest.mark.parametrize("role", [None, "admin"])
def test_every_answer_has_the_headers_that_keep_others_out(ledger: None, as_user: Any, path: str, role: str | None):
    answer = as_user(role).answer(path)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == ("max-age=3600" if "static" in path else "no-store")


def test_static_files_are_for_all(as_user: Any):
    assert as_user(None).answer("/static/app.css").status_code == 200
    assert as_user(None).answer("/static/../app.py").status_code == 404


def test_nothing_inline_is_in_a_page(ledger: None, as_user: Any):
    for path in (path for path in ROUTES if not path.endswith(".csv")):
        html = ask(as_user("admin"), path).text
        assert " style=" not in html
        assert "<style" not in html
        assert " onclick=" not in html
        assert all(tag.startswith(" src=") for tag in html.split("<script")[1:]), path


def test_no_page_is_mounted_that_can_not_be_guarded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    from edfi_cte.plugin import EdFiCtePlugin

    monkeypatch.setitem(__import__("sys").modules, "edfi_cte.ui.app", SimpleNamespace())
    assert EdFiCtePlugin().fastapi_apps == []
    assert "left out" in caplog.text


def test_the_package_and_its_dag_need_no_web_framework(tmp_path: Path):
    import subprocess
    import sys

    code = (
        "import sys, edfi_cte.plugin, edfi_cte.operators.student_cte_program_associations, edfi_cte.cli\n"
        "plugin = edfi_cte.plugin.EdFiCtePlugin()\n"
        "assert plugin.external_views\n"
        "print([name for name in sys.modules if name == 'edfi_cte.ui' or name.startswith('edfi_cte.ui.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
