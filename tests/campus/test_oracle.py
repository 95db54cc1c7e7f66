# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""The shipped SQL and the naive oracle agree: on the sample district, and on any small Campus."""

import json
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edfi_cte.associations.transform import Rejected, Transform, winner
from edfi_cte.settings import ResourcePreferences
from sandbox.campus import SCOPE_YEARS, build
from sandbox.campus.schema import SCHEMA
from sandbox.oracle import expected, expected_from_rows, key_of, read_tables, verdicts
from tests.campus.engines import DuckDb, DuckDbHook
from tests.campus.small import DISTRICT, flag_columns, outcomes, reader, small_campus

SETTINGS = {"district_number": DISTRICT}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("oracle") / "campus.duckdb"
    build(path, seed=11)
    return path


@pytest.mark.parametrize("year", SCOPE_YEARS)
def test_the_sql_excludes_what_the_oracle_excludes(sample, year):
    found = verdicts(read_tables(sample), year, SETTINGS)
    by_oracle = {number: v.reason if v.outcome == "excluded" else None for number, v in found.items()}
    assert outcomes(DuckDbHook(sample), year) == by_oracle


PREFERENCES = {
    "program_name": {"source": "code", "mapping": {"0610": "Marketing"}},
    "career_cluster": {
        "namespace": "uri://x.org/CTEProgramServiceDescriptor",
        "mapping": {"99": "uri://x.org/ADescriptor#99"},
    },
    "send_end_date": True,
    "certification_status": {"none": "uri://x.org/TechnicalSkillsAssessmentDescriptor#None"},
}


@pytest.mark.parametrize("preferences", [{}, PREFERENCES], ids=["default", "all"])
def test_the_transform_derives_the_oracles_documents(sample, preferences):
    transform = Transform(ResourcePreferences.model_validate(preferences), int(DISTRICT), (4, 0))
    by_key = {}
    for record in reader(DuckDbHook(sample)).enrollment_records(2026):
        if record.excluded_by:
            continue
        try:
            document = json.loads(transform.association(record).body)
        except Rejected:
            continue
        by_key.setdefault(key_of(document), []).append((record, document))
    derived = {}
    for key, candidates in by_key.items():
        best = winner([record for record, _ in candidates])
        derived[key] = next(document for record, document in candidates if record is best)
    assert derived == expected(sample, 2026, SETTINGS | {"preferences": preferences})


DAYS = st.one_of(
    st.sampled_from([date(2025, 6, 30), date(2025, 7, 1), date(2026, 6, 30), date(2026, 7, 1), date(2025, 5, 22)]),
    st.integers(0, 900).map(lambda n: date(2024, 8, 1) + timedelta(days=n)),
).flatmap(lambda day: st.sampled_from([datetime(day.year, day.month, day.day, hour) for hour in (0, 23)]))
FLAGS = st.sampled_from([None, None, False, True])


def flags_of(alias: str) -> dict[str, st.SearchStrategy[bool | None]]:
    """The flags among a table's columns, by the alias that the mapping gives the table."""
    columns = [column.split(".") for column in flag_columns().values()]
    return {name: FLAGS for table, name in columns if table == alias}


CALENDARS = st.lists(
    st.fixed_dictionaries(
        {
            "schoolID": st.integers(1, 2),
            "endYear": st.integers(2024, 2028),
            "endDate": st.none() | DAYS,
            **flags_of("c"),
        }
    ),
    min_size=3,
    max_size=3,
)
ENROLLMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "personID": st.integers(1, 4),
            "calendarID": st.integers(1, 3),
            "districtID": st.sampled_from([1, 1, 1, 2]),
            "serviceType": st.sampled_from(["P", "S", "N", "p", " ", None]),
            "startDate": st.none() | DAYS,
            "endDate": st.none() | DAYS,
            **flags_of("e"),
            "careerCluster": st.sampled_from(["8", "08", " 13", "99", "", " ", None]),
            "cteProgramType": st.sampled_from(["0410", "0410 ", "ag", "AG", "9999", "\t", None]),
        }
    ),
    max_size=12,
)
SCHOOL_FLAGS = st.lists(st.fixed_dictionaries(flags_of("s")), min_size=2, max_size=2)
STATE_IDS = st.lists(st.sampled_from(["A1", "a1 ", "B2", " ", None]), min_size=4, max_size=4)


@given(CALENDARS, ENROLLMENTS, SCHOOL_FLAGS, STATE_IDS)
@settings(max_examples=40, deadline=None)
def test_sql_and_oracle_agree_on_any_campus(calendars, enrollments, school_flags, state_ids):
    tables = small_campus()
    tables["District"].append({"districtID": 2, "number": "115115"})
    tables["School"] = [{"schoolID": n, **flags} for n, flags in enumerate(school_flags, 1)]
    tables["Calendar"] = [{"calendarID": n, **row} for n, row in enumerate(calendars, 1)]
    tables["Person"] = [{"personID": n, "stateID": value} for n, value in enumerate(state_ids, 1)]
    tables["CampusDictionary"].append({"dictionaryID": 9, "attributeID": 2, "code": "Ag", "name": "Agriculture"})
    missouri = ("careerCluster", "cteProgramType")
    tables["Enrollment"] = [
        {"enrollmentID": n, **{k: v for k, v in row.items() if k not in missouri}}
        for n, row in enumerate(enrollments, 1)
    ]
    tables["EnrollmentMO"] = [
        {"enrollmentID": n, **{k: row[k] for k in missouri}} for n, row in enumerate(enrollments, 1) if n % 4
    ]
    hook = DuckDb().campus(tables)
    complete = {
        t.name: [dict.fromkeys(t.columns) | row for row in tables[t.name]] for t in SCHEMA if t.name in tables
    }
    by_oracle = verdicts(complete, 2026, SETTINGS)
    assert outcomes(hook) == {n: v.reason if v.outcome == "excluded" else None for n, v in by_oracle.items()}
    sent = expected_from_rows(complete, 2026, SETTINGS)
    assert len(sent) == sum(v.outcome == "sent" for v in by_oracle.values()), "one association a key"
