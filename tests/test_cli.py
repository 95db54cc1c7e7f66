"""``edfi-cte``: check, plan and why, as a person meets them."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.color import ColorSystem

from edfi_cte.campus.mapping import MAPPING_TEMPLATE
from sandbox.ods import serve
from tests.campus.small import edited_mapping
from tests.deployment import Deployment, target
from tests.sync.ods_seed import seed
from tests.sync.world import RESOURCE


@pytest.fixture(scope="module")
def ods() -> Iterator[Any]:
    with serve(seed=seed(), api="7.3") as running:
        yield running


@pytest.fixture
def deployment(tmp_path: Path, ods: Any, monkeypatch: pytest.MonkeyPatch, airflow_db: None) -> Deployment:
    ods.control.reset()
    from edfi_cte.cli.output import console

    monkeypatch.setattr(console, "_width", 400)
    monkeypatch.setattr(console, "_height", 100)
    return Deployment(tmp_path, ods, monkeypatch)


@pytest.fixture
def cli(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> Any:
    from edfi_cte.cli import main

    def run(*arguments: str) -> tuple[int, str]:
        deployment.deploy()
        code = main(arguments)
        return code, capsys.readouterr().out

    return run


GOOD = (
    "Career Cluster, with the records that use it:",
    " 8 (not in the code list): 1 ",
    " 0410 Health Sciences: 1 ",
    "the preferences cover every code in use",
    "in the ODS is each one referred to: Health Sciences",
    "may read studentCTEProgramAssociations",
    "career_cluster: each of the 16 mapped is in the ODS",
)


def test_check_of_a_good_deployment(cli: Any):
    code, said = cli("check")
    assert code == 0
    for part in ("039141-2026", "Data Standard 5", "39141 is in the ODS", *GOOD):
        assert part in said
    assert "error" not in said


def test_check_names_what_a_run_would_stumble_over(deployment: Deployment, cli: Any):
    deployment.rows.add(3, "77", person=3)
    deployment.rows.add(4, "8", "9999", person=4)
    deployment.another_campus("campus")
    deployment.settings["preferences"] = {"default": {"program_name": {"mapping": {"0410": "Nowhere"}}}}
    code, said = cli("check", "--scope-year", "2026")
    assert code == 0
    assert "Career Cluster '77': 1 record will be rejected as career_cluster_unmapped" in said
    assert "CTE Program Type '9999': 1 record will be rejected as program_name_missing" in said
    assert "the ODS has no program 'Nowhere'" in said
    assert "2 records would refer to it" in said


@pytest.mark.parametrize(
    ("change", "strict", "code"),
    [
        ({}, False, 0),
        ({"enabled": False}, False, 0),
        ({"enabled": False}, True, 4),
        ({"student_id": "stateID"}, True, 0),
        ({"edfi_conn_id": "nowhere"}, True, 1),
    ],
    ids=["fine", "a warning", "a warning, strict", "fine, strict", "an error, strict"],
)
def test_checks_exit_code_tells_warnings_and_errors_apart(
    deployment: Deployment, cli: Any, change: dict[str, Any], strict: bool, code: int
):
    deployment.settings["targets"] = [target(2026, **change)]
    done, said = cli("check", *(["--strict"] if strict else []))
    assert (done, "off: runs leave this target alone" in said) == (code, "enabled" in change)


def test_check_strict_tells_what_would_fail_by_its_exit_code(deployment: Deployment, cli: Any):
    deployment.rows.add(3, "77", person=3)
    deployment.another_campus("campus")
    code, said = cli("check", "--strict")
    assert (code, "would fail" in said) == (3, True)


def test_check_as_json(cli: Any):
    code, said = cli("check", "--json")
    findings = json.loads(said)["039141-2026"]
    assert code == 0
    assert {finding["level"] for finding in findings} == {"ok"}
    assert findings[0].keys() == {"level", "subject", "message", "transient", "lacking"}
    assert [finding["subject"] for finding in findings] == [
        *("versions", "settings", "settings", "ledger", "Campus columns", "district", "Campus server"),
        *("Campus codes", "Campus codes", "Campus codes", "ODS", "education organization", "rights"),
        *("descriptors", "programs", "clock"),
    ]


def test_plan_leaves_a_dry_run_that_is_over(deployment: Deployment, cli: Any):
    cli("plan", "--scope-year", "2026")
    assert list(deployment.entries().values()) == [("dry run", "")]
    with sqlite3.connect(deployment.ledger) as ledger:
        assert ledger.execute("SELECT count(*) FROM edfi_cte_lease WHERE owner IS NOT NULL").fetchone() == (0,)


def test_plan_as_json(cli: Any):
    code, said = cli("plan", "--scope-year", "2026", "--list", "--json")
    counts = {"extracted": 2, "desired": 1, "excluded": 1, "rejected": 0, "superseded": 0}
    plan = {
        "records": counts | {"excluded_by": {"no_show": 1}, "rejected_for": {}},
        "planned": {"Post": 1},
        "because_of": {"new_record": 1},
        "kept": {},
        "advice": {},
        "would_stop": None,
    }
    listed = {"events": [{"action": "Post", "enrollment_id": 1, "cause": "new_record"}], "kept_records": []}
    assert (code, json.loads(said)) == (0, {"039141-2026": plan | listed})
    code, said = cli("plan", "--scope-year", "2026", "--json")
    assert (code, json.loads(said)) == (0, {"039141-2026": plan})


@pytest.mark.parametrize(
    "arguments",
    [("check",), ("check", "--scope-year", "2027"), ("plan", "--scope-year", "2027"), ("list", "--failed")],
)
def test_what_reads_json_gets_json_of_a_failure_too(
    deployment: Deployment, cli: Any, arguments: tuple[str, ...]
) -> None:
    if arguments == ("check",):
        deployment.settings["version"] = 2
    if arguments[0] == "list":
        deployment.settings["ledger_conn_id"] = "nowhere"
        arguments = (*arguments, "--scope-year", "2026")
    code, said = cli(*arguments, "--json")
    assert code == 1
    assert list(json.loads(said)) == ["error"]


def test_a_connection_that_airflow_cannot_read_is_not_said_to_be_missing(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EDFI_2026", '{"host": "h", "password": "not-for-logs"')
    code, said = cli("check", "--scope-year", "2026")
    assert code == 1
    assert "AIRFLOW_CONN_EDFI_2026 is set, but Airflow can't read it as a connection" in said
    assert "not-for-logs" not in said


def test_the_version(capsys: pytest.CaptureFixture[str]):
    from edfi_cte.cli import main

    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("edfi-cte 0.")


def test_check_looks_at_the_optional_mappings_too(deployment: Deployment, cli: Any, tmp_path: Path):
    failed = "CASE e.enrollmentID WHEN 1 THEN 'failed' END AS certification_status"
    edited_mapping(tmp_path, "NULL AS career_pathway", "'AGR' AS career_pathway")
    own = tmp_path / MAPPING_TEMPLATE
    assert "NULL AS certification_status" in own.read_text()
    own.write_text(own.read_text().replace("NULL AS certification_status", failed))
    deployment.rows.add(3, person=3)
    deployment.another_campus("campus")
    deployment.settings["sql_dir"] = str(tmp_path)
    pathway = "uri://ed-fi.org/CareerPathwayDescriptor#Space"
    passed = "uri://x.org/TechnicalSkillsAssessmentDescriptor#A"
    preferences = {"career_pathway": {"ENG": pathway}, "certification_status": {"passing": passed}}
    deployment.settings["preferences"] = {"default": preferences}
    code, said = cli("check")
    assert code == 0
    assert "Career Pathway 'AGR': 2 records will be rejected as career_pathway_unmapped by an ODS that takes" in said
    assert "Certification Status 'failed': 1 record will be rejected as certification_status_unmapped" in said
    assert f"no descriptor for Career Pathway ENG (such as '{pathway}')" in said
    assert f"no descriptor for Certification Status passing (such as '{passed}')" in said


def test_check_fails_on_a_key_that_may_not_read_the_associations(deployment: Deployment, cli: Any, ods: Any):
    ods.control.add_client("narrow", "narrow", claim_set="Bootstrap Descriptors", education_organizations=[39141])
    deployment.connection("edfi_2026", **deployment.ods | {"login": "narrow", "password": "narrow"})
    code, said = cli("check")
    assert code == 1
    assert "the key may not read studentCTEProgramAssociations" in said
    assert "clock" not in said


def test_check_fails_on_an_error_and_shows_the_rest(deployment: Deployment, cli: Any):
    deployment.settings["targets"] = [target(2026), target(2025, edfi_conn_id="wrong")]
    deployment.connection("wrong", **deployment.ods | {"password": "not-the-secret"})
    code, said = cli("check")
    assert code == 1
    assert "key and secret" in said
    assert "not-the-secret" not in said
    assert "39141 is in the ODS" in said


def test_check_shows_the_other_targets_where_one_lacks_a_connection(deployment: Deployment, cli: Any):
    deployment.settings["targets"] = [
        target(2025, campus_conn_id="nowhere"),
        target(2024, edfi_conn_id="none"),
        target(2026),
    ]
    code, said = cli("check")
    assert code == 1
    assert "the Airflow connection 'nowhere' is not defined" in said
    assert "the Airflow connection 'none' is not defined" in said
    assert said.count("every column that the mapping template names is there") == 2
    assert "39141 is in the ODS" in said


def test_check_names_a_missing_column(deployment: Deployment, cli: Any):
    with duckdb.connect(str(deployment.campus)) as campus:
        campus.execute('ALTER TABLE dbo.Enrollment RENAME "noShow" TO "didNotShow"')
    code, said = cli("check")
    assert code == 1
    assert "noShow" in said
    assert "campus_mapping.sql" in said
    assert "not checked: correct the errors above first" in said
    assert not any(later in said for later in ("Campus server", "Campus codes", "education organization"))


PLAN = """\
039141-2026: what a run would do
┏━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
┃                       ┃ records ┃
┡━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
│ extracted             │       2 │
│ desired               │       1 │
│ excluded              │       1 │
│ rejected              │       0 │
│ superseded            │       0 │
│   excluded by no_show │       1 │
├───────────────────────┼─────────┤
│ Post                  │       1 │
├───────────────────────┼─────────┤
│ new_record            │       1 │
└───────────────────────┴─────────┘
"""


def test_plan_says_what_would_be_sent_and_sends_nothing(cli: Any, ods: Any):
    code, said = cli("plan", "--scope-year", "2026", "--list")
    assert (code, said) == (0, PLAN + "Post         enrollment 1          because of new_record\n")
    assert ods.control.documents(RESOURCE) == []


def test_why(cli: Any):
    cli("plan", "--scope-year", "2026")
    assert "excluded by no_show" in cli("why", "2", "--scope-year", "2026")[1]
    assert "desired" in cli("why", "1", "--scope-year", "2026")[1]
    code, said = cli("why", "4711", "--scope-year", "2026")
    assert code == 1
    assert "knows nothing of '4711'" in said


def test_why_shows_what_campus_and_the_caller_wrote_as_it_is(deployment: Deployment, cli: Any):
    """Brackets are no markup."""
    deployment.rows.add(3, "[/b]", person=3)
    deployment.another_campus("campus")
    cli("plan", "--scope-year", "2026")
    code, said = cli("why", "3", "--scope-year", "2026")
    assert (code, "career_cluster_unmapped ('[/b]')" in said) == (0, True)
    code, said = cli("why", "[/b]", "--scope-year", "2026")
    assert (code, "knows nothing of '[/b]' in scope year 2026" in said) == (1, True)


@pytest.mark.parametrize("arguments", [("why", "1"), ("why", "4711"), ("plan", "--list"), ("plan", "--json")])
def test_a_terminal_colours_no_number_of_an_answer(
    cli: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
):
    from edfi_cte.cli.output import console

    cli("plan", "--scope-year", "2026")
    monkeypatch.setattr(console, "_force_terminal", True)
    monkeypatch.setattr(console, "_color_system", ColorSystem.STANDARD)
    _, said = cli(*arguments, "--scope-year", "2026")
    assert "2026" in said
    assert "\x1b" not in said.rpartition("┘\n")[2].removeprefix("\x1b[0m")


def test_a_year_or_district_that_is_not_configured(cli: Any):
    code, said = cli("plan", "--scope-year", "1999")
    assert (code, "scope year 1999 is not configured" in said) == (1, True)
    code, said = cli("plan", "--scope-year", "2026", "--district", "000001")
    assert (code, "district 000001 is not configured" in said) == (1, True)


@pytest.mark.parametrize(
    "attempt", ["2026; DROP TABLE x", "2026'", "[2026]", "\uff12\uff10\uff12\uff16", "2_026", "next"]
)
def test_an_injection_into_the_year_is_refused(cli: Any, capsys: pytest.CaptureFixture[str], attempt: str):
    with pytest.raises(SystemExit, match="2"):
        cli("plan", "--scope-year", attempt)
    assert f"'{attempt}' is not a year, such as 2026" in capsys.readouterr().err


@pytest.mark.parametrize(
    "attempt", ["039141' OR '1'='1", "039141;", "[039141]", "\uff10\uff13\uff19\uff11\uff14\uff11"]
)
def test_an_injection_into_the_district_or_id_finds_nothing(cli: Any, attempt: str):
    code, said = cli("plan", "--scope-year", "2026", "--district", attempt)
    assert (code, f"district {attempt} is not configured" in said) == (1, True)
    code, said = cli("why", attempt, "--scope-year", "2026")
    assert (code, f"knows nothing of '{attempt}'" in said) == (1, True)


@pytest.mark.slow
def test_nothing_but_the_answer_is_printed(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    """By a process of its own, as Airflow logs where no test has turned that down."""
    deployment.deploy()
    monkeypatch.delenv("AIRFLOW__LOGGING__LOGGING_LEVEL")
    done = subprocess.run(
        [sys.executable, "-m", "edfi_cte.cli", "plan", "--scope-year", "2026"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "039141-2026: what a run would do" in done.stdout
    assert "Opening" not in done.stdout + done.stderr


def test_plan_says_what_is_held_and_what_would_stop_a_run(cli: Any, deployment: Deployment):
    """By an exit code of its own, and with what to trigger, word for word."""
    from edfi_cte.deployment import open_lane
    from edfi_cte.sync.lane import RunOptions
    from tests.sync.world import run

    for number in range(3, 9):
        deployment.rows.add(number, person=number % 7 + 1, startDate=datetime(2025, 8, 20 + number))  # noqa: DTZ001
    deployment.another_campus("campus")
    deployment.deploy()
    run(open_lane("039141-2026", "run", RunOptions()))
    deployment.rows.set("EnrollmentMO", 3, careerCluster="77")
    deployment.another_campus("campus")
    code, said = cli("plan", "--scope-year", "2026", "--list")
    assert code == 0
    numbers, listed = said.split("└")
    assert "├" + numbers.split("├")[-1] == (
        "├────────────────────────────────────────┼─────────┤\n"
        "│ held for: career_cluster_unmapped      │       1 │\n"
        f"│ to approve: {re.findall('approve = ([^ ]+)', said)[0]}     │       1 │\n"
    )
    assert "│   rejected for career_cluster_unmapped │       1 │\n" in numbers
    [_, held, advice] = listed.splitlines()
    cause = "career_cluster_unmapped"
    assert held[:-10] == f"held         enrollment 3          {cause}: no Delete because of {cause}, since "
    assert datetime.fromisoformat(held[-10:])
    assert advice.startswith("held: the ODS keeps these records until their Campus error is corrected")
    deployment.rows.set("Calendar", 2026, exclude=True)
    deployment.another_campus("campus")
    code, said = cli("plan", "--scope-year", "2026", "--list")
    assert code == 3
    for words in (
        "A run would stop at deletes that wait for a person",
        "7 deletes",
        "calendar_exclude",
        '"approve": ',
    ):
        assert words in said
    assert [line.split(" ")[0] for line in said.partition("┘\n")[2].splitlines()] == ["waiting"] * 7 + ["A"]
