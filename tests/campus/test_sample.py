import json
from collections import Counter

import duckdb
import pytest

from sandbox.campus import EDITS, PARTS, PREFERENCES, SCOPE_YEARS, build, load, sample_tables, seed_documents
from sandbox.campus.__main__ import main
from sandbox.campus.calendars import fixed_tables
from sandbox.campus.cases import CASES, case_tables, enrollment_id
from sandbox.campus.programs import program_tables
from sandbox.campus.schema import SCHEMA
from sandbox.oracle import expected, key_of, read_tables, verdicts
from tests.campus.engines import DuckDbHook
from tests.campus.small import reader

SETTINGS = {"district_number": "039141", "campus_mapping": PARTS, "preferences": PREFERENCES}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "campus.duckdb"
    build(path)
    return path


@pytest.fixture(scope="module")
def tables(sample):
    return read_tables(sample)


@pytest.fixture(scope="module")
def found(tables):
    return verdicts(tables, 2026, SETTINGS)


def test_it_is_a_mid_size_district(tables, sample):
    assert 24_000 < len(tables["Enrollment"]) < 27_000
    for year in SCOPE_YEARS:
        students = {row["personID"] for row in tables["Enrollment"] if row["endYear"] == year}
        assert 7_800 < len(students) < 8_300
        assert 1_900 < len(expected(sample, year, SETTINGS)) < 2_400


def test_equal_seeds_give_equal_samples():
    assert sample_tables(7) == sample_tables(7)
    assert sample_tables(7) != sample_tables(8)


def test_every_rule_and_every_outcome_occurs_in_2026(found):
    assert {(v.outcome, v.reason) for v in found.values()} == {
        ("excluded", "no_overlap_with_scope_year"),
        ("excluded", "no_enrollment_in_scope_year"),
        ("excluded", "career_cluster_blank"),
        ("excluded", "cte_program_type_blank"),
        ("excluded", "calendar_exclude"),
        ("excluded", "school_exclude"),
        ("excluded", "no_show"),
        ("rejected", "career_cluster_unmapped"),
        ("rejected", "program_name_missing"),
        ("rejected", "student_id_missing"),
        ("superseded", None),
        ("sent", None),
    }


OUTCOMES = {
    "no_overlap": "no_overlap_with_scope_year",
    "no_enrollment": "no_enrollment_in_scope_year",
    "cluster_blank": "career_cluster_blank",
    "cluster_whitespace": "career_cluster_blank",
    "type_blank": "cte_program_type_blank",
    "calendar_exclude": "calendar_exclude",
    "school_exclude": "school_exclude",
    "no_show": "no_show",
    "end_before_start": "no_overlap_with_scope_year",
    "never_closed": "no_overlap_with_scope_year",
    "rolled_forward": "no_overlap_with_scope_year",
    "unlisted_type": "program_name_missing",
    "no_state_id": "student_id_missing",
    "blank_state_id": "student_id_missing",
    "state_id_comes": "student_id_missing",
    "cluster_unmapped": "career_cluster_unmapped",
    "rejected_primary": "career_cluster_unmapped",
    "no_show_ends": "no_show",
    "two_primaries": "superseded",
    "special_ed_and_partial": "superseded",
    "other_district": None,
    "joins": None,
}
"""What becomes of each case's first row in 2026; None: no candidate. The other cases are sent."""


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_a_case_is_what_it_is_called(found, name):
    verdict = found.get(enrollment_id(name))
    assert (verdict and (verdict.reason or verdict.outcome)) == OUTCOMES.get(name, "sent")


@pytest.mark.parametrize("year", SCOPE_YEARS)
def test_the_ods_seed_has_all_that_the_associations_refer_to(sample, year):
    seed = seed_documents(sample, year)
    enrolled = {item["studentReference"]["studentUniqueId"] for item in seed["studentSchoolAssociations"]}
    students = {item["studentUniqueId"] for item in seed["students"]}
    programs = {item["programName"] for item in seed["programs"]}
    clusters = {f"{item['namespace']}#{item['codeValue']}" for item in seed["cteProgramServiceDescriptors"]}
    assert enrolled <= students
    assert len(students) == len(seed["students"])
    keys = [
        (i["studentReference"]["studentUniqueId"], i["schoolReference"]["schoolId"], i["entryDate"])
        for i in seed["studentSchoolAssociations"]
    ]
    assert len(keys) == len(set(keys))
    for document in expected(sample, year, SETTINGS).values():
        assert document["studentReference"]["studentUniqueId"] in enrolled
        assert document["programReference"]["programName"] in programs
        assert document["cteProgramServices"][0]["cteProgramServiceDescriptor"] in clusters


def test_the_ods_seed_can_leave_students_out(sample):
    one, other = sorted(key[-1] for key in expected(sample, 2026, SETTINGS))[:2]
    seed = seed_documents(sample, 2026, without_students=[one], without_enrollment=[other])
    students = {item["studentUniqueId"] for item in seed["students"]}
    enrolled = {item["studentReference"]["studentUniqueId"] for item in seed["studentSchoolAssociations"]}
    assert one not in students | enrolled
    assert other in students - enrolled


def sent_by(tables):
    return {
        key_of(v.document): (number, v.document)
        for number, v in verdicts(tables, 2026, SETTINGS).items()
        if v.document
    }


def planned(before, after):
    """The events between two states, by the page: what left and came from one enrollment is one Delete/Post."""
    left = {number for key, (number, _) in before.items() if key not in after}
    came = {number for key, (number, _) in after.items() if key not in before}
    events = Counter({"Delete/Post": len(left & came), "Delete": len(left - came), "Post": len(came - left)})
    for key in before.keys() & after.keys():
        (old_source, old), (new_source, new) = before[key], after[key]
        if old != new:
            other_cluster = old["cteProgramServices"] != new["cteProgramServices"]
            events["Delete/Post" if old_source == new_source and other_cluster else "Put"] += 1
    return {event: count for event, count in events.items() if count}


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """The cases alone, so that each edit can start from an untouched Campus quickly."""
    path = tmp_path_factory.mktemp("edited") / "campus.duckdb"
    load(path, fixed_tables() | case_tables() | program_tables())
    return path


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_causes_its_events(edited, name):
    before = sent_by(read_tables(edited))
    with duckdb.connect(str(edited)) as connection:
        EDITS[name].apply(connection)
    assert planned(before, sent_by(read_tables(edited))) == EDITS[name].events


def test_the_edits_together_cause_the_sum_of_their_events(sample, tmp_path):
    path = tmp_path / "campus.duckdb"
    path.write_bytes(sample.read_bytes())
    before = sent_by(read_tables(path))
    for name in EDITS:
        assert main(["edit", str(path), name]) == 0
    total = sum((Counter(edit.events) for edit in EDITS.values()), Counter())
    assert planned(before, sent_by(read_tables(path))) == total


def test_a_wrong_edit_is_named(tmp_path, capsys):
    assert main(["edit", str(tmp_path / "none.duckdb"), "start_moved"]) == 2
    assert "there is no edit 'start_moved'; known: start_date_moved" in capsys.readouterr().err
    assert main(["edit", str(tmp_path / "none.duckdb"), "start_date_moved"]) == 2
    assert "is no file; make one with: python -m sandbox.campus build" in capsys.readouterr().err


def test_the_sample_fits_the_mapping_template(sample):
    assert reader(DuckDbHook(sample)).missing_columns() == []
    assert reader(DuckDbHook(sample), parts=PARTS).missing_columns() == []


def test_the_t_sql_script_is_batches_that_sql_server_takes(capsys):
    assert main(["tsql"]) == 0
    *batches, rest = capsys.readouterr().out.split(";\nGO\n")
    assert rest == ""
    assert batches[0] == "SET QUOTED_IDENTIFIER ON", "names are in double quotes, which sqlcmd takes for strings"
    assert sum(batch.startswith("CREATE TABLE dbo.") for batch in batches) == len(SCHEMA)
    assert max(batch.count("\n") for batch in batches) <= 1000, "a VALUES list has 1,000 rows at most"
    assert "N'Núñez'" in "".join(batches)


def test_the_seed_command_prints_what_the_sandbox_ods_reads(sample, capsys):
    assert main(["seed", str(sample), "2025"]) == 0
    assert json.loads(capsys.readouterr().out) == seed_documents(sample, 2025)
