"""What the wheel holds and says of itself."""

from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging.environments import ROOT


@pytest.fixture
def files(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture
def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def test_it_holds_every_sql_template(files: set[str]) -> None:
    templates = {
        f"edfi_cte/sql/{path.relative_to(ROOT / 'include/sql')}" for path in (ROOT / "include/sql").rglob("*.sql")
    }

    assert templates
    assert templates <= files


def test_it_holds_what_is_not_python(files: set[str]) -> None:
    assert {"edfi_cte/.airflowignore", "edfi_cte/py.typed", "edfi_cte/ledger/migrations/script.py.mako"} <= files


def test_it_holds_nothing_but_the_package(files: set[str]) -> None:
    assert {name.split("/")[0].partition("-")[0] for name in files} == {"edfi_cte"}


def test_its_metadata(metadata: Message) -> None:
    assert metadata["Name"] == "edfi-cte"
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("Provides-Extra") == ["postgres"]
    # Airflow's page of providers links there; without, it makes up an address that can't exist.
    assert metadata.get_all("Project-URL") == ["Documentation, https://docs.ed-fi.org/"]
    assert "Framework :: Apache Airflow :: Provider" in metadata.get_all("Classifier", [])


def test_it_does_not_bring_what_only_the_repository_works_with(metadata: Message) -> None:
    required = " ".join(metadata.get_all("Requires-Dist", []))

    assert "apache-airflow<4,>=3.1" in required
    assert not any(name in required for name in ("pytest", "ruff", "duckdb", "hatchling"))


def test_its_entry_points_name_what_is_in_it(wheel: Path, files: set[str]) -> None:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in files if name.endswith(".dist-info/entry_points.txt"))
        lines = archive.read(name).decode().splitlines()
    targets = [line.split("=")[1].strip() for line in lines if "=" in line]

    assert len(targets) == 3
    for target in targets:
        module, _, attribute = target.partition(":")
        path = ROOT / "plugins" / module.replace(".", "/")
        source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
        assert f"def {attribute}(" in source or f"class {attribute}(" in source or f"import {attribute}\n" in source
