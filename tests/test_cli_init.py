"""``edfi-cte init`` writes a file that check takes, from what Campus and the ODS say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from edfi_cte.campus import CodeUsage
from edfi_cte.cli import init, main
from edfi_cte.cli.proposals import Answers, Descriptor, Proposal, clusters, programs, settings_text
from edfi_cte.errors import EdfiCteError
from edfi_cte.settings import load_settings
from sandbox.ods import serve
from tests.deployment import Deployment
from tests.sync.ods_seed import descriptor, seed


@pytest.fixture(scope="module")
def ods() -> Iterator[Any]:
    with serve(seed=seed(), api="7.3") as running:
        yield running


@pytest.fixture
def deployment(tmp_path: Path, ods: Any, monkeypatch: pytest.MonkeyPatch, airflow_db: None) -> Deployment:
    from edfi_cte.cli.output import console

    monkeypatch.setattr(console, "_width", 400)
    monkeypatch.setattr(console, "_height", 100)
    return Deployment(tmp_path, ods, monkeypatch)


def answered(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """The questions that are asked; each is answered by the next of ``answers``."""
    asked: list[str] = []
    left = iter(answers)

    def ask(question: str) -> str:
        asked.append(question)
        return next(left)

    monkeypatch.setattr("builtins.input", ask)
    return asked


def test_a_label_with_brackets_is_told_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich would take them for its marks, and refuse the second."""
    odd = SimpleNamespace(code="[b]9", name="Health [/i]", records=3, value=None, why="")
    init._tell(Path("x.yaml"), [odd], 2026)
    assert "  [b]9 Health [/i], 3 records: nothing in the ODS is like it" in capsys.readouterr().out.splitlines()


USUAL = """\
# Written by edfi-cte init from what Campus and the ODS said. Look at each comment, then: edfi-cte check
version: 1
ledger_conn_id: edfi_cte_ledger

# One target a district and scope year: add one when the state opens the next year's ODS.
targets:
  - district_number: "039141"
    scope_year: 2026
    campus_conn_id: campus
    edfi_conn_id: edfi_2026

preferences:
  default:
    career_cluster:
      namespace: uri://dese.mo.gov/CTEProgramServiceDescriptor
      mapping: {}
    send_end_date: false

# By hand until you have seen a dry run; then '@daily', or a cron expression.
dag:
  schedule: null
"""


def test_it_asks_what_it_must_know_and_writes_what_check_takes(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answered(monkeypatch, "2026", "", "", "")
    path = tmp_path / "include" / "edfi_cte.yaml"
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path / "dags"))
    assert main(["init"]) == 0
    assert capsys.readouterr().out == (
        f"Written: {path}\nLook at the comments in it. Then: edfi-cte check --scope-year 2026\n"
    )
    assert path.read_text() == USUAL
    assert [question.split(" [")[0] for question in asked] == [
        "Scope year, by its ending year",
        "Airflow connection to Campus",
        "Airflow connection to the ODS of 2026",
        "Airflow connection to the ledger",
    ]
    [target] = load_settings(path).targets
    assert target.target_id == "039141-2026"
    assert load_settings(path).dag.schedule is None
    monkeypatch.setenv("AIRFLOW__EDFI_CTE__SETTINGS_FILE", str(path))
    assert main(["check", "--strict"]) == 0, capsys.readouterr().out


def test_a_code_and_a_program_that_the_ods_has_by_another_name_get_the_nearest(
    deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.rows.add(3, "77", person=3)
    deployment.another_campus("campus")
    path = tmp_path / "edfi_cte.yaml"
    assert main(["init", "--yes", "--scope-year", "2026", "--output", str(path)]) == 0
    assert '# "77": nothing like it is in the ODS' in path.read_text()
    assert capsys.readouterr().out.splitlines() == [
        f"Written: {path}",
        "  77 (no label in Campus), 1 records: nothing in the ODS is like it",
        "Look at the comments in it. Then: edfi-cte check --scope-year 2026",
    ]


@pytest.fixture(scope="module")
def another_ods() -> Iterator[Any]:
    """Of an education organization that has not the district's number, and of descriptors of a state's own."""
    documents = seed(3914100)
    space = "uri://state.example.gov/ProgramTypeDescriptor"
    kinds = ("Athletics", "Career and Technical Education (State)")
    documents["programTypeDescriptors"] = [descriptor(space, kind) for kind in kinds]
    [program, *_] = documents["programs"]
    names = {"Athletics": ["Health Sciences"], kinds[1]: ["Health Science", "Agricultural Education"]}
    documents["programs"] = [
        program | {"programName": name, "programTypeDescriptor": f"{space}#{kind}"}
        for kind, listed in names.items()
        for name in listed
    ]
    with serve(seed=documents, api="7.3") as running:
        running.control.add_client("one", "one", claim_set="SIS Vendor", education_organizations=[3914100])
        both = [3914100, documents["schools"][0]["schoolId"]]
        running.control.add_client("two", "two", claim_set="SIS Vendor", education_organizations=both)
        yield running


OF_ANOTHER = """\
    # The key is for this education organization, not for the State District Number's.
    education_organization_id: 3914100

preferences:
  default:
    program_type_descriptor: "uri://state.example.gov/ProgramTypeDescriptor#Career and Technical Education (State)"
    program_name:
      mapping:
        "0410": "Health Science"  # Health Sciences, 2 records; the nearest name: look at it
    career_cluster:
"""


@pytest.mark.parametrize("key", ["one", "two"])
def test_the_one_education_organization_of_a_key_and_its_programs_are_taken(
    deployment: Deployment, another_ods: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    deployment.rows.add(3, person=3)
    deployment.rows.add(4, "8", "0110", person=4)
    deployment.another_campus("campus")
    place = {"host": another_ods.base_url, "login": key, "password": key}
    deployment.connection("edfi_2026", **deployment.ods | place)
    path = tmp_path / "edfi_cte.yaml"
    assert main(["init", "--yes", "--scope-year", "2026", "--output", str(path)]) == 0
    if key == "one":
        assert OF_ANOTHER in path.read_text()
        assert "  0410 Health Sciences, 2 records: Health Science (the nearest name: look at it)\n" in (
            capsys.readouterr().out
        )
    else:
        assert load_settings(path).targets[0].education_organization_id is None


def test_a_file_that_is_there_is_left_alone(
    deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "edfi_cte.yaml"
    path.write_text("ours")
    arguments = ["init", "--yes", "--scope-year", "2026", "--output", str(path)]
    assert main(arguments) == 1
    assert "is there already, and was left alone" in capsys.readouterr().out
    assert path.read_text() == "ours"
    assert main([*arguments, "--force"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--district", "039142"], "Campus has no district 039142. Did you mean '039141'?"),
        (["--campus-conn-id", "nowhere"], "the Airflow connection 'nowhere' is not defined"),
        (["--edfi-conn-id", "wrong"], "connection 'wrong': "),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_written(
    deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    deployment.connection("wrong", **deployment.ods | {"password": "not-the-secret"})
    path = tmp_path / "edfi_cte.yaml"
    assert main(["init", "--yes", "--scope-year", "2026", "--output", str(path), *arguments]) == 1
    assert said in capsys.readouterr().out
    assert not path.exists()


def test_nobody_there_to_answer(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    assert main(["init", "--output", str(tmp_path / "x.yaml")]) == 1
    assert capsys.readouterr().out == (
        "\nnobody answers ('Scope year, by its ending year'). Give it as an option, or --yes.\n"
    )


def test_a_year_that_is_none(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    answered(monkeypatch, "next")
    assert main(["init", "--output", "x.yaml"]) == 1
    assert "'next' is not a year, such as 2026" in capsys.readouterr().out


@pytest.mark.parametrize(("today", "year"), [((2026, 6, 30), 2026), ((2026, 7, 1), 2027), ((2026, 12, 31), 2027)])
def test_the_year_that_is_proposed_begins_in_july(
    monkeypatch: pytest.MonkeyPatch, today: tuple[int, int, int], year: int
) -> None:
    monkeypatch.setattr(init, "datetime", SimpleNamespace(now=lambda _: datetime(*today, tzinfo=UTC)))
    assert init._this_school_year() == year


@pytest.mark.parametrize(
    ("given", "numbers", "answers", "chosen"),
    [
        (None, ["039141"], [], "039141"),
        (None, ["000001", "039141"], [""], "000001"),
        (None, ["000001", "039141"], [" 039141 "], "039141"),
        ("039141", ["000001", "039141"], [], "039141"),
    ],
)
def test_a_district_is_asked_for_where_there_are_several(
    monkeypatch: pytest.MonkeyPatch, given: str | None, numbers: list[str], answers: list[str], chosen: str
) -> None:
    asked = answered(monkeypatch, *answers)
    campus: Any = SimpleNamespace(district_numbers=lambda: numbers)
    assert init._district(given, campus, init._Asking(quiet=False)) == chosen
    assert asked == [f"District ({', '.join(numbers)}) [{numbers[0]}]: "] * len(answers)


def test_a_campus_without_a_district_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    campus: Any = SimpleNamespace(district_numbers=list)
    with pytest.raises(EdfiCteError, match="Campus has no district with a State District Number"):
        init._district("039141", campus, init._Asking(quiet=True))


STATE = "uri://dese.mo.gov/CTEProgramServiceDescriptor"


@pytest.mark.parametrize(
    ("code", "name", "value", "why"),
    [
        ("8", "Health Science", f"{STATE}#8", "the same code"),
        ("HS", "Health Science", f"{STATE}#8", "the same name"),
        ("10", "Human Services", f"{STATE}#HumanService", "the nearest name: look at it"),
        ("77", "Zoology", None, ""),
        ("77", None, None, ""),
        ("77", "& a b c d", None, ""),
        ("77", "VWXYZ", f"{STATE}#vwxop", "the nearest name: look at it"),
        ("77", "VWQYZ", None, ""),
        ("13", None, f"{STATE}#9", "the same name"),
    ],
)
def test_the_nearest_descriptor(code: str, name: str | None, value: str | None, why: str) -> None:
    known = [
        Descriptor(f"{STATE}#8", "Health Science"),
        Descriptor(f"{STATE}#HumanService", "Human Service"),
        Descriptor(f"{STATE}#vwxop", ""),
        Descriptor(f"{STATE}#9", "Manufacturing"),
    ]
    [found] = clusters([CodeUsage("career_cluster", code, name, 3)], known)
    assert (found.code, found.records, found.value, found.why) == (code, 3, value, why)
    assert clusters([CodeUsage("career_cluster", "8", "Other", 3)], []) == [Proposal("8", "Other", 3, None, "")]


def test_a_program_of_the_same_name_needs_no_mapping() -> None:
    known = ["Health Sciences", "Agricultural Education"]
    usage = [CodeUsage("cte_program_type", "0410", "Health Sciences", 1)]
    assert programs(usage, known) == []
    [found] = programs([CodeUsage("cte_program_type", "0110", "Agriculture Education", 2)], known)
    assert found == Proposal(
        "0110", "Agriculture Education", 2, "Agricultural Education", "the nearest name: look at it"
    )
    assert programs([CodeUsage("cte_program_type", "0999", None, 4)], known) == [Proposal("0999", "", 4, None, "")]


ANSWERS = Answers("039141", 2026, "campus", "edfi_2026", "edfi_cte_ledger")
SAME = Proposal("8", "Z", 3, "uri://a.org/D#8", "the same code")
SAME_ELSEWHERE = Proposal("7", "Z", 3, "uri://b.org/D#7", "the same code")
OTHER = Proposal("9", "Y", 2, "uri://b.org/D#X", "like it")
NOTHING = Proposal("5", "", 1200, None, "")


@pytest.mark.parametrize(
    ("proposals", "lines"),
    [
        ([SAME, OTHER], ["namespace: uri://a.org/D", "mapping:", '"9": "uri://b.org/D#X"  # Y, 2 records; like it']),
        ([SAME], ["namespace: uri://a.org/D", "mapping: {}"]),
        ([SAME, SAME_ELSEWHERE], ["mapping:", '"8": "uri://a.org/D#8"', '"7": "uri://b.org/D#7"']),
        ([NOTHING], ["mapping: {}", '# "5": nothing like it is in the ODS (no label in Campus, 1,200 records)']),
    ],
)
def test_a_namespace_is_named_once_where_the_codes_are_the_same(proposals: list[Proposal], lines: list[str]) -> None:
    text = settings_text(ANSWERS, proposals, [], "uri://ed-fi.org/ProgramTypeDescriptor#CTE")
    said = text.partition("    career_cluster:\n")[2].splitlines()
    assert [line.strip()[: len(wanted)] for line, wanted in zip(said, lines, strict=False)] == lines
    assert yaml.safe_load(text)["preferences"]["default"]["career_cluster"] is not None


@pytest.mark.parametrize(
    ("proposals", "lines"),
    [
        ([], []),
        ([NOTHING], ["program_name:", "mapping: {}", '# "5": nothing like it is in the ODS (no label']),
        ([NOTHING, OTHER], ["program_name:", "mapping:", '# "5": nothing like', '"9": "uri://b.org/D#X"  # Y']),
    ],
)
def test_programs_are_mapped_where_their_names_are_others(proposals: list[Proposal], lines: list[str]) -> None:
    text = settings_text(ANSWERS, [], proposals, "uri://ed-fi.org/ProgramTypeDescriptor#CTE")
    said = text.partition('CTE"\n')[2].partition("    career_cluster:\n")[0].splitlines()
    assert [line.strip()[: len(wanted)] for line, wanted in zip(said, lines, strict=True)] == lines


def test_whoever_stops_it_gets_no_traceback_and_no_file(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", stopped)
    assert main(["init", "--output", str(tmp_path / "x.yaml")]) == 130
    assert "stopped" in capsys.readouterr().out
    assert not (tmp_path / "x.yaml").exists()


@pytest.mark.parametrize("where", ["file/include/edfi_cte.yaml", "folder"])
def test_a_place_that_cannot_be_written_to_is_said_before_anything_is_asked(
    deployment: Deployment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    where: str,
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    asked = answered(monkeypatch)
    assert main(["init", "--force", "--output", str(tmp_path / where)]) == 1
    assert "the file can't be written" in capsys.readouterr().out
    assert asked == []


def test_rows_of_the_ods_that_are_none_are_passed_over() -> None:
    """As no sandbox has them: mocked."""
    good = {"namespace": "uri://x/CTE", "codeValue": "8", "shortDescription": None, "description": "Health"}
    program = {"programTypeDescriptor": init.CTE_PROGRAM_TYPE_URI}
    rows = {
        "programTypeDescriptors": [{}, {"namespace": 1, "codeValue": "2"}],
        "cteProgramServiceDescriptors": [{"codeValue": "1"}, good | {"codeValue": "9", "description": 7}, good],
        "programs": [{}, program | {"programName": 3}, program | {"programName": "Health"}],
    }
    hook: Any = SimpleNamespace(
        call=lambda _: SimpleNamespace(education_organization_ids=()), get_all=lambda name, *_: rows[name]
    )
    found = init._read_ods(hook, 39141)
    assert found.clusters == [Descriptor("uri://x/CTE#8", "Health"), Descriptor("uri://x/CTE#9", "")]
    assert (found.programs, found.program_type) == (["Health"], init.CTE_PROGRAM_TYPE_URI)
