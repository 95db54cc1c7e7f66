# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""What a Campus or a mapping may hold: numbers with a scale, odd flags, blanks, codes twice, encodings."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from edfi_cte.campus import DistrictNotFound, InvalidCampusData, InvalidTemplate
from edfi_cte.campus.mapping import MAPPING_TEMPLATE
from edfi_cte.campus.rows import BLANKS, day, enrollment_record
from edfi_cte.campus.templates import shipped_sql_dir
from tests.campus.engines import DuckDb
from tests.campus.small import (
    YEAR,
    calendar,
    edited_mapping,
    enrollment,
    flag_columns,
    missouri,
    outcomes,
    reader,
    row,
    small_campus,
)


def records(hook, **options):
    return list(reader(hook, **options).enrollment_records(YEAR))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("p.{{ student_id }} AS", "CAST(p.{{ student_id }} AS decimal(12, 2)) AS"),
        ("mo.careerCluster AS", "CAST(mo.careerCluster AS decimal(9, 3)) AS"),
        ("mo.careerCluster AS", "CAST(mo.careerCluster AS decimal(18, 9)) AS"),
        ("mo.cteProgramType AS", "CAST(mo.cteProgramType AS decimal(9, 1)) AS"),
    ],
    ids=["student id", "career cluster", "career cluster by nine places", "program type"],
)
def test_a_number_is_a_number_whatever_its_scale(engine, tmp_path, old, new):
    tables = small_campus()
    tables["EnrollmentMO"] = [missouri(1, "8", "410")]
    tables["CampusDictionary"][1]["code"] = "410"
    (record,) = records(engine.campus(tables), sql_dir=edited_mapping(tmp_path, old, new))
    assert (record.student_unique_id, record.career_cluster) == ("1234567890", "8")
    assert (record.cte_program_type, record.cte_program_type_name) == ("410", "Health Sciences")
    used = {usage.field: usage for usage in reader(engine.campus(tables), sql_dir=tmp_path).code_usage(YEAR)}
    assert [(used[field].code, used[field].records) for field in ("career_cluster", "cte_program_type")] == [
        ("8", 1),
        ("410", 1),
    ]


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("0410.0", "0410"),
        ("100.000", "100"),
        ("0.00", "0"),
        ("8.50", "8.50"),
        ("1.2.0", "1.2.0"),
        ("1..00", "1..00"),
        ("A.0", "A.0"),
        ("1 0.0", "1 0.0"),
        (".00", ".00"),
    ],
)
def test_only_a_number_loses_its_zeros(engine, code, read):
    tables = small_campus()
    tables["EnrollmentMO"] = [missouri(1, code, code)]
    (record,) = records(engine.campus(tables))
    assert (record.career_cluster, record.cte_program_type) == (read, read)


FLAGS = [(f"{column} AS {flag}", flag) for flag, column in flag_columns().items()]


@pytest.mark.parametrize(("column", "flag"), FLAGS, ids=[flag for _, flag in FLAGS])
@pytest.mark.parametrize(
    ("value", "marked"),
    [
        ("CAST(1 AS decimal(3, 2))", True),
        ("CAST(1 AS decimal(20, 9))", True),
        ("'y\u00a0'", True),
        ("CAST(0 AS decimal(3, 2))", False),
        ("CAST(0 AS decimal(20, 9))", False),
        ("'\u3000'", False),
        ("'F'", False),
    ],
)
def test_a_flag_of_any_scale_is_read(engine, tmp_path, column, flag, value, marked):
    folder = edited_mapping(tmp_path, column, f"{value} AS {flag}")
    assert outcomes(engine.campus(small_campus()), sql_dir=folder) == {1: flag if marked else None}


@pytest.mark.parametrize(("column", "flag"), FLAGS, ids=[flag for _, flag in FLAGS])
@pytest.mark.parametrize("value", ["'X'", "'\x01'", "'.'", "'10.0'", "2", "CAST(0.5 AS decimal(3, 2))", "-1"])
def test_a_flag_that_is_neither_marked_nor_unmarked_is_refused_by_its_name(engine, tmp_path, column, flag, value):
    folder = edited_mapping(tmp_path, column, f"{value} AS {flag}")
    with pytest.raises(InvalidCampusData, match=rf"enrollment 1, {flag}: the flag is neither marked"):
        records(engine.campus(small_campus()), sql_dir=folder)


def test_an_unreadable_flag_of_the_enrollment_that_another_record_needs_is_refused_too(engine, tmp_path):
    """Taken for marked, it would exclude the record of the year before, and delete it."""
    tables = small_campus()
    tables["Calendar"].append(calendar(2, 2025))
    before = enrollment(2, calendarID=2, startDate=datetime(2025, 6, 2), endDate=datetime(2025, 7, 20))
    tables["Enrollment"] = [enrollment(1, serviceType="X"), before]
    tables["EnrollmentMO"] = [missouri(2)]
    assert outcomes(engine.campus(tables)) == {2: None}
    folder = edited_mapping(tmp_path, "e.noShow AS no_show", "CASE e.serviceType WHEN 'X' THEN 'X' END AS no_show")
    with pytest.raises(InvalidCampusData, match="enrollment 2, other enrollment: the flag is neither"):
        records(engine.campus(tables), sql_dir=folder)


@pytest.mark.parametrize("value", [Decimal("Infinity"), Decimal("NaN"), Decimal("1.5"), 7.0, "7", b"7", None])
def test_an_enrollment_id_is_a_whole_number(value):
    with pytest.raises(InvalidCampusData, match=rf"enrollment_id as a value of type {type(value).__name__}"):
        enrollment_record(row(enrollment_id=value))


@pytest.mark.parametrize("value", [Decimal("1E+10"), 1234567890, b"1234567890", True])
@pytest.mark.parametrize("name", ["student_unique_id", "career_cluster", "calendar_name"])
def test_text_is_text(name, value):
    """The queries cast it; a template of one's own may not."""
    with pytest.raises(InvalidCampusData, match=rf"enrollment 1, {name}: .* type {type(value).__name__}, not text"):
        enrollment_record(row(**{name: value}))


@pytest.mark.parametrize("value", ["1.23457e+009", "1E+10", "1e10", "1.234567890E9", "-1E+10"])
def test_a_state_id_in_the_notation_of_a_float_is_refused(value):
    with pytest.raises(InvalidCampusData, match="keeps it as a floating-point number") as caught:
        enrollment_record(row(student_unique_id=value))
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "number", ["39141", "039141", "0039141", "39141.00", "39141.000000", " 39141 ", "\u00a039141"]
)
def test_a_district_number_is_matched_as_the_number_it_is(engine, number):
    tables = small_campus()
    tables["District"][0]["number"] = number
    campus = reader(engine.campus(tables))
    assert campus.own_number() == number.strip()

    assert [record.enrollment_id for record in campus.enrollment_records(YEAR)] == [1]
    assert campus.enrollment_count(YEAR) == 1


@pytest.mark.parametrize("number", ["+39141", "-39141", "39 141", "39,141", "39141.5", "3.9141E4", "39141A"])
def test_what_is_no_district_number_is_shown_as_it_is(engine, number):
    tables = small_campus()
    tables["District"][0]["number"] = number
    with pytest.raises(DistrictNotFound, match=rf"no district 039141; it has: {re.escape(number)}[.] Correct"):
        records(engine.campus(tables))


def test_two_districts_of_one_number_are_told_apart_or_refused(engine):
    tables = small_campus()
    tables["District"] = [{"districtID": 1, "number": "39141"}, {"districtID": 2, "number": "0039141"}]
    with pytest.raises(DistrictNotFound, match="several districts that may be 039141: 0039141, 39141"):
        records(engine.campus(tables))


@pytest.mark.parametrize("value", ["2025-08-20", datetime(2025, 8, 20, 7), date(2025, 8, 20)])
def test_a_date_is_a_date_also_as_text(value):
    assert day(value, "start_date") == date(2025, 8, 20)


@pytest.mark.parametrize("value", ["2025-13-40", "20.08.2025", "2025-08-20T00:00:00", "Aug 20 2025"])
def test_other_text_is_no_date(value):
    with pytest.raises(InvalidCampusData, match="not a date"):
        day(value, "start_date")


@pytest.mark.parametrize("blank", ["\u2003", "\u3000", "\u00a0", "\u2028", "\u200b", "\ufeff", "\x85", "\t\u00a0 "])
def test_each_of_unicodes_blanks_is_one(engine, blank):
    tables = small_campus()
    tables["Person"][0]["stateID"] = f"{blank}1234567890{blank}"
    tables["EnrollmentMO"] += [missouri(2, blank, "0410"), missouri(3, blank, blank)]
    tables["Enrollment"] += [enrollment(2), enrollment(3)]
    found = {record.enrollment_id: record for record in records(engine.campus(tables))}
    assert found[1].student_unique_id == "1234567890"
    assert found[2].excluded_by == "career_cluster_blank"
    assert 3 not in found


def test_the_blanks_hold_no_letter():
    assert all(not character.isalnum() and character != "\0" for character in BLANKS)


def test_of_two_labels_of_a_code_the_active_one_is_taken(engine, tmp_path):
    tables = small_campus()
    twice = {"dictionaryID": 3, "attributeID": 2, "code": "0410", "name": "Allied Health (old)"}
    tables["CampusDictionary"].append(twice)
    hook = engine.campus(tables)
    (record,) = records(hook)
    assert record.cte_program_type_name == "Allied Health (old)"
    usage = {item.code: item for item in reader(hook).code_usage(YEAR)}
    assert (usage["0410"].labels, usage["8"].labels) == (2, 1)
    active = "CASE cd.dictionaryID WHEN 2 THEN 1 ELSE 0 END AS active"
    folder = edited_mapping(tmp_path, "NULL AS active", active)
    (record,) = records(hook, sql_dir=folder)
    assert record.cte_program_type_name == "Health Sciences"
    usage = {item.code: item for item in reader(hook, sql_dir=folder).code_usage(YEAR)}
    assert usage["0410"].labels == 1


ENCODINGS = [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("cp1252", "1252")]


@pytest.mark.parametrize(
    ("active", "label", "labels"),
    [("1, 0, 0", "Health Sciences", 1), ("1, 1, 0", "Allied Health", 2), ("0, 0, 0", "Allied Health", 3)],
)
def test_of_three_labels_the_first_of_the_active_ones_is_taken(engine, tmp_path, active, label, labels):
    tables = small_campus()
    tables["CampusDictionary"] += [
        {"dictionaryID": 3, "attributeID": 2, "code": " 0410", "name": "Allied Health"},
        {"dictionaryID": 4, "attributeID": 2, "code": "0410 ", "name": "Zoology"},
    ]
    first, second, third = active.split(", ")
    case = f"CASE cd.dictionaryID WHEN 2 THEN {first} WHEN 3 THEN {second} WHEN 4 THEN {third} END AS active"
    hook, folder = engine.campus(tables), edited_mapping(tmp_path, "NULL AS active", case)
    (record,) = records(hook, sql_dir=folder)
    assert record.cte_program_type_name == label
    usage = {item.code: item for item in reader(hook, sql_dir=folder).code_usage(YEAR)}
    assert (usage["0410"].name, usage["0410"].labels) == (label, labels)


def test_an_active_mark_that_can_not_be_read_is_refused_where_it_decides(engine, tmp_path):
    tables = small_campus()
    folder = edited_mapping(tmp_path, "NULL AS active", "'A' AS active")
    assert len(records(engine.campus(tables), sql_dir=folder)) == 1
    tables["CampusDictionary"].append({"dictionaryID": 3, "attributeID": 2, "code": "0410", "name": "Allied Health"})
    hook = engine.campus(tables)
    with pytest.raises(InvalidCampusData, match="enrollment 1, active of the code list: the flag is neither marked"):
        records(hook, sql_dir=folder)
    with pytest.raises(InvalidCampusData, match="code '0410', active of the code list: the flag is neither marked"):
        reader(hook, sql_dir=folder).code_usage(YEAR)


@pytest.mark.parametrize(("encoding", "said"), ENCODINGS)
def test_a_mapping_file_that_is_not_utf_8_is_named_with_its_line(tmp_path, encoding, said):
    text = "-- Líneas\n" + (shipped_sql_dir() / MAPPING_TEMPLATE).read_text()
    (tmp_path / MAPPING_TEMPLATE).write_bytes(text.encode(encoding))
    with pytest.raises(
        InvalidTemplate, match=rf"campus_mapping[.]sql, line 1: the file is not UTF-8 but .*{said}.*Save"
    ):
        records(DuckDb().campus(small_campus()), sql_dir=tmp_path)


def test_a_mapping_file_may_begin_with_a_byte_order_mark(tmp_path):
    text = (shipped_sql_dir() / MAPPING_TEMPLATE).read_text()
    (tmp_path / MAPPING_TEMPLATE).write_text(text, encoding="utf-8-sig")
    assert len(records(DuckDb().campus(small_campus()), sql_dir=tmp_path)) == 1


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux has a file that no one can read")
def test_a_template_that_can_not_be_read_is_named(tmp_path):
    (tmp_path / MAPPING_TEMPLATE).symlink_to("/proc/self/mem")
    with pytest.raises(InvalidTemplate, match=r"campus_mapping[.]sql: the file can't be read: "):
        records(DuckDb().campus(small_campus()), sql_dir=tmp_path)
