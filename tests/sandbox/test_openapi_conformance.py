"""schemathesis runs the served OpenAPI documents against the server: no server error, no answer outside the contract.

Left out on purpose are its checks that data against the schema is refused and data by the schema accepted: an ODS
ignores unknown properties and reads numbers out of strings, and it refuses references to items that don't exist.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.ods import serve
from tests.sandbox.environment import clients_bin
from tests.sandbox.target import Target, association

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
)


@dataclass(frozen=True)
class Run:
    """What schemathesis looks at, and how closely; the seed makes every run the same."""

    dialect: str
    section: str
    paths: str
    phases: str
    examples: int


RUNS = [
    Run("7.3", "Resources", "studentCTEProgramAssociations", "coverage,fuzzing", 5),
    Run("7.3", "Resources", "/ed-fi/", "fuzzing,stateful", 2),
    Run("7.3", "Descriptors", "/ed-fi/cteProgramServiceDescriptors", "fuzzing", 3),
    Run("5.3", "Resources", "studentCTEProgramAssociations|students", "fuzzing", 3),
    Run("dms", "Resources", "studentCTEProgramAssociations|students", "fuzzing", 3),
]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.dialect}-{run.section}-{run.phases}")
def test_the_server_keeps_to_its_openapi_document(run: Run, tmp_path: Path) -> None:
    with serve(api=run.dialect, claim_set="Ed-Fi Sandbox") as ods:
        ods.control.put("studentCTEProgramAssociations", association())
        target = Target(ods.base_url, ods.key, ods.secret, run.dialect, ods.control)
        listed = target.http.get(target.urls["openApiMetadata"]).json()
        (location,) = (row["endpointUri"] for row in listed if row["name"] == run.section)
        command = [
            str(clients_bin() / "schemathesis"),
            *("run", location, "--header", f"Authorization: Bearer {target.token()}"),
            *("--checks", ",".join(CHECKS), "--phases", run.phases, "--max-examples", str(run.examples)),
            *("--include-path-regex", run.paths, "--seed", "1", "--no-shrink", "--generation-database", "none"),
            *("--warnings", "off", "--continue-on-failure"),
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
        assert ods.control.count() > 20
        assert ods.control.count(status=500) == 0
