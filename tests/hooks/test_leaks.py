"""A run that fails in Airflow leaves no secret, no token and no student's data behind: not in its output, not in
its logs, not in Airflow's database, where XCom is. At DEBUG, under ``airflow dags test``, which masks nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.deployment import run_in_a_home_of_its_own
from tests.ods.fake_api import SECRET, FakeApi
from tests.ods.faults import answers

STUDENT, SURNAME = "ZQ604822", "Featherstonehaugh"
ECHO = f"The value '{SURNAME}' of student {STUDENT} is not valid."


def test_a_failing_run_in_airflow_leaves_nothing_private(
    api: FakeApi, connect: Callable[..., str], tmp_path: Path
) -> None:
    connect({"tries": 2})
    api.faults = [answers(400, {"detail": ECHO, "type": "urn:ed-fi:api:bad-request", "errors": [ECHO]})] * 1000
    (tmp_path / "out").mkdir()
    students = tmp_path / "students.jsonl"
    students.write_text(json.dumps({"studentUniqueId": STUDENT, "lastSurname": SURNAME}) + "\n")

    code, written = run_in_a_home_of_its_own(
        tmp_path,
        "fails_in_every_way",
        AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parent / "leaking_dags"),
        STUDENTS_FILE=str(students),
        OUT_FILE=str(tmp_path / "out" / "students.jsonl"),
    )

    written |= {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert code == 1
    assert b"1 of 1 documents for students were refused: 1 validation" in written["output"]
    stored = b"".join(text for name, text in written.items() if name.startswith("airflow.db"))
    assert b"Education organizations of the key: 39141" in stored, "XCom is in what was searched"
    for private in (SECRET, STUDENT, SURNAME, *api.tokens):
        assert [name for name, text in written.items() if private.encode() in text] == []
