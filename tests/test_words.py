"""No word of a driver is kept, whatever it says and wherever a person stands in it; only names that were given."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from edfi_cte.campus.errors import driver_fault
from edfi_cte.faults import FAULTS
from edfi_cte.ledger.database import _said
from edfi_cte.ledger.limits import explained
from edfi_cte.words import kind_of, names_in, number_of, options_in, words_in

MAPPING = ("EnrollmentMO", "careerCluster", "name")
PERSON = st.sampled_from(
    [
        *("O'Brien, Mary 1000000001", "Núñez", "careerClusterOf Mary", "name", "'; DROP TABLE x --"),
        *("Mary {0} {enrollment_id} %s %(x)s", "{Mary\n'Brien'\r\n1000000001}", "name\u00a0Mary", "\u200bNúñez\0"),
    ]
)
QUOTE = st.sampled_from(["", "'", '"', "[", "(", "''"])
SENTENCE = st.sampled_from(
    [
        "Conversion failed when converting the varchar value {0} to data type int.",
        "{0} Violation of UNIQUE KEY constraint {0}. The duplicate key value is ({0}).",
        "DB-Lib error message 20018, severity 16:\nGeneral SQL Server error: {0}\n",
        "The SELECT permission was denied (229) on {0}, 20003 timed out {0}",
    ]
)
NUMBER = st.sampled_from([0, 64321, *(number for number in FAULTS if isinstance(number, int))])
LEFT_BEHIND = b"".join(
    b"DB-Lib error message %s, severity 9:\nx\n" % n for n in (b"20047", b"20004", b"%d", b"20002")
)
"""As pymssql tells of a refused connection after one that died."""
WORDS = st.builds(lambda said, person, a, b: said.format(f"{a}{person}{b}"), SENTENCE, PERSON, QUOTE, QUOTE)


def pymssql_error(number: int, text: str, shape: int) -> Exception:
    """As pymssql raises it in a query, in a connection, and in a transaction."""
    said = text.encode()
    return (RuntimeError(number, said), RuntimeError((number, said)), RuntimeError(f"Cannot: ({number}, {said!r})"))[
        shape
    ]


@given(NUMBER, WORDS, st.integers(0, 2))
@settings(max_examples=300, deadline=None)
def test_what_is_said_of_campus_depends_on_the_number_alone(number: int, text: str, shape: int) -> None:
    error = pymssql_error(number, text, shape)
    bare = pymssql_error(number_of(error) or number, "", shape)
    assert str(driver_fault(error, "Campus")) == str(driver_fault(bare, "Campus"))
    assert type(driver_fault(error, "Campus")) is type(driver_fault(bare, "Campus"))


@given(NUMBER, WORDS, st.integers(0, 2))
@settings(max_examples=300, deadline=None)
def test_of_the_words_only_names_of_the_mapping_are_kept(number: int, text: str, shape: int) -> None:
    said = str(driver_fault(pymssql_error(number, text, shape), "Campus", MAPPING))
    if " It names " in said:
        names = said.split(" It names ")[1].split(". ")[0]
        assert set(names.split(", ")) <= set(MAPPING)
        said = said.replace(f" It names {names}.", "")
    for part in ("Mary", "Brien", "1000000001", "Núñez", "DROP"):
        assert part not in said


@given(NUMBER, WORDS)
@settings(max_examples=200, deadline=None)
def test_what_is_said_of_the_ledger_depends_on_the_number_alone(number: int, text: str) -> None:
    error = sa.exc.OperationalError("INSERT INTO edfi_cte_event VALUES (:a)", {"a": text}, RuntimeError(number, text))
    bare = sa.exc.OperationalError("INSERT INTO edfi_cte_event VALUES (:a)", {}, RuntimeError(number, ""))
    assert explained(error) == explained(bare)
    assert _said(RuntimeError(number, text), {}) == _said(RuntimeError(number, ""), {})


def messages(*numbers: int) -> bytes:
    """DB-Library's, one after the other."""
    return b"".join(b"DB-Lib error message %d, severity 9:\nx\n" % number for number in numbers)


def stated(name: str, value: str | None, *args: Any) -> Exception:
    """As a driver of PostgreSQL raises it."""
    error = RuntimeError(*args)
    setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (RuntimeError(1205, b"x"), 1205),
        (RuntimeError((18456, b"x")), 18456),
        (RuntimeError((18456, b"DB-Lib error message 20009, severity 9:\nUnable")), 20009),
        (RuntimeError(18456, LEFT_BEHIND % 20018), 20018),
        (RuntimeError(20002, b"DB-Lib error message 20002, severity 9:\nNo\n" * 2), 20002),
        (RuntimeError(20047, b"DB-Lib error message 20047, severity 9:\nDBPROCESS is dead\n"), 20047),
        (
            RuntimeError(20003, b"".join(b"DB-Lib error message %d, severity 6:\nx\n" % n for n in (20003, 20017))),
            20003,
        ),
        (RuntimeError(18456, messages(20002, 18, 20009, 20018, 20047)), 18),
        (RuntimeError(18456, messages(20047, 20018, 20002)), 20018),
        (RuntimeError(18456, messages(20047, 20002)), 20002),
        (RuntimeError(18456, messages(20002, 20047)), 20047),
        (RuntimeError(18456, b"Login failed.\n" + messages(20018, 20002)), 18456),
        (RuntimeError(18456, "DB-Lib error message 20009, severity 9:\nno bytes"), 18456),
        (RuntimeError(18456), 18456),
        (RuntimeError((), 5), None),
        (RuntimeError("42S02", "[42S02] x (208)"), "42S02"),
        (RuntimeError("42S0", "x"), None),
        (RuntimeError("42s02", "x"), None),
        (stated("pgcode", "40P01"), "40P01"),
        (stated("sqlstate", "57014"), "57014"),
        (stated("pgcode", None, 7), 7),
        (stated("sqlstate", "4000"), None),
        (RuntimeError("229 permission denied"), None),
        (RuntimeError("error 20003"), None),
        (RuntimeError(), None),
        (RuntimeError(True), None),
    ],
)
def test_a_number_is_the_drivers_never_one_of_its_words(error: Exception, number: Any) -> None:
    assert number_of(error) == number
    assert kind_of(error) == "RuntimeError" + (f" {number}" if number else "")


def test_a_name_is_kept_only_where_it_is_quoted_whole() -> None:
    assert names_in(RuntimeError(b"Invalid 'CareerCluster', \"name\"; [EnrollmentMO] 'name x'"), MAPPING) == [
        "careerCluster",
        "name",
        "EnrollmentMO",
    ]
    assert names_in(RuntimeError("careerCluster is a name"), MAPPING) == []
    assert names_in(RuntimeError(1, ("'name'", [b"[enrollmentmo]"]), 'a "name"', "'x\nname'"), MAPPING) == [
        "name",
        "EnrollmentMO",
    ]
    long = "n" * 128
    assert names_in(RuntimeError(f"'{long}' \"{long}m\""), [long, f"{long}m"]) == [long]


def test_a_name_may_stand_without_quotes_where_it_is_a_whole_word() -> None:
    assert words_in(RuntimeError(b"CAREERCLUSTER, names"), MAPPING) == ["careerCluster"]
    assert words_in(RuntimeError("name of EnrollmentMO"), MAPPING) == ["EnrollmentMO", "name"]


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (TypeError("connect() got an unexpected keyword argument 'timeoutt'"), ["timeoutt"]),
        (ValueError("isolation_level string must be '', 'DEFERRED'"), ["isolation_level"]),
        (Exception("unrecognized tds version: 9.9"), ["tds_version"]),
        (TypeError("must be real number, not str"), []),
        (sqlite3.OperationalError("timeoutt: tds version"), []),
    ],
)
def test_an_option_is_named_where_the_driver_itself_refuses_it(error: Exception, named: list[str]) -> None:
    assert options_in(error, ["timeoutt", "isolation_level", "tds_version"]) == named
