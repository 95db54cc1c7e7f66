"""What check and preflight say of a Campus that is not right (a SQL Server: tests/campus/test_server.py)."""

from typing import Any

import pytest

from edfi_cte.campus.errors import CampusQueryRefused, CampusUnreachable
from edfi_cte.campus.reader import CampusReader
from edfi_cte.campus.server import Server
from edfi_cte.sync.checks import Finding, Level, check_campus, check_campus_server, check_usage
from tests.sync.world import World

Said = list[tuple[str, str]]


def said(findings: Any) -> Said:
    return [(f"{finding.level} {finding.subject}", finding.message) for finding in findings]


@pytest.fixture
def campus(world: World) -> World:
    for number in range(1, 4):
        world.campus.add(number, person=number)
    return world


def test_a_good_campus_is_said_in_two_lines(campus: World):
    columns, district = said(check_campus(campus.lane()))
    assert columns == ("ok Campus columns", "every column that the mapping template names is there")
    assert district == ("ok district", "039141, school year 2025-07-01 to 2026-06-30")


def test_a_district_that_campus_spells_otherwise_is_named_as_it_is_there(campus: World):
    campus.campus.tables["District"][0]["number"] = "39141"
    [_, district] = said(check_campus(campus.lane()))
    assert district[1].startswith("039141 (Campus has it as 39141), school year ")


def test_a_district_that_is_not_there_stops_the_target_and_no_retry_helps(campus: World):
    campus.campus.tables["District"][0]["number"] = "115115"
    [_, finding] = list(check_campus(campus.lane()))
    assert (finding.level, finding.subject, finding.transient) == (Level.ERROR, "district", False)
    assert "no district 039141; it has: 115115" in finding.message


class Missing(str):
    """As a column's line in the mapping reads."""


def test_each_missing_column_has_its_line_and_nothing_more_is_looked_at(
    campus: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(CampusReader, "missing_columns", lambda _: [Missing("one"), Missing("two")])
    monkeypatch.setattr(CampusReader, "own_number", None)
    assert said(check_campus(campus.lane())) == [("error Campus columns", "one"), ("error Campus columns", "two")]


@pytest.mark.parametrize(
    ("fault", "transient"), [(CampusUnreachable("It is down."), True), (CampusQueryRefused("It may not."), False)]
)
@pytest.mark.parametrize("where", ["server", "missing_columns", "own_number", "school_year"])
def test_a_fault_says_whether_a_retry_may_help(
    campus: World, monkeypatch: pytest.MonkeyPatch, where: str, fault: Any, transient: bool
):
    def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(CampusReader, where, fail)
    *_, finding = check_campus(campus.lane())
    assert finding == Finding(Level.ERROR, "Campus", str(fault), transient=transient)
    assert fault.transient == transient


@pytest.mark.parametrize(
    ("major", "understands", "refused"), [(13, False, True), (13, True, False), (14, False, False)]
)
def test_a_server_is_too_old_only_if_it_understands_too_little(
    campus: World, monkeypatch: pytest.MonkeyPatch, major: int, understands: bool, refused: bool
):
    server = Server(f"{major}.0.7000.1", 130, "campus", read_committed_snapshot=True, snapshot_isolation=True)
    monkeypatch.setattr(CampusReader, "server", lambda _: server)
    monkeypatch.setattr(CampusReader, "is_understood", lambda _: understands)
    findings = list(check_campus(campus.lane()))
    assert ("Campus server" in {finding.subject for finding in findings}) == refused
    if refused:
        [finding] = findings
        assert finding.level == Level.ERROR
        assert finding.message.startswith("SQL Server 2016 does not know TRIM")


def test_what_is_no_sql_server_has_its_limit_said_and_no_more(campus: World):
    campus.settings["targets"][1]["campus_timeout_seconds"] = 1200
    limit = "an answer is waited for 1,200 s at most (campus_timeout_seconds)"
    assert said(check_campus_server(campus.lane())) == [("ok Campus server", limit)]


def test_a_fault_that_check_campus_has_told_of_is_not_told_again(campus: World, monkeypatch: pytest.MonkeyPatch):
    def fail(_: Any) -> None:
        raise CampusUnreachable("It is down.")

    monkeypatch.setattr(CampusReader, "server", fail)
    assert len(said(check_campus_server(campus.lane()))) == 1


def test_codes_that_can_not_be_read_are_an_error_of_their_own(campus: World, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any) -> None:
        raise CampusQueryRefused("It may not.")

    monkeypatch.setattr(CampusReader, "code_usage", fail)
    assert said(check_usage(campus.lane())) == [("error Campus codes", "It may not.")]


def test_a_code_with_two_labels_is_named_once_it_is_used(campus: World):
    dictionary = campus.campus.tables["CampusDictionary"]
    for number, (code, name) in enumerate([("0410", "Nursing"), ("0110", "Farming")], 10):
        dictionary.append({"dictionaryID": number, "attributeID": 2, "code": code, "name": name})
    [warning] = [message for subject, message in said(check_usage(campus.lane())) if "warning" in subject]
    assert "CTE Program Type '0410' has 2 labels in Campus's code list; 'Health Sciences' is taken" in warning


@pytest.mark.parametrize(("cluster", "covered"), [("8", True), ("77", False)])
def test_the_codes_in_use_are_counted_and_held_against_the_preferences(campus: World, cluster: str, covered: bool):
    campus.campus.add(4, cluster, person=4)
    findings = said(check_usage(campus.lane()))
    counted = f"8 (not in the code list): {4 if covered else 3}"
    counted = counted if covered else f"77 (not in the code list): 1, {counted}"
    assert f"Career Cluster, with the records that use it: {counted}" in [message for _, message in findings]
    assert (("ok Campus codes", "the preferences cover every code in use") in findings) == covered
    refused = [message for subject, message in findings if subject.startswith("would fail")]
    assert len(refused) == (0 if covered else 1)
    if refused:
        assert refused[0].startswith("Career Cluster '77': 1 record will be rejected as career_cluster_unmapped. ")
