"""Independent Ed-Fi clients from the package index drive the sandbox, unmodified."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.ods import RunningOds, serve
from sandbox.ods.seed import DISTRICT, SCHOOL, builtin_seed
from tests.sandbox.environment import clients_bin
from tests.sandbox.target import WORLD, association

DRIVERS = Path(__file__).parent / "drivers"
NAME = "studentCTEProgramAssociations"
STUDENTS = [f"4{number:09d}" for number in range(520)]


@pytest.fixture(scope="session")
def clients() -> Path:
    return clients_bin()


def large_seed() -> dict[str, list[dict[str, Any]]]:
    """More than one page of 500 enrolled students, each with an association."""
    seed = builtin_seed()
    person = {"firstName": "A", "lastSurname": "B", "birthDate": "2008-01-01"}
    enrollment = {
        "entryDate": "2025-08-18",
        "schoolReference": {"schoolId": SCHOOL},
        "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Eleventh grade",
    }
    seed["students"] += [{**person, "studentUniqueId": number} for number in STUDENTS]
    references = [{"studentReference": {"studentUniqueId": number}} for number in STUDENTS]
    seed["studentSchoolAssociations"] += [{**enrollment, **student} for student in references]
    seed[NAME] = [association(**student) for student in references]
    return seed


@pytest.fixture(scope="module")
def running() -> Iterator[RunningOds]:
    with serve(large_seed()) as ods:
        yield ods


@pytest.fixture
def ods(running: RunningOds) -> RunningOds:
    running.control.reset()
    return running


def run(*command: object, folder: Path) -> str:
    """What a command printed; its complaint, if it failed."""
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_edfi_api_client(ods: RunningOds, clients: Path, tmp_path: Path) -> None:
    ods.control.add_client("sandbox", "sandbox", "Ed-Fi Sandbox", [DISTRICT])
    tour = DRIVERS / "edfi_api_client_tour.py"
    found = json.loads(run(clients / "python", tour, ods.base_url, "sandbox", "sandbox", folder=tmp_path))
    everyone = len(STUDENTS) + 3
    names = found.pop("resources")
    assert {"students", "programs", NAME} <= set(names)
    assert found.pop("by_id")
    assert found == {
        "version": "7.3",
        "data_model": "5.2.0",
        "ping": 200,
        "ping_descriptor": 200,
        "cursor": len(STUDENTS),
        "cursor_distinct": len(STUDENTS),
        "offset": everyone,
        "reverse": everyone,
        "total_count": everyone,
        "filtered": 1,
        "deleted": 204,
        "newest_change_version_rose": True,
        "deletes": [True],
        "key_changes": [],
        "organizations": [DISTRICT],
        "has_deletes": True,
        "posted": 201,
    }


def test_tha_edfi_runner(ods: RunningOds, clients: Path, tmp_path: Path) -> None:
    ods.control.clear()
    ods.control.seed(builtin_seed())
    student = {"studentUniqueId": WORLD.student_without_enrollment}
    documents = [json.dumps(association()), json.dumps(association(studentReference=student))]
    tour = DRIVERS / "tha_edfi_runner_tour.py"
    found = json.loads(run(clients / "python", tour, ods.base_url, ods.key, ods.secret, *documents, folder=tmp_path))
    message = found["refused"].pop()
    assert "StudentSchoolAssociation" in message
    assert found == {
        "dry_run": "dry_run",
        "created": [None, 201],
        "repeated": [None, 200],
        "refused": ["error", 403, True],
        "rows": 1,
        "one": [None, True],
        "deleted": [204, 404],
        "gone": 404,
    }


LIGHTBEAM = """
data_dir: {folder}/data
state_dir: {folder}/state
edfi_api:
  base_url: {base_url}
  version: 3
  mode: shared_instance
  client_id: {key}
  client_secret: {secret}
connection:
  pool_size: 8
  timeout: 60
  num_retries: 2
  backoff_factor: 1.5
  retry_statuses: [429, 500, 502, 503, 504]
  verify_ssl: False
force_delete: True
"""


class Lightbeam:
    """The lightbeam command with a folder of its own."""

    def __init__(self, program: Path, folder: Path, ods: RunningOds) -> None:
        self._program = program
        self._folder = folder
        self.data = folder / "data" / f"{NAME}.jsonl"
        self.data.parent.mkdir()
        settings = LIGHTBEAM.format(folder=folder, base_url=ods.base_url, key=ods.key, secret=ods.secret)
        (folder / "lightbeam.yaml").write_text(settings)

    def __call__(self, command: str, *arguments: str) -> str:
        return run(self._program, command, "-c", "lightbeam.yaml", "-s", NAME, *arguments, folder=self._folder)

    def processed(self, command: str) -> tuple[int, int]:
        """Runs a command: (records processed, records failed), by its own account."""
        self(command, "--results-file", "results.json")
        account = json.loads((self._folder / "results.json").read_text())
        return account["total_records_processed"], account["total_records_failed"]


def test_lightbeam(ods: RunningOds, clients: Path, tmp_path: Path) -> None:
    """validate, send, count, fetch and delete, for students who have an association and for one who may not."""
    for row in ods.control.documents(NAME):
        ods.control.delete(NAME, row["id"])
    lightbeam = Lightbeam(clients / "lightbeam", tmp_path, ods)
    sent = [association(studentReference={"studentUniqueId": number}) for number in STUDENTS[:40]]
    lightbeam.data.write_text("".join(json.dumps(document) + "\n" for document in sent))

    lightbeam("validate")
    assert lightbeam.processed("send") == (40, 0)
    assert ods.control.count("POST", NAME, 201) == 40
    assert f"40\t{NAME}" in lightbeam("count")
    lightbeam("delete", "--force")
    assert ods.control.count("DELETE", NAME, 204) == 40
    assert ods.control.documents(NAME) == []

    lightbeam.data.unlink()
    ods.control.put(NAME, sent[0])
    lightbeam("fetch")
    (fetched,) = [json.loads(line) for line in lightbeam.data.read_text().splitlines()]
    assert fetched["studentReference"]["studentUniqueId"] == STUDENTS[0]


def test_lightbeam_finds_an_unknown_descriptor(ods: RunningOds, clients: Path, tmp_path: Path) -> None:
    lightbeam = Lightbeam(clients / "lightbeam", tmp_path, ods)
    document = association()
    document["cteProgramServices"][0]["cteProgramServiceDescriptor"] += " (unknown)"
    lightbeam.data.write_text(json.dumps(document) + "\n")
    with pytest.raises(AssertionError, match="is not a valid descriptor value"):
        lightbeam("validate")
