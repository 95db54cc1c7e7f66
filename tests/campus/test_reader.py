# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
from datetime import date, datetime

import pytest

from edfi_cte.associations.model import EnrollmentRecord
from edfi_cte.campus import CodeUsage, DistrictNotFound, IncompleteExtract, InvalidCampusData, SchoolYear
from edfi_cte.campus.session import open_session
from edfi_cte.campus.templates import Statement
from tests.campus.engines import DuckDb
from tests.campus.small import YEAR, calendar, edited_mapping, enrollment, missouri, outcomes, reader, small_campus
from tests.campus.wrapped import WrappedHook


def records(hook, **options):
    return list(reader(hook, **options).enrollment_records(YEAR))


def test_a_record_has_every_value_clean(engine):
    tables = small_campus()
    tables["Person"][0]["stateID"] = " 1234567890"
    tables["Enrollment"][0] |= {
        "startDate": datetime(2025, 8, 20, 23, 59),
        "endDate": datetime(2026, 5, 22, 7, 45),
        "serviceType": "S",
    }
    tables["Calendar"][0]["name"] = "25-26 High "
    tables["EnrollmentMO"][0] |= {"careerCluster": "\t08 ", "cteProgramType": "0410  "}
    assert records(engine.campus(tables)) == [
        EnrollmentRecord(
            enrollment_id=1,
            student_unique_id="1234567890",
            start_date=date(2025, 8, 20),
            end_date=date(2026, 5, 22),
            service_type="S",
            cte_program_type="0410",
            cte_program_type_name="Health Sciences",
            career_cluster="08",
            career_pathway=None,
            student_status=None,
            certification_status=None,
            excluded_by=None,
            school_number="1050",
            school_name="High",
            calendar_name="25-26 High",
        )
    ]


def test_blank_text_is_none(engine):
    tables = small_campus()
    tables["Person"][0]["stateID"] = "  "
    tables["Enrollment"][0] |= {"serviceType": " ", "startDate": None}
    tables["CampusDictionary"] = []
    (record,) = records(engine.campus(tables))
    assert record.student_unique_id is None
    assert record.service_type is None
    assert record.start_date is None
    assert record.cte_program_type_name is None
    assert record.excluded_by is None


def test_records_come_once_each_in_the_order_of_their_ids(engine):
    tables = small_campus()
    numbers = [41, 7, 99, 8]
    tables["Enrollment"] = [enrollment(number) for number in numbers]
    tables["EnrollmentMO"] = [missouri(number) for number in numbers]
    # a code list with one code twice, in two spellings, must not multiply the records
    tables["CampusDictionary"] += [{"dictionaryID": 3, "attributeID": 2, "code": "0410 ", "name": "Health Sciences"}]
    assert [r.enrollment_id for r in records(engine.campus(tables), fetch_size=3)] == sorted(numbers)


def test_enrollments_without_any_career_technical_value_are_no_candidates(engine):
    tables = small_campus()
    tables["Enrollment"] += [enrollment(2), enrollment(3), enrollment(4)]
    tables["EnrollmentMO"] += [missouri(2, " ", ""), missouri(4, None, "0410")]
    assert set(outcomes(engine.campus(tables))) == {1, 4}


def test_another_district_does_not_leak_in(engine):
    tables = small_campus()
    tables["District"].append({"districtID": 2, "number": "39141"})
    tables["Enrollment"].append(enrollment(2, districtID=2))
    tables["EnrollmentMO"].append(missouri(2))
    assert set(outcomes(engine.campus(tables))) == {1}


def test_a_person_without_a_row_is_a_record_without_a_student_id(engine):
    tables = small_campus()
    tables["Person"] = []
    (record,) = records(engine.campus(tables))
    assert record.student_unique_id is None


@pytest.mark.parametrize(
    ("student_id", "expected"), [("stateID", "1234567890"), ("edFiID", "E9"), ("studentNumber", "77")]
)
def test_the_students_id_is_the_configured_one(engine, student_id, expected):
    tables = small_campus()
    tables["Person"][0]["edFiID"] = "E9"
    (record,) = records(engine.campus(tables), student_id=student_id)
    assert record.student_unique_id == expected


def test_the_school_year_is_campuss_own_or_july_to_june(engine):
    tables = small_campus()
    tables["SchoolYear"] = [
        {"endYear": 2025, "startDate": datetime(2024, 7, 8), "endDate": None},
        {"endYear": 2026},
    ]
    campus = reader(engine.campus(tables))
    assert campus.school_year(2025) == SchoolYear(2025, date(2024, 7, 8), date(2025, 6, 30))
    assert campus.school_year(2026) == SchoolYear(2026, date(2025, 7, 1), date(2026, 6, 30))
    assert campus.school_year(2027) == SchoolYear(2027, date(2026, 7, 1), date(2027, 6, 30))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2026, 7, 1), datetime(2025, 6, 30)),
        (datetime(2015, 7, 1), datetime(2026, 6, 30)),
        (datetime(2024, 12, 31), datetime(2026, 6, 30)),
        (datetime(2025, 7, 1), datetime(2027, 1, 1)),
        (datetime(2025, 7, 1), datetime(2025, 7, 1)),
    ],
    ids=["backwards", "ten years long", "from before the year before", "into the next year", "of one day"],
)
def test_a_school_year_that_cannot_be_is_refused(engine, start, end):
    tables = small_campus()
    tables["SchoolYear"] = [{"endYear": YEAR, "startDate": start, "endDate": end}]
    with pytest.raises(InvalidCampusData, match="School Years editor"):
        records(engine.campus(tables))


def test_a_school_year_may_be_two_whole_calendar_years(engine):
    tables = small_campus()
    tables["SchoolYear"] = [{"endYear": YEAR, "startDate": datetime(2025, 1, 1), "endDate": datetime(2026, 12, 31)}]
    year = reader(engine.campus(tables)).school_year(YEAR)
    assert year == SchoolYear(YEAR, date(2025, 1, 1), date(2026, 12, 31))


def test_district_numbers_keep_their_zeros(engine):
    tables = small_campus()
    tables["District"] += [{"districtID": 2, "number": " 115115 "}, {"districtID": 3, "number": ""}]
    assert reader(engine.campus(tables)).district_numbers() == ["039141", "115115"]


def test_an_unknown_district_is_an_error_not_an_empty_extract(engine):
    tables = small_campus()
    tables["District"][0]["number"] = "115115"
    with pytest.raises(DistrictNotFound, match="no district 039141; it has: 115115"):
        records(engine.campus(tables))


def test_code_usage_counts_what_is_sent_and_lists_the_rest(engine):
    tables = small_campus()
    tables["Enrollment"] += [enrollment(2), enrollment(3), enrollment(4, noShow=True)]
    tables["EnrollmentMO"] += [missouri(2, "99", "0410"), missouri(3, "99", "0410"), missouri(4, "8", "0999")]
    tables["CampusDictionary"].append({"dictionaryID": 3, "attributeID": 1, "code": "13", "name": "Manufacturing"})
    assert reader(engine.campus(tables)).code_usage(YEAR) == [
        CodeUsage("career_cluster", "13", "Manufacturing", 0),
        CodeUsage("career_cluster", "8", "Health Science", 1),
        CodeUsage("career_cluster", "99", None, 2, labels=0),
        CodeUsage("cte_program_type", "0410", "Health Sciences", 3),
    ]


def test_the_enrollment_count_is_of_all_the_districts_enrollments_in_the_year(engine):
    tables = small_campus()
    tables["Calendar"].append(calendar(2, 2025))
    tables["Enrollment"] += [enrollment(2), enrollment(3, calendarID=2), enrollment(4, districtID=2)]
    assert reader(engine.campus(tables)).enrollment_count(YEAR) == 2


def test_single_enrollments_are_asked_for_by_their_ids(engine):
    tables = small_campus()
    tables["Enrollment"] += [enrollment(2), enrollment(3, noShow=True), enrollment(4)]
    tables["EnrollmentMO"] += [missouri(2), missouri(3)]
    found = reader(engine.campus(tables)).records_by_id(YEAR, [3, 1, 4, 99, 1])
    assert [(record.enrollment_id, record.excluded_by) for record in found] == [(1, None), (3, "no_show")]
    assert reader(engine.campus(tables)).records_by_id(YEAR, []) == []


def test_many_single_enrollments_are_asked_for_in_statements_that_sql_server_takes():
    hook = WrappedHook(DuckDb().campus(many(1200)))
    found = reader(hook).records_by_id(YEAR, range(1, 1300))
    assert [record.enrollment_id for record in found] == list(range(1, 1201))
    assert max(len(parameters) for _, parameters in hook.statements) < 2100


def test_an_answer_cut_short_is_no_proof_that_an_enrollment_is_gone():
    hook = WrappedHook(DuckDb().campus(many(50)), cut_after=30)
    with pytest.raises(IncompleteExtract):
        reader(hook, fetch_size=10).records_by_id(YEAR, range(1, 51))


def many(count):
    tables = small_campus()
    tables["Enrollment"] = [enrollment(number) for number in range(1, count + 1)]
    tables["EnrollmentMO"] = [missouri(number) for number in range(1, count + 1)]
    return tables


def test_records_are_streamed_a_batch_at_a_time():
    hook = WrappedHook(DuckDb().campus(many(1000)))
    stream = reader(hook, fetch_size=10).enrollment_records(YEAR)
    for _ in range(25):
        next(stream)
    assert hook.rows_fetched_last == 30
    stream.close()
    assert hook.open_connections == 0


def test_a_stream_cut_short_is_noticed():
    hook = WrappedHook(DuckDb().campus(many(50)), cut_after=30)
    with pytest.raises(IncompleteExtract, match="counted 50 enrollment records for 2026 and sent 30"):
        records(hook, fetch_size=10)
    assert hook.open_connections == 0


def test_a_join_that_multiplies_records_is_noticed(engine, tmp_path):
    edited_mapping(tmp_path, "ON e.enrollmentID = mo.enrollmentID", "ON e.personID = mo.personID")
    tables = small_campus()
    tables["EnrollmentMO"].append(missouri(2))
    with pytest.raises(InvalidCampusData, match="enrollment 1 came more than once"):
        records(engine.campus(tables), sql_dir=tmp_path)


def test_rows_that_are_left_before_their_end_are_not_waited_for(engine):
    hook = engine.campus(small_campus())
    with open_session(hook, "read_committed", 600, set) as session:
        rows = session.batches(Statement("SELECT 1 UNION ALL SELECT 2", ()), 1, "two rows")
        next(rows)
    rows.close()  # would wait 600 s for a thread that has ended
