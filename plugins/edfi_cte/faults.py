"""What each number means that SQL Server, its driver or a standard database gives: does it pass, and what to do.

A number that is not here passes: a read changes nothing, so trying again is always safe, and what is wrong for good
comes again until Airflow's retries are used up.

Sources: Microsoft, "Database engine events and errors" (the numbers up to 49999) and the transient numbers of its own
clients (SqlClient's retry logic, Entity Framework's SqlServerTransientExceptionDetector); FreeTDS, ``sybdb.h`` (2402,
2403 and 20001 to 20300, DB-Library's); ISO/IEC 9075 and PostgreSQL, appendix A (SQLSTATEs; ODBC's are those of "ODBC
error codes"). A SQLSTATE's first two characters stand for its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from edfi_cte.words import Number

NO_ANSWER = 20003
"""DB-Library's own number for it."""


class Kind(Enum):
    """What a fault is to the one who reads; which exception stands for it is in :mod:`.errors`."""

    UNREACHABLE = auto()
    LOGIN = auto()
    SETTING = auto()
    INTERRUPTED = auto()
    TIMEOUT = auto()
    DENIED = auto()
    QUERY = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """``says`` and ``advice`` are sentences of ours. ``passes``: whether trying again may help."""

    kind: Kind
    passes: bool
    says: str
    advice: str


_WAIT = "It passes; a retry reads again."
_DBA = "Ask the database's administrator."

_GROUPS: tuple[tuple[Fault, tuple[Number, ...]], ...] = (
    # -- passing: the query lost against others, or the server was short of something
    (Fault(Kind.INTERRUPTED, True, "the query was chosen as deadlock victim", _WAIT), (1205, "40P01")),
    (
        Fault(Kind.INTERRUPTED, True, "the query met a change made at the same time", _WAIT),
        (3960, 3961, 3966, 41301, 41302, 41305, 41325, 41839, "40001", "40"),
    ),
    (Fault(Kind.INTERRUPTED, True, "the query could not get a lock", _WAIT), (1204, 1222, "55P03")),
    (
        Fault(Kind.INTERRUPTED, True, "the server is short of memory, workers or space", _WAIT),
        (
            *(701, 802, 1101, 1105, 8628, 8645, 8651, 9002, 10922, 10928, 10929, 17300, 17809, 17830, 20010, 20011),
            *(40501, 40544, 40549, 40550, 40551, 40552, 40553, 49918, 49919, 49920, 49977, 49983, "53", "54", "58"),
        ),
    ),
    (
        Fault(Kind.INTERRUPTED, True, "the session was ended by the server", _WAIT),
        (596, 6005, 10982, 40197, 40540, "57P01", "57P02", "25P03", "57P05", "57"),
    ),
    # -- passing: the database or the server is not there just now
    (
        Fault(Kind.UNREACHABLE, True, "the server is starting, stopping or paused", _WAIT),
        (6001, 6002, 17142, 17187, 17188, 17197, 18401, 18451, "57P03"),
    ),
    (
        Fault(
            Kind.UNREACHABLE, True, "the database is being started, restored, moved or used by one user alone", _WAIT
        ),
        (615, 921, 922, 924, 927, 942, 946, 952, 954, 976, 979, 983, 988, 4221, 18461, 40613, 42108, 42109),
    ),
    # -- passing: the line
    (
        Fault(
            Kind.UNREACHABLE,
            True,
            "the server could not be reached",
            "Check the connection's host and port, the server's firewall and that it listens on TCP.",
        ),
        (2, 40, 53, 258, 10060, 10061, 11001, 20002, 20008, 20009, 20013, "08001", "08004"),
    ),
    (
        Fault(
            Kind.UNREACHABLE,
            True,
            "the server refused the connection. Its reason is not known: the driver keeps the first one of a process",
            "A retry, in a process of its own, will name it; so does edfi-cte check of this target alone.",
        ),
        (20018,),
    ),
    (
        Fault(Kind.INTERRUPTED, True, "the connection to the server was lost", _WAIT),
        (20, 64, 121, 233, 10053, 10054, 20001, 20004, 20005, 20006, 20017, 20019, 20020, 20047, 20056, "08"),
    ),
    (
        Fault(
            Kind.TIMEOUT,
            True,
            "no answer came in time",
            "Raise campus_timeout_seconds of the target (and `timeout`, where the connection's extra has one), or "
            "run when Campus is less busy: a lock of another program may hold it.",
        ),
        (-2, 20003, "HYT00", "HYT01", "57014"),
    ),
    # -- staying: the connection
    (
        Fault(
            Kind.LOGIN,
            False,
            "the login was refused",
            "Check the connection's login and password, and its schema: the database must exist, and the login "
            "needs a user in it.",
        ),
        (916, 4060, 4064, 18450, 18452, 18456, 18457, 18458, 18459, 18460, 20014, 40532, "28"),
    ),
    (
        Fault(Kind.LOGIN, False, "the login is locked or disabled, or its password has expired", _DBA),
        (17892, 18470, 18485, 18486, 18487, 18488, 40607),
    ),
    (
        Fault(
            Kind.LOGIN,
            False,
            "the server's firewall does not let this address in",
            "Have the address of the Airflow workers allowed there.",
        ),
        (40615, 40914, 47073),
    ),
    (
        Fault(
            Kind.SETTING,
            False,
            "there is no such database",
            "Correct the connection's schema, which is the database.",
        ),
        (911, "3D"),
    ),
    (
        Fault(
            Kind.SETTING,
            False,
            "the database is a read-only replica and wants a connection that says so",
            'Set "read_only": true in the connection\'s extra.',
        ),
        (978,),
    ),
    (
        Fault(
            Kind.SETTING,
            False,
            "snapshot isolation is not allowed in this database",
            "Have its owner run ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON, or set campus_isolation to "
            "read_committed.",
        ),
        (3952,),
    ),
    (
        Fault(Kind.SETTING, False, "the driver knows no such server or option", "Correct the connection."),
        (20012, 20015, 20021),
    ),
    # -- staying: rights, the mapping file, the server
    (
        Fault(
            Kind.DENIED,
            False,
            "the login lacks a right, on a table or a column of one",
            "Grant it SELECT: see docs/campus-sql-server.md.",
        ),
        (229, 230, 262, 297, 300, 15151, "42501"),
    ),
    (
        Fault(
            Kind.QUERY,
            False,
            "the statement names something that this database does not have",
            "Write the names that your Campus uses (in your own copy of campus_mapping.sql).",
        ),
        (207, 208, 209, 2812, 4104, 4121, 4506, "42P01", "42703", "42883", "3F", "42S02", "42S22"),
    ),
    (
        Fault(
            Kind.QUERY,
            False,
            "a value is not of the type that the mapping expects",
            "Look for a CAST or a comparison of different types in campus_mapping.sql, and correct it there.",
        ),
        (
            *(206, 241, 242, 244, 245, 248, 257, 295, 402, 512, 517, 529, 8114, 8115, 8117, 8134, 8169, "22", "21"),
            *(2402, 2403, 20048, 20049, 20050, 20051, 20053),
        ),
    ),
    (
        Fault(
            Kind.QUERY,
            False,
            "the server does not understand the statement",
            "SQL Server 2017 or later is needed; if it is one, correct the SQL in campus_mapping.sql.",
        ),
        (102, 103, 105, 156, 170, 174, 189, 195, 243, 319, 321, 468, 8120, 8155, 8156, 8158, 8180, 10751, "42", "37"),
    ),
    (
        Fault(Kind.QUERY, False, "the database is damaged or a file of it is missing", _DBA),
        (211, 605, 823, 824, 825, 945, 5180, 7105, "XX001", "XX002"),
    ),
)

FAULTS: Mapping[Number, Fault] = {number: fault for fault, numbers in _GROUPS for number in numbers}
"""Number, SQLSTATE or class of SQLSTATEs to what it means."""

UNKNOWN = Fault(
    Kind.QUERY,
    True,
    "the database gave an error that is not known here",
    "A retry reads again. If it comes again, its number tells the database's administrator what it is.",
)


def fault_of(number: Number | None) -> Fault:
    """What an error's number means; UNKNOWN for one that is not listed, and for none."""
    if number is None:
        return UNKNOWN
    if isinstance(number, str):
        return FAULTS.get(number) or FAULTS.get(number[:2], UNKNOWN)
    return FAULTS.get(number, UNKNOWN)
