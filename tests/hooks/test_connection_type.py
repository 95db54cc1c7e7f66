"""The connection type ``edfi`` as Airflow itself sees it: its hook, its form, its test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import airflow
import jsonschema
import pytest
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.cli import cli_parser
from airflow.models import Connection
from fastapi import HTTPException

from edfi_cte.hooks.edfi import EdFiHook
from edfi_cte.ods import ConfigurationError, EdFiConfig
from edfi_cte.provider import get_provider_info
from tests.ods.fake_api import KEY, SECRET, FakeApi
from tests.ods.faults import answers, problem

Connect = Callable[..., str]


def connections_test(conn_id: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of ``airflow connections test``."""
    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
    arguments = cli_parser.get_parser().parse_args(["connections", "test", conn_id])
    try:
        arguments.func(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_airflow_knows_the_hook(connect: Connect) -> None:
    hook = Connection.get_connection_from_secrets(connect()).get_hook()
    assert isinstance(hook, EdFiHook)
    assert hook.edfi_conn_id == "edfi_2026"


def test_the_metadata_is_what_airflow_asks_for() -> None:
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_the_form_names_explains_and_masks() -> None:
    (form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "edfi"]

    assert form.hook_name == "Ed-Fi"
    standard = form.standard_fields
    assert standard is not None
    assert standard.host is not None
    assert (standard.host.title, standard.host.placeholder) == ("Base URL", "https://ods.example.gov/api")
    assert standard.login is not None
    assert standard.password is not None
    assert (standard.login.title, standard.password.title) == ("Key", "Secret")
    assert standard.port is not None
    assert standard.url_schema is not None
    assert not standard.port.hidden, "the test button of Airflow 3.3.2 is refused where it is unset"
    assert "443" in (standard.port.placeholder or "")
    assert standard.url_schema.hidden
    assert form.extra_fields is not None
    for name, shown in form.extra_fields.items():
        assert shown["schema"]["title"], name
        assert shown["description"], name


def test_airflow_3_1_names_the_fields_of_its_form_alike() -> None:
    """It reads no metadata, and asks the hook."""
    [metadata] = get_provider_info()["connection-types"]
    behaviour = {name.replace("-", "_"): value for name, value in metadata["ui-field-behaviour"].items()}
    assert EdFiHook.get_ui_field_behaviour() == behaviour
    schema = json.loads((Path(airflow.__file__).parent / "customized_form_field_behaviours.schema.json").read_text())
    jsonschema.validate(behaviour, schema)


def test_the_forms_fields_and_defaults_are_the_configs() -> None:
    (kind,) = get_provider_info()["connection-types"]
    shown: dict[str, dict[str, Any]] = kind["conn-fields"]
    options = {option.name: option for option in fields(EdFiConfig)}

    assert set(EdFiConfig.option_names()) ^ set(shown) == {"token_wait", "max_retry_after", "max_answer_bytes"}
    for name, described in shown.items():
        default = described["schema"].get("default")
        assert default == options[name].default or default is None, name
    filled = {name: described["schema"].get("default") for name, described in shown.items()}
    config = EdFiConfig.from_options(
        base_url="https://ods.example.gov", client_id="k", client_secret="s", options=filled
    )
    assert config == EdFiConfig(base_url="https://ods.example.gov", client_id="k", client_secret="s")


def bounds() -> list[tuple[str, int, int]]:
    """Each bound of the form: option, the last value that it takes, the step beyond."""
    (kind,) = get_provider_info()["connection-types"]
    schemas = {name: described["schema"] for name, described in kind["conn-fields"].items()}
    steps = {"minimum": -1, "maximum": 1}
    return [
        (name, schema[at], step) for name, schema in schemas.items() for at, step in steps.items() if at in schema
    ]


@pytest.mark.parametrize(("name", "bound", "step"), bounds())
def test_the_form_takes_what_the_config_takes_and_no_more(name: str, bound: int, step: int) -> None:
    def config(value: int) -> EdFiConfig:
        return EdFiConfig.from_options(
            base_url="https://ods.example.gov", client_id="k", client_secret="s", options={name: value}
        )

    assert getattr(config(bound), name) == bound
    with pytest.raises(ConfigurationError, match=name if name != "school_year" else "ending year"):
        config(bound + step)


def test_the_forms_switches_show_what_is_so_by_default() -> None:
    (kind,) = get_provider_info()["connection-types"]
    schemas = {name: described["schema"] for name, described in kind["conn-fields"].items()}
    by_default = {name: schema["default"] for name, schema in schemas.items() if "default" in schema}
    options = {option.name: option.default for option in fields(EdFiConfig)}
    assert by_default == {name: options[name] for name in by_default}
    assert by_default.keys() >= {"verify_tls", "allow_http", "concurrency", "tries", "total_timeout"}


def test_the_test_button_says_what_was_reached(api: FakeApi, connect: Connect) -> None:
    ok, message = Connection.get_connection_from_secrets(connect()).test_connection()

    assert ok, message
    assert message == "Reached ODS/API 7.3, data standard 5.2.0. Education organizations of the key: 39141, 39142."


def test_the_command_line_tests_it(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connections_test(connect(), monkeypatch) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "notTheSecret"}, "Check the connection's key and secret"),
        ({"login": "nobody"}, "Check the connection's key and secret"),
        ({"password": ""}, "no key or no secret"),
        ({"host": ""}, "has no host"),
        ({"host": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"host": "http://ods.example.gov"}, "plain http"),
        ({"extra": {"page_sice": 3}}, "page_sice. Did you mean 'page_size'?"),
        ({"extra": {"tries": 1, "data_url": "x"}}, "data_url is not an http(s) address"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], changes: Any, said: str
) -> None:
    monkeypatch.setattr("edfi_cte.ods.retry._FIRST_WAIT", 0.001)

    assert connections_test(connect(**changes), monkeypatch) == 1

    shown = " ".join(capfd.readouterr().out.split())
    assert said in shown
    assert "Traceback" not in shown
    assert "notTheSecret" not in shown
    assert SECRET not in shown


def test_the_test_button_waits_for_nothing(api: FakeApi, connect: Connect) -> None:
    api.token_faults = [problem(429, "security:authentication:too-many-tokens"), answers(503)]
    for said in ("too_many_tokens", "unavailable"):
        ok, message = EdFiHook(connect()).test_connection()
        assert not ok
        assert said in message
    assert api.token_requests == 2


def test_a_tested_secret_is_tested_anew(api: FakeApi, connect: Connect) -> None:
    """A token that is still live must not hide that the secret was changed since."""
    with EdFiHook(connect()) as hook:
        hook.total_count("students")
        assert hook.test_connection()[0]
    assert api.token_requests == 2


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        ("edfi://k:s@ods.example.gov/api", "https://ods.example.gov/api"),
        ("edfi://k:s@ods.example.gov/v7.3/api?school_year=2026", "https://ods.example.gov/v7.3/api"),
        ("edfi://k:s@ods.example.gov:8443/api", "https://ods.example.gov:8443/api"),
        ("edfi://k:s@ods.example.gov", "https://ods.example.gov"),
        ("edfi://k:s@https%3A%2F%2Fods.example.gov%2Fapi", "https://ods.example.gov/api"),
        ("edfi://k:s@https%3A%2F%2Fods.example.gov/api", "https://ods.example.gov/api"),
        ("edfi://https://k:s@ods.example.gov/api", "https://ods.example.gov/api"),
        ("edfi://k:s@[fd00::7]:8443/api", "https://[fd00::7]:8443/api"),
        ("edfi://k:s@ods.example.gov/a%20b/api", "https://ods.example.gov/a%20b/api"),
    ],
)
def test_a_uris_path_after_the_host_is_kept(monkeypatch: pytest.MonkeyPatch, uri: str, base_url: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EDFI_URI", uri)
    assert EdFiHook("edfi_uri").config().base_url == base_url


def test_a_key_and_secret_with_odd_characters_in_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EDFI_URI", "edfi://k%40y:s%2Fe%3A%23+%25%C3%A4@ods.example.gov/api")
    config = EdFiHook("edfi_uri").config()
    assert (config.client_id, config.client_secret) == ("k@y", "s/e:#+%ä")


def test_blanks_around_a_pasted_key_and_secret_are_none_of_it(api: FakeApi, connect: Connect) -> None:
    assert EdFiHook(connect(login=f" {KEY}", password=f"{SECRET}\n", host=f" {api.base_url} ")).test_connection()[0]


@pytest.mark.parametrize("extra", ["school_year: 2026", "[1]", '"{}"'])
def test_an_extra_that_is_no_json_object_is_refused(connect: Connect, extra: str) -> None:
    """Airflow takes it for an empty one, and whatever it was to say is lost."""
    ok, message = EdFiHook(connect(extra=extra)).test_connection()
    assert not ok
    assert "extra is no JSON object" in message


@pytest.mark.parametrize("host", ["https://ods.example.gov/api", "https://ods.example.gov:443/api"])
def test_a_port_beside_the_base_url_is_the_same_address(connect: Connect, host: str) -> None:
    assert EdFiHook(connect(host=host, port=443)).config().base_url == "https://ods.example.gov/api"


def test_a_port_that_is_none_in_the_base_url_is_refused_whatever_stands_beside_it(connect: Connect) -> None:
    ok, message = EdFiHook(connect(host="https://ods.example.gov:https/api", port=443)).test_connection()
    assert not ok
    assert "base_url is not an address" in message


def test_two_ports_that_disagree_are_refused(connect: Connect) -> None:
    ok, message = EdFiHook(connect(host="https://ods.example.gov:8443/api", port=443)).test_connection()
    assert not ok
    assert "has port 443, and 8443 in its Base URL" in message


@pytest.mark.parametrize(("set_port", "answer"), [(True, 200), (False, 400)], ids=["port set", "port unset"])
def test_the_button_of_the_page_on_a_stored_connection(
    api: FakeApi, airflow_db: None, monkeypatch: pytest.MonkeyPatch, set_port: bool, answer: int
) -> None:
    """What the page of Airflow 3.3.2 sends: an unset port as 0, which Airflow takes for another endpoint than none.

    Airflow's fault; docs/troubleshooting has it, and the form asks for the port.
    """
    from airflow.api_fastapi.core_api.datamodels.connections import ConnectionBody
    from airflow.api_fastapi.core_api.routes.public import connections as routes
    from airflow.utils.session import create_session

    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
    host, port = api.base_url, int(api.base_url.rsplit(":")[-1].split("/")[0])
    stored = Connection("edfi_stored", conn_type="edfi", host=host, login=KEY, password=SECRET)
    stored.port = port if set_port else None
    with create_session() as session:
        session.query(Connection).filter_by(conn_id="edfi_stored").delete()
        session.add(stored)
    body = ConnectionBody(
        connection_id="edfi_stored",
        conn_type="edfi",
        host=host,
        login=KEY,
        password="***",
        port=port if set_port else 0,
        extra="{}",
    )
    allowed: Any = SimpleNamespace(is_authorized_connection=lambda **_: True)
    try:
        result = routes.test_connection(body, user=None, auth_manager=allowed)  # type: ignore[arg-type]
        assert result.status, result.message
        status = 200
    except HTTPException as refused:
        status = refused.status_code
    assert status == answer
