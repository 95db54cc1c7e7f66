"""What a connection may say, and how it is told what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from edfi_cte.ods import ConfigurationError, EdFiConfig
from edfi_cte.ods.config import is_loopback


def config(base_url: str = "https://ods.example.gov/api/", **options: Any) -> EdFiConfig:
    return EdFiConfig.from_options(base_url=base_url, client_id="key", client_secret="theSecret", options=options)


def test_options_come_as_a_form_or_a_text_has_them() -> None:
    read = config(
        school_year="2026",
        tenant="MO",
        instance=7,
        route={"districtId": 39141},
        verify_tls="false",
        allow_http=None,
        page_size=100.0,
        concurrency="4",
        read_timeout="2.5",
        data_url="",
    )

    assert read.base_url == "https://ods.example.gov/api"
    assert (read.school_year, read.tenant, read.instance, read.route) == (2026, "MO", "7", {"districtId": "39141"})
    assert (read.verify_tls, read.allow_http, read.page_size, read.concurrency) == (False, False, 100, 4)
    assert (read.read_timeout, read.total_timeout, read.data_url) == (2.5, 120.0, None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"page_sice": 3}, "page_sice"),
        ({"school_year": "25-26"}, "school_year is not a whole number"),
        ({"school_year": 1899}, "ending year"),
        ({"school_year": True}, "school_year"),
        ({"page_size": 1}, "page_size must be at least 2"),
        ({"page_size": 2.5}, "page_size is not a whole number"),
        ({"concurrency": 0}, "concurrency must be from 1 to 200"),
        ({"tries": 0}, "tries must be from 1 to 20"),
        ({"tries": 10**400}, "tries is not a whole number"),
        ({"tries": "1e400"}, "tries is not a whole number"),
        ({"read_timeout": 10**400}, "read_timeout is not a number of seconds"),
        ({"read_timeout": True}, "read_timeout is not a number of seconds"),
        ({"read_timeout": "soon"}, "read_timeout is not a number"),
        ({"read_timeout": 0}, "read_timeout must be more than 0"),
        ({"verify_tls": "maybe"}, "verify_tls is not true or false"),
        ({"route": "x"}, "route"),
        ({"tenant": ["x"]}, "tenant is not a text"),
        ({"data_url": "data/v3"}, "data_url is not an http"),
        ({"token_url": "http://elsewhere.example.gov/oauth/token"}, "token_url is plain http"),
    ],
)
def test_a_mistaken_option_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        config(**options)
    assert caught.value.systemic
    assert caught.value.advice


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("ods.example.gov", "not an http"),
        ("ftp://ods.example.gov", "not an http"),
        ("https://", "not an http"),
        ("https://ods.example.gov/api?x=1", "not an http"),
        ("https://ods.example.gov/{tenant}", "not an http"),
        ("https://ods.example.gov:port/api", "not an address"),
        ("https://key:pass@ods.example.gov/api", "holds a user name"),
        ("http://ods.example.gov/api", "plain http"),
    ],
)
def test_a_mistaken_address_is_named_and_not_repeated(base_url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        config(base_url)
    assert "pass@" not in str(caught.value)
    if "an address" in said or "an http" in said:
        assert caught.value.advice == "Write the host like https://ods.example.gov/api."


@pytest.mark.parametrize("name", ["data_url", "token_url"])
def test_another_mistaken_address_is_named_in_the_advice(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        config(**{name: "x"})
    assert caught.value.advice == f"Write {name} like https://ods.example.gov/api."


@pytest.mark.parametrize(
    "base_url",
    ["https://ODS.Example.Gov/api", "https://ods.example.gov:443/api/", " https://ods.example.gov/api"],
)
def test_one_address_is_written_in_one_way(base_url: str) -> None:
    """A redirect within the host, or an endpoint below the data, must not look like another's."""
    assert config(base_url).base_url == "https://ods.example.gov/api"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "ods.localhost"])
def test_plain_http_is_allowed_on_this_machine(host: str) -> None:
    assert config(f"http://{host}:8080").base_url == f"http://{host}:8080"


@pytest.mark.parametrize("host", ["127.0.0.1.example.gov", "localhost.example.gov", "10.0.0.1", None, ""])
def test_no_other_machine_passes_for_this_one(host: str | None) -> None:
    assert not is_loopback(host)


def test_plain_http_is_allowed_where_the_connection_says_so() -> None:
    assert config("http://ods.example.gov", allow_http=True).base_url == "http://ods.example.gov"


@pytest.mark.parametrize(("key", "secret"), [("", "s"), ("k", "")])
def test_a_key_and_a_secret_are_needed(key: str, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="no key or no secret"):
        EdFiConfig(base_url="https://ods.example.gov", client_id=key, client_secret=secret)


def test_shows_no_secret() -> None:
    assert "theSecret" not in repr(config())


def test_pages_of_two_are_the_smallest() -> None:
    options = {"base_url": "https://ods.example", "client_id": "k", "client_secret": "s"}
    assert EdFiConfig(**options, page_size=2).page_size == 2


def test_what_the_connection_does_not_say_is_as_safe_and_as_patient_as_this() -> None:
    assert {name: getattr(config(), name) for name in EdFiConfig.option_names()} == {
        **dict.fromkeys(("school_year", "tenant", "instance", "data_url", "token_url", "page_size")),
        **dict.fromkeys(("ca_bundle", "client_cert", "client_key", "proxy")),
        "route": {},
        "verify_tls": True,
        "allow_http": False,
        "concurrency": 16,
        "tries": 6,
        "connect_timeout": 10.0,
        "read_timeout": 60.0,
        "total_timeout": 120.0,
        "token_wait": 1900.0,
        "max_retry_after": 300.0,
        "max_answer_bytes": 64 * 1024 * 1024,
    }


@pytest.mark.parametrize(("concurrency", "underway"), [(1, 1), (2, 3), (7, 10), (16, 24)])
def test_half_as_many_again_as_are_in_flight_may_be_underway(concurrency: int, underway: int) -> None:
    assert config(concurrency=concurrency).underway == underway


def test_a_clients_key_needs_its_certificate_beside_it() -> None:
    with pytest.raises(ConfigurationError, match="client_key needs a client_cert"):
        config(client_key="/k.pem")
    assert config(client_key="/k.pem", client_cert="/c.pem").client_key == "/k.pem"
    assert config(client_cert="/c.pem").client_key is None


@pytest.mark.parametrize("proxy", ["none", "http://proxy.example.gov:3128", "https://u:p@proxy.example.gov"])
def test_a_proxy_is_an_address_or_none(proxy: str) -> None:
    assert config(proxy=proxy).proxy == proxy
    assert "proxy" not in repr(config(proxy=proxy)), "it may hold a password"


@pytest.mark.parametrize(
    "proxy", ["NONE", "proxy.example.gov:3128", "ftp://proxy.example.gov", "http://", "http://p:0", "http://p:x"]
)
def test_what_is_no_proxys_address_is_refused(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy must be an address such as http"):
        config(proxy=proxy)


SECONDS = ("connect_timeout", "read_timeout", "total_timeout", "token_wait", "max_retry_after")
"""Nothing is waited for without end."""


@pytest.mark.parametrize(
    ("name", "first", "before"),
    [
        ("concurrency", 1, 0),
        ("concurrency", 200, 201),
        ("tries", 1, 0),
        ("tries", 20, 21),
        ("max_answer_bytes", 1, 0),
        *((name, 0.1, 0) for name in ("connect_timeout", "read_timeout", "total_timeout")),
        *((name, 0, -0.1) for name in ("token_wait", "max_retry_after")),
        *((name, 86_400, beyond) for name in SECONDS for beyond in (86_401, float("inf"), float("nan"))),
        ("page_size", 2, 1),
        ("school_year", 1990, 1989),
        ("school_year", 2100, 2101),
    ],
)
def test_a_number_is_taken_up_to_its_border(name: str, first: float, before: float) -> None:
    taken: dict[str, Any] = {name: first}
    refused: dict[str, Any] = {name: before}
    assert getattr(config(**taken), name) == first
    with pytest.raises(ConfigurationError, match=f"connection's {name} must be") as caught:
        config(**refused)
    assert caught.value.advice == f"Correct {name}."


@pytest.mark.parametrize("name", ["base_url", "data_url", "token_url"])
def test_an_address_has_an_end(name: str) -> None:
    host = "https://ods.example.gov/"
    given: dict[str, Any] = {"base_url": host, "client_id": "key", "client_secret": "secret"}
    longest = host + "a" * (500 - len(host))
    assert getattr(EdFiConfig(**given | {name: longest}), name) == longest
    with pytest.raises(ConfigurationError, match=f"connection's {name} must have at most 500 characters"):
        EdFiConfig(**given | {name: longest + "a"})
