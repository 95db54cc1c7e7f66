"""The first line of a log says what is wrong, however long a path, a host or an address is: those come after it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edfi_cte.ledger.database import LedgerError, open_ledger
from edfi_cte.lines import WIDTH, in_lines
from edfi_cte.ods import tls
from edfi_cte.settings import SettingsError, load_dag_settings
from tests.test_settings import GOOD, mistake

FOLDERS = (
    "srv/airflow/versioned-bundles/data-engineering-of-the-district/3f2c9d1e0b7a4f55a8d1c2b3e4f5a6b7c8d9e0f1/include"
)
HOST = "ods-api-production-of-the-department-of-elementary-and-secondary-education.internal.example"
BEFORE = "039141-2026: settings: "
"""What a run's preflight writes before a finding."""


def first_line(message: object) -> str:
    return next(in_lines(BEFORE + str(message)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("scope_year: 2026", "scope_yaer: 2026", ["targets[0].scope_yaer", "no such setting"]),
        ("send_end_date: true", "send_enddate: true", ["preferences.last_year.send_enddate", "no such setting"]),
        ("    edfi_conn_id: edfi_2026\n", "", ["targets[0].edfi_conn_id: is missing"]),
        ("version: 1", "version: [", ["not valid YAML"]),
        ("version: 1", "version: 1\nversion: 1", ["'version' is written twice"]),
        ("    scope_year: 2026", "\tscope_year: 2026", ["indented with a tab; indent with spaces"]),
        (GOOD, "", ["the file is empty"]),
    ],
)
def test_of_a_mistake_in_the_settings(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    folder = tmp_path / FOLDERS
    folder.mkdir(parents=True)
    message = mistake(folder, GOOD.replace(old, new, 1))
    line = first_line(message)
    assert all(part in line for part in ["edfi_cte.yaml", *said]), line
    assert str(folder / "edfi_cte.yaml") in message


def test_of_settings_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / FOLDERS / "edfi_cte.yaml"
    with pytest.raises(SettingsError) as error:
        load_dag_settings(path)
    assert "the settings file cannot be read: No such file" in first_line(error.value)
    assert str(path) in str(error.value)


def test_of_a_ledger_that_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / FOLDERS / "ledger.sqlite"
    with pytest.raises(LedgerError) as error:
        open_ledger(f"sqlite:///{path}")
    assert "the ledger can't be opened: " in first_line(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("code", [tls._EXPIRED, tls._NOT_YET_VALID, *tls._WRONG_NAMES, *tls._UNKNOWN_AUTHORITY, 0])
def test_of_a_certificate_that_is_not_accepted(code: int) -> None:
    refused: Any = SimpleNamespace(verify_code=code)
    message = str(tls.not_accepted(refused, "GET ed-fi/studentCTEProgramAssociations", HOST))
    assert any(
        said in first_line(message) for said in ("expired", "not valid yet", "another name", "authority", "not acc")
    )
    assert HOST in message


def test_each_sentence_has_lines_of_its_own_and_none_is_longer_than_shows() -> None:
    long = "word " * 30 + "well-known."
    said = list(in_lines(f"One, e.g. this. Two! three? Four\n\n{long}"))
    assert said[:4] == ["One, e.g. this.", "Two! three?", "Four", ""]
    assert said[4:] == [("word " * 21).strip(), "  " + "word " * 9 + "well-known."]
    assert list(in_lines("x" * WIDTH)) == ["x" * WIDTH]
    assert list(in_lines("x" * (WIDTH + 1))) == ["x" * WIDTH, "  x"]
    assert list(in_lines(f"{'x' * (WIDTH - 5)} well-known")) == ["x" * (WIDTH - 5), "  well-known"]
