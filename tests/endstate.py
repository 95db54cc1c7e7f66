"""The sample district as a deployment's source, and what its ODS must hold in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sandbox import demo, oracle
from sandbox.campus import DISTRICT_NUMBER
from sandbox.ods import RunningOds


def settings_file(*scope_years: int, **dag: Any) -> str:
    """Settings for scope years, each with the connection ``edfi_<year>``; nothing scheduled, nothing retried.

    ``dag`` are further settings of that name.
    """
    targets = [
        {
            "district_number": DISTRICT_NUMBER,
            "scope_year": year,
            "campus_conn_id": "campus",
            "edfi_conn_id": f"edfi_{year}",
        }
        for year in scope_years
    ]
    return yaml.safe_dump({"version": 1, "dag": {"schedule": None, "retries": 0} | dag, "targets": targets})


def edfi_connection(ods: RunningOds) -> dict[str, str]:
    """The parts of an Airflow connection to a sandbox ODS."""
    return {"conn_type": "edfi", "host": ods.base_url, "login": ods.key, "password": ods.secret}


def disagreements(campus: Path, scope_year: int, ods: RunningOds) -> list[str]:
    """The keys of a scope year whose documents are not what an independent oracle derives from Campus."""
    preferences = {"district_number": DISTRICT_NUMBER, "student_id": "stateID", "preferences": {}}
    wanted = {key: demo.bare(one) for key, one in oracle.expected(campus, scope_year, preferences).items()}
    found = {oracle.key_of(one): demo.bare(one) for one in ods.control.documents("studentCTEProgramAssociations")}
    assert wanted
    return sorted(str(key) for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
