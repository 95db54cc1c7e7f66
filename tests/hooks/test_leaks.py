"""A run that fails in Airflow leaves no secret, no token and no student's data behind: not in its output, not in
its logs, not in Airflow's database, where XCom is. At DEBUG, under ``airflow dags test``, which masks nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.ods.fake_api import SECRET, FakeApi
from tests.ods.faults import answers

STUDENT, SURNAME = "ZQ604822", "Featherstonehaugh"
ECHO = f"The value '{SURNAME}' of student {STUDENT} is not valid."
IN_A_NEW_DATABASE = """
from airflow.utils.db import initdb
initdb()
import sys
from airflow.__main__ import main
sys.argv = ["airflow", "dags", "test", "fails_in_every_way"]
main()
"""


def test_a_failing_run_in_airflow_leaves_nothing_private(
    api: FakeApi, connect: Callable[..., str], tmp_path: Path
) -> None:
    connect({"tries": 2})
    api.faults = [answers(400, {"detail": ECHO, "type": "urn:ed-fi:api:bad-request", "errors": [ECHO]})] * 1000
    for folder in ("airflow", "out"):
        (tmp_path / folder).mkdir()
    students = tmp_path / "students.jsonl"
    students.write_text(json.dumps({"studentUniqueId": STUDENT, "lastSurname": SURNAME}) + "\n")
    # A home of its own: other tests of this process store the secret in their Airflow's database on purpose.
    home, logs = tmp_path / "airflow", tmp_path / "logs"

    run = subprocess.run(
        [sys.executable, "-c", IN_A_NEW_DATABASE],
        env=os.environ
        | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "leaking_dags"),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(logs),
            "STUDENTS_FILE": str(students),
            "OUT_FILE": str(tmp_path / "out" / "students.jsonl"),
        },
        capture_output=True,
        check=False,
        timeout=120,
    )

    # At DEBUG, Airflow itself writes each secret that its in-process supervisor is asked to mask.
    lines = (run.stdout + run.stderr).splitlines(keepends=True)
    written = {"output": b"".join(line for line in lines if b"msg=MaskSecret(" not in line)}
    for path in [*home.rglob("*"), *logs.rglob("*"), *(tmp_path / "out").rglob("*")]:
        if path.is_file():
            written[path.name] = path.read_bytes()
    assert run.returncode == 1
    assert b"1 of 1 documents for students were refused: 1 validation" in written["output"]
    stored = b"".join(text for name, text in written.items() if name.startswith("airflow.db"))
    assert b"Education organizations of the key: 39141" in stored, "XCom is in what was searched"
    for private in (SECRET, STUDENT, SURNAME, *api.tokens):
        assert [name for name, text in written.items() if private.encode() in text] == []
