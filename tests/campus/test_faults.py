"""SQL Server's faults, over its protocol to the real pymssql and MsSqlHook, as far as Airflow's retry."""

from __future__ import annotations

import multiprocessing
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

from edfi_cte.campus import errors
from edfi_cte.campus.errors import driver_fault
from edfi_cte.faults import FAULTS, UNKNOWN, Kind
from edfi_cte.operators.student_cte_program_associations import PARAMS, SyncStepOperator
from sandbox.campus.database import fill
from sandbox.ods import serve as serve_ods
from tests.campus import tds
from tests.campus.tds import LOGIN_STEP, TdsServer, Trouble
from tests.deployment import Deployment
from tests.sync.campus import Campus
from tests.sync.ods_seed import seed

PERSON = "O'Brien, Mary 1000000001"
RECORDS = "total_records"


@pytest.fixture(scope="module")
def ods() -> Iterator[Any]:
    with serve_ods(seed=seed(), api="7.3") as running:
        yield running


@pytest.fixture
def server() -> Iterator[TdsServer]:
    rows = Campus()
    for number in range(1, 6):
        rows.add(number, person=number)
    with duckdb.connect() as database:
        fill(database, rows.tables)
        with tds.serve(database) as running:
            yield running


@pytest.fixture
def deployment(
    tmp_path: Path, ods: Any, server: TdsServer, monkeypatch: pytest.MonkeyPatch, airflow_db: None
) -> Deployment:
    made = Deployment(tmp_path, ods, monkeypatch)
    connect(made, server)
    return made


def connect(deployment: Deployment, server: TdsServer, **parts: Any) -> None:
    """The connection as a deployment has it, to the protocol server."""
    login = {"host": "127.0.0.1", "port": server.port, "login": "reader", "password": "s3cret", "schema": "campus"}
    deployment.connection("campus", "mssql", **login | parts)
    deployment.deploy()


def execute(step: str) -> Any:
    operator = SyncStepOperator(task_id=step, step=step, target_ids=["039141-2026"])
    params: Any = {name: param.value for name, param in PARAMS.items()}
    return operator.execute({"params": params, "run_id": "run"})


Told = tuple[bool, str]


def failure(step: str = "extract") -> Told:
    """Whether Airflow tries the task again, and what it is told; in a process of its own, as Airflow runs a task."""
    (told,) = of_a_process(lambda: [failure_here(step)])
    return told


def of_a_process(work: Callable[[], list[Told]]) -> list[Told]:
    """What ``work`` returns in a process of its own.

    pymssql tells a process the number of the first refused connection alone: no test may leave this one refused.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=lambda: theirs.send(work()))
    process.start()
    theirs.close()
    try:
        told: list[Told] = ours.recv()
    finally:
        process.join(30)
    return told


def failure_here(step: str = "extract") -> Told:
    with pytest.raises(AirflowException) as failed:
        execute(step)
    assert failed.value.__suppress_context__, "the driver's own message would be logged with the traceback"
    return not isinstance(failed.value, AirflowFailException), str(failed.value)


def test_without_a_fault_the_records_come(deployment: Deployment, server: TdsServer):
    execute("preflight")
    assert execute("extract")["extracted"] == 5


PASSING = [
    Trouble(RECORDS, 1205, f"Transaction of {PERSON} was deadlocked.", severity=13),
    Trouble(RECORDS, 1205, f"Transaction of {PERSON} was deadlocked.", severity=13, after_rows=3),
    Trouble(RECORDS, cut=True),
    Trouble(RECORDS, cut=True, after_rows=3),
    Trouble(RECORDS, 1222, "Lock request time out."),
    Trouble(RECORDS, 3960, f"Snapshot isolation transaction aborted due to update conflict: {PERSON}", after_rows=3),
    Trouble(RECORDS, 701, "There is insufficient system memory.", severity=17),
    Trouble(RECORDS, 596, "Cannot continue the execution.", severity=21),
    Trouble(RECORDS, 64321, f"Permission denied, 229 and 230 and 20003: {PERSON}"),
    Trouble(LOGIN_STEP, 17142, "SQL Server service has been paused.", severity=14),
    Trouble(LOGIN_STEP, 40613, "Database is not currently available.", severity=17),
    Trouble(LOGIN_STEP, 10928, "Resource ID: 1. The limit for the database is 0 {PERSON} %s.", severity=20),
    Trouble(LOGIN_STEP, cut=True),
]


@pytest.mark.parametrize("trouble", PASSING, ids=lambda t: f"{t.where} {t.number or 'cut'} {t.after_rows}")
def test_what_passes_is_tried_again_and_then_succeeds(deployment: Deployment, server: TdsServer, trouble: Trouble):
    execute("preflight")
    trouble.times = 1
    server.troubles.append(trouble)
    again, said = failure()
    assert again, said
    no_word_of(trouble.text, said)
    assert execute("extract")["extracted"] == 5


STAYING = [
    (Trouble(LOGIN_STEP, 18456, "Login failed for user 'reader'.", severity=14), ["18456", "login", "'campus'"]),
    (Trouble(LOGIN_STEP, 4060, f'Cannot open database "{PERSON}".', severity=11), ["4060", "schema"]),
    (Trouble(LOGIN_STEP, 18452, "The login is from an untrusted domain.", severity=14), ["18452", "login"]),
    (Trouble(LOGIN_STEP, 18486, "The account is locked out.", severity=14), ["18486", "locked"]),
    (Trouble(LOGIN_STEP, 40615, "Client with IP address is not allowed.", severity=14), ["40615", "firewall"]),
    (Trouble(LOGIN_STEP, 978, "Accessible for read-only intent.", severity=14), ["978", '"read_only": true']),
    (Trouble(RECORDS, 229, f"Denied on the object '{PERSON}'."), ["229", "Grant it SELECT"]),
    (Trouble(RECORDS, 245, f"Conversion failed when converting '{PERSON}' to int."), ["245", "campus_mapping.sql"]),
    (Trouble(RECORDS, 195, "'TRIM' is not a recognized function name."), ["195", "SQL Server 2017"]),
    (Trouble("ISOLATION", 3952, "Snapshot isolation is not allowed."), ["3952", "ALLOW_SNAPSHOT_ISOLATION"]),
]


@pytest.mark.parametrize(("trouble", "words"), STAYING, ids=lambda value: str(getattr(value, "number", "")))
def test_what_stays_ends_the_run_with_what_to_do(
    deployment: Deployment, server: TdsServer, trouble: Trouble, words: list[str]
):
    execute("preflight")
    trouble.times = 1
    server.troubles.append(trouble)
    again, said = failure()
    assert not again, said
    for word in words:
        assert word in said
    no_word_of(trouble.text, said)


def no_word_of(text: str, said: str) -> None:
    assert text not in said
    for part in ("Mary", "Brien", "1000000001"):
        assert part not in said


def test_a_name_of_the_mapping_is_repeated(deployment: Deployment, server: TdsServer):
    execute("preflight")
    server.troubles.append(Trouble(RECORDS, 245, "Conversion failed on column 'careerCluster', value 'Mary'."))
    _, said = failure()
    assert "It names careerCluster." in said
    assert "Mary" not in said


def test_neither_log_nor_ledger_keeps_a_drivers_word(
    deployment: Deployment, server: TdsServer, caplog: pytest.LogCaptureFixture
):
    execute("preflight")
    server.troubles.append(Trouble(RECORDS, 50000, f"Found {PERSON} ('{PERSON}') in \"{PERSON}\""))
    failure()
    no_word_of("-", caplog.text + deployment.ledger.read_bytes().decode("latin-1"))


def test_a_reason_is_not_taken_for_that_of_an_earlier_connection(deployment: Deployment, server: TdsServer):
    """pymssql goes on giving the number of a process's first refusal; lanes of one task are in one process."""
    server.troubles += [
        Trouble(LOGIN_STEP, 18456, "Login failed.", severity=14),
        Trouble(LOGIN_STEP, 17142, "Paused.", severity=14),
        Trouble("SERVERPROPERTY", cut=True),
    ]
    with closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))

        def lanes() -> list[Told]:
            told = [failure_here("preflight") for _ in server.troubles]
            connect(deployment, server, port=closed.getsockname()[1])
            return [*told, failure_here("preflight")]

        told = of_a_process(lanes)
    numbers = [re.findall(r"error (\d+)\)", said) for _, said in told]
    assert numbers == [["18456"], ["20018"], ["20017"], ["20009"]]
    assert [again for again, _ in told] == [False, True, True, True]
    assert "firewall" in told[-1][1]


@pytest.mark.parametrize("extra", [{"timeoutt": 5}, {"encryption": "sometimes"}, {"tds_version": "9.9"}])
def test_a_key_of_the_extra_that_the_driver_does_not_take_is_named(
    deployment: Deployment, server: TdsServer, extra: dict[str, Any]
):
    connect(deployment, server, extra=extra)
    again, said = failure("preflight")
    assert not again
    assert f"does not accept {next(iter(extra))} as the connection's extra has it" in said


@pytest.mark.parametrize(("where", "rows"), [(RECORDS, 0), (RECORDS, 3), ("SET ARITHABORT", 0)])
def test_a_frozen_line_ends_by_a_limit_of_our_own(deployment: Deployment, server: TdsServer, where: str, rows: int):
    execute("preflight")
    deployment.settings["targets"][0]["campus_timeout_seconds"] = 1
    deployment.deploy()
    execute("preflight")
    server.troubles.append(Trouble(where, freeze=True, after_rows=rows))
    again, said = failure()
    assert again
    assert "no answer came in time" in said
    assert "campus_timeout_seconds" in said
    assert execute("extract")["extracted"] == 5


def test_airflows_execution_timeout_ends_a_read_that_waits(deployment: Deployment, server: TdsServer):
    """Airflow raises in the task by a signal, which pymssql itself would not let through."""

    execute("preflight")
    server.troubles.append(Trouble(RECORDS, freeze=True))
    with pytest.raises(AirflowTaskTimeout), timeout(1):
        execute("extract")


def test_old_versions_of_the_protocol_give_dates_as_text_which_are_read(deployment: Deployment, server: TdsServer):
    connect(deployment, server, extra={"tds_version": "7.2"})
    execute("preflight")
    assert execute("extract")["extracted"] == 5


PASSING_KINDS = (Kind.UNREACHABLE, Kind.INTERRUPTED, Kind.TIMEOUT)


def test_every_number_stands_for_an_error_that_passes_or_stays_as_the_table_says():
    for number, fault in FAULTS.items():
        error = driver_fault(RuntimeError(number, b"words") if isinstance(number, int) else state(number), "Campus")
        assert error.transient is fault.passes is (fault.kind in PASSING_KINDS), number
        assert fault.says in str(error)
        assert fault.advice.endswith((".", "…"))
    assert UNKNOWN.passes
    assert driver_fault(RuntimeError("229 20003 permission denied"), "Campus").transient


PASS = (
    *(20, 64, 121, 233, 997, 1204, 1205, 1222, 3960, 10053, 10054, 10060, 10928, 10929, 40197, 40501),
    40613,
    49918,
)
STAY = (207, 208, 229, 911, 916, 4060, 18452, 18456, 18486, 18488, 40532, 40615)
DRIVERS_PASS = (20003, 20004, 20006, 20009, 20017, 20047)


@pytest.mark.parametrize(
    ("numbers", "passes"), [(PASS, True), (STAY, False), (DRIVERS_PASS, True), ((0, 99999), True)]
)
def test_what_microsofts_own_clients_try_again_passes_and_what_a_person_has_to_mend_stays(
    numbers: tuple[int, ...], passes: bool
):
    for number in numbers:
        for error in (RuntimeError(number, b"words"), RuntimeError((number, b"words"))):
            assert driver_fault(error, "Campus").transient is passes, number


def state(number: str) -> Exception:
    """As pyodbc has it."""
    return errors.CampusError(number.ljust(5, "0"), "words")
