"""docker-compose.yaml and what it starts, as far as they can be checked without a Docker engine."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from cryptography.fernet import Fernet

from docker.make_env import filled
from edfi_cte.hooks.edfi import EdFiHook
from edfi_cte.settings import load_settings
from tests.packaging.environments import ROOT
from tests.postgres import programs

FILE = ROOT / "docker-compose.yaml"
OURS = "edfi-cte:local"
ONE_SHOT = {"airflow-init", "campus-load", "ed-fi-fill", "sample"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services, anchors and merges resolved."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
    return found


@pytest.fixture(scope="module")
def values() -> dict[str, str]:
    """A .env as `make up` writes it."""
    lines = filled((ROOT / ".env.example").read_text()).splitlines()
    return dict(line.split("=", maxsplit=1) for line in lines if line and not line.startswith("#"))


def test_it_follows_the_current_compose_schema() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]

    done = subprocess.run(check, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_every_variable_has_its_place_in_the_example_environment(values: dict[str, str]) -> None:
    named = set(re.findall(r"(?<!\$)\$\{(\w+)\}", FILE.read_text()))

    assert named == set(values) - {"COMPOSE_PROFILES"}


def test_no_secret_is_written_down(services: dict[str, dict[str, Any]]) -> None:
    written = [
        f"{service}.{name}"
        for service, definition in services.items()
        for name, value in definition.get("environment", {}).items()
        if re.search(r"PASSWORD|SECRET|_KEY$|FERNET", name) and "${" not in value and not name.endswith("_FILE")
    ]

    assert written == []


def test_the_example_environment_holds_no_secret() -> None:
    secrets = re.findall(r"^(\w*(?:PASSWORD|SECRET|KEY))=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert len(secrets) > 10
    assert [name for name, value in secrets if value] == []


def test_every_image_is_pinned(services: dict[str, dict[str, Any]]) -> None:
    images = {definition["image"] for definition in services.values()} - {OURS}
    images |= set(re.findall(r"^FROM (\S+)", (ROOT / "docker/Dockerfile").read_text(), re.MULTILINE))

    assert len(images) == 7
    assert [image for image in images if not re.search(r":\d+(\.\d+){1,2}|:\d+-CU\d+", image)] == []


def test_one_service_builds_the_image_that_many_use(services: dict[str, dict[str, Any]]) -> None:
    """Compose builds side by side, and a second build of the same name can fail: "image … already exists"."""
    assert [name for name, one in services.items() if "build" in one] == ["sample"]


def test_nothing_runs_as_root(services: dict[str, dict[str, Any]]) -> None:
    assert (ROOT / "docker/Dockerfile").read_text().splitlines()[-1] == "USER airflow"
    assert [
        name for name, one in services.items() if one["image"] != OURS and one.get("user", "root") == "root"
    ] == []


def test_every_lasting_service_has_a_health_check_and_comes_back(services: dict[str, dict[str, Any]]) -> None:
    lasting = {name: one for name, one in services.items() if name not in ONE_SHOT}

    assert [name for name, one in lasting.items() if "healthcheck" not in one] == []
    assert {one.get("restart") for one in lasting.values()} == {"unless-stopped"}


def test_ports_are_open_to_this_machine_alone(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for one in services.values() for port in one.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_both_ed_fi_apis_answer_under_one_name(services: dict[str, dict[str, Any]]) -> None:
    answering = {
        name: one["profiles"]
        for name, one in services.items()
        if "ods" in str(one.get("networks", {}).get("default"))
    }

    assert answering == {"sandbox-ods": ["sandbox"], "ed-fi-api": ["ed-fi"]}


def test_the_connections_are_complete(
    services: dict[str, dict[str, Any]], values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = services["airflow-worker"]["environment"]
    connections = {
        name: re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], text)
        for name, text in environment.items()
        if name.startswith("AIRFLOW_CONN_")
    }
    for name, text in connections.items():
        assert json.loads(text)["password"], name
        monkeypatch.setenv(name, text)

    config = EdFiHook("edfi_2026").config()

    assert config.base_url == "http://ods:8080"
    assert config.client_secret == values["EDFI_SECRET"]


def test_its_settings_name_those_connections(services: dict[str, dict[str, Any]]) -> None:
    settings = load_settings(ROOT / "docker/edfi_cte.yaml")

    wanted = {settings.ledger_conn_id} | {
        conn_id for target in settings.targets for conn_id in (target.campus_conn_id, target.edfi_conn_id)
    }
    environment = services["airflow-worker"]["environment"]
    assert {f"AIRFLOW_CONN_{conn_id.upper()}" for conn_id in wanted} <= set(environment)


def test_the_secrets_fit_what_reads_them(values: dict[str, str]) -> None:
    Fernet(values["AIRFLOW_FERNET_KEY"])
    for name in ("MSSQL_SA_PASSWORD", "CAMPUS_PASSWORD"):  # SQL Server's policy: three of four kinds of character
        assert all(re.search(kind, values[name]) for kind in ("[A-Z]", "[a-z]", "[0-9]"))
    assert len({value for name, value in values.items() if name.endswith(("PASSWORD", "SECRET", "KEY"))}) > 10


def test_the_database_s_first_start_makes_a_ledger(postgres_url: str) -> None:
    url = sa.make_url(postgres_url)
    environment = os.environ | {
        "PATH": f"{programs()}:{os.environ['PATH']}",
        "PGHOST": str(url.host),
        "PGPORT": str(url.port),
        "POSTGRES_USER": str(url.username),
        "LEDGER_PASSWORD": "it's a secret",
    }

    done = subprocess.run([ROOT / "docker/postgres-init.sh"], env=environment, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    with sa.create_engine(url.set(database="edfi_cte", username="edfi_cte")).begin() as ledger:
        ledger.execute(sa.text("CREATE TABLE a_ledger_s_own (id int)"))


@pytest.mark.parametrize(
    "script", ["docker/postgres-init.sh", "docker/sqlserver/load.sh", "docker/ed-fi/bootstrap.sh"]
)
def test_its_scripts_parse_and_can_run(script: str) -> None:
    shell = (ROOT / script).read_text().splitlines()[0].removeprefix("#!")

    assert os.access(ROOT / script, os.X_OK)
    assert subprocess.run([shell, "-n", ROOT / script], check=False).returncode == 0


@pytest.mark.parametrize("profile", ["sandbox", "ed-fi"])
def test_docker_compose_itself_reads_it(profile: str, values: dict[str, str], tmp_path: Path) -> None:
    compose = ["docker", "compose"] if _has_compose_plugin() else ["docker-compose"]
    if not shutil.which(compose[0]):
        pytest.skip("no Docker Compose on this machine")
    settings = tmp_path / "env"
    settings.write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    done = subprocess.run(
        [*compose, "--file", FILE, "--env-file", settings, "config", "--quiet"],
        env=os.environ | {"COMPOSE_PROFILES": profile},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def _has_compose_plugin() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "compose", "version"], capture_output=True).returncode == 0
