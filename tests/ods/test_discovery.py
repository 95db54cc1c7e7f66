"""From a base URL to the addresses in use: every form of route, proxies, and a root document that cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from edfi_cte.ods import ConfigurationError, EdFiConfig, EdFiError, MalformedAnswer, Unavailable
from edfi_cte.ods.capabilities import DMS, UNKNOWN, capabilities_of
from edfi_cte.ods.discovery import _common_root, api_info
from tests.ods.dialects import DIALECTS
from tests.ods.fake_api import FakeApi, with_client
from tests.ods.faults import answers

BASE = "https://ods.example.gov/api"


def config(base_url: str = BASE, **options: Any) -> EdFiConfig:
    return EdFiConfig(base_url=base_url, client_id="key", client_secret="secret", **options)


def document(root: str, data: str, oauth: str = "/oauth/token", version: str = "7.3", **more: Any) -> dict[str, Any]:
    prefix = oauth.removesuffix("/oauth/token")
    return {
        "version": version,
        "dataModels": [{"name": "Ed-Fi", "version": "5.2.0"}],
        "urls": {
            "dataManagementApi": root + data,
            "oauth": root + oauth,
            "openApiMetadata": f"{root}{prefix}/metadata/",
            "changeQueries": f"{root}{prefix}/changeQueries/v1/",
        },
        **more,
    }


V5_YEAR = {"version": "5.3", "apiMode": "Year Specific"}
V7_ROUTED = "/{tenantIdentifier}/{schoolYearFromRoute}"


@pytest.mark.parametrize(
    ("base_url", "found", "options", "data", "token"),
    [
        pytest.param(BASE, document(BASE, "/data/v3/"), {}, "/data/v3", "/oauth/token", id="shared instance"),
        pytest.param(
            BASE,
            document(BASE, "/data/v3/2021", **V5_YEAR),
            {"school_year": 2026},
            "/data/v3/2026",
            "/oauth/token",
            id="year-specific up to 6.2 shows the server's year",
        ),
        pytest.param(
            BASE,
            document(
                BASE,
                "/data/v3/{instance}/2021",
                "/{instance}/oauth/token",
                version="6.2",
                apiMode="Instance Year Specific",
            ),
            {"school_year": 2026, "instance": "d39141"},
            "/data/v3/d39141/2026",
            "/d39141/oauth/token",
            id="instance and year up to 6.2",
        ),
        pytest.param(
            BASE,
            document(BASE, V7_ROUTED + "/data/v3/", V7_ROUTED + "/oauth/token"),
            {"school_year": 2026, "tenant": "MO"},
            "/MO/2026/data/v3",
            "/MO/2026/oauth/token",
            id="tenant and year from 7.0 on show placeholders",
        ),
        pytest.param(
            BASE + "/MO/2026",
            document(BASE, "/MO/2026/data/v3/", "/MO/2026/oauth/token"),
            {"school_year": 2026, "tenant": "MO"},
            "/MO/2026/data/v3",
            "/MO/2026/oauth/token",
            id="asked at the tenant's own root",
        ),
        pytest.param(
            BASE,
            document(BASE, "/{districtId}/{schoolYear}/data", "/{districtId}/{schoolYear}/oauth/token"),
            {"school_year": 2026, "route": {"districtId": "39 141"}},
            "/39%20141/2026/data",
            "/39%20141/2026/oauth/token",
            id="qualifiers of the host's own",
        ),
        pytest.param(
            BASE,
            document("http://web-01.internal:8080", "/data/v3/"),
            {},
            "/data/v3",
            "/oauth/token",
            id="a proxy hides host and path",
        ),
        pytest.param(
            BASE,
            document("http://ods.example.gov/api", "/data/v3/"),
            {},
            "/data/v3",
            "/oauth/token",
            id="a proxy ends TLS",
        ),
        pytest.param(
            BASE,
            document("https://ods.example.gov/inner/ods", "/data/v3/2021", **V5_YEAR),
            {"school_year": 2026},
            "/data/v3/2026",
            "/oauth/token",
            id="a proxy rewrites the path",
        ),
        pytest.param(
            BASE, document("http://10.0.0.7/api/x", "/data/v3/"), {}, "/data/v3", "/oauth/token", id="a path within"
        ),
        pytest.param(
            BASE,
            document("http://10.0.0.7/x", V7_ROUTED + "/data/v3/", V7_ROUTED + "/oauth/token"),
            {"school_year": 2026, "tenant": "MO"},
            "/MO/2026/data/v3",
            "/MO/2026/oauth/token",
            id="a proxy before placeholders",
        ),
        pytest.param(
            BASE + "/MO/2026",
            document("http://10.0.0.7/x", "/MO/2026/data/v3/", "/MO/2026/oauth/token"),
            {},
            "/MO/2026/data/v3",
            "/MO/2026/oauth/token",
            id="a proxy before the tenant's own root",
        ),
        pytest.param(
            BASE,
            {"version": "7.3", "urls": {"dataManagementApi": "http://10.0.0.7/x/data/v3/"}},
            {},
            "/data/v3",
            "/oauth/token",
            id="no other address",
        ),
    ],
)
def test_addresses(base_url: str, found: dict[str, Any], options: dict[str, Any], data: str, token: str) -> None:
    info = api_info(found, config(base_url, **options))

    assert (info.data_url, info.token_url) == (BASE + data, BASE + token)
    assert info.token_info_url == BASE + token + "_info"


def test_the_connections_own_addresses_come_first() -> None:
    own = {"data_url": "https://a.example.gov/d", "token_url": "https://b.example.gov/t/token"}
    info = api_info(document(BASE, "/data/v3/"), config(**own))

    assert (info.data_url, info.token_url) == tuple(own.values())
    assert info.token_info_url == "https://b.example.gov/t/token_info"


def test_then_the_documents_own_placeholders_need_no_values() -> None:
    found = document(BASE, V7_ROUTED + "/data/v3/", V7_ROUTED + "/oauth/token")
    own = {"data_url": BASE + "/MO/2026/data/v3", "token_url": BASE + "/MO/2026/oauth/token"}
    info = api_info(found, config(**own))

    assert (info.data_url, info.token_url, info.change_queries_url) == (*own.values(), None)
    assert info.version == "7.3"


def test_year_of_the_change_queries_is_the_connections() -> None:
    found = document(BASE, "/data/v3/2021", **V5_YEAR)
    found["urls"]["changeQueries"] = BASE + "/changeQueries/v1/2021"

    info = api_info(found, config(school_year=2026))
    assert info.change_queries_url == BASE + "/changeQueries/v1/2026"


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        (document(BASE, "/data/v3/2021", **V5_YEAR), "school_year"),
        (document(BASE, V7_ROUTED + "/data/v3/"), "tenant"),
        (document(BASE, "/{schoolYearFromRoute}/data/v3/"), "school_year"),
        (document(BASE, "/data/v3/{instance}/2021", **V5_YEAR), "school_year"),
        (document(BASE, "/{instance}/data/v3"), "instance"),
        (document(BASE, "/{districtId}/data"), "districtId"),
    ],
)
def test_a_part_of_the_route_that_is_not_set_is_named(found: dict[str, Any], missing: str) -> None:
    with pytest.raises(ConfigurationError, match=missing) as caught:
        api_info(found, config())
    assert caught.value.systemic
    assert caught.value.advice


@pytest.mark.parametrize("found", [[], {}, {"urls": {}}, {"urls": []}, {"urls": {"dataManagementApi": None}}])
def test_a_root_document_of_something_else_is_named(found: Any) -> None:
    with pytest.raises(MalformedAnswer, match="root document"):
        api_info(found, config())


BLOCKED: list[Callable[[str], web.Response]] = [
    lambda _: web.Response(status=401),
    lambda _: web.Response(status=403, text="<html>blocked</html>"),
    lambda _: web.Response(status=404),
    lambda _: web.Response(text="<html>Welcome to the district's portal</html>", content_type="text/html"),
    lambda _: web.json_response({"status": "Healthy"}),
]


@pytest.mark.parametrize("root", BLOCKED)
def test_where_discovery_is_blocked_the_usual_addresses_are_taken_and_it_is_said(
    root: Callable[[str], web.Response], caplog: pytest.LogCaptureFixture
) -> None:
    with FakeApi(root=root) as api, caplog.at_level(logging.WARNING):
        info = with_client(api, lambda client: client.discover())
        assert with_client(api, lambda client: client.upsert("students", {})).created

    assert (info.data_url, info.token_url) == (api.base_url + "/data/v3", api.base_url + "/oauth/token")
    assert (info.version, info.capabilities) == ("", UNKNOWN)
    assert str(info) == "ODS/API of unknown version, data standard unknown"
    assert "assuming /data/v3 and /oauth/token" in caplog.text


def test_a_dms_is_known_by_its_data_url_though_discovery_is_blocked() -> None:
    """Or its empty 404 for an item would read as a wrong path, and a repeated DELETE would end the run."""
    with FakeApi(DIALECTS["dms"], root=BLOCKED[0]) as api:
        api.fail(answers(404))
        own = {"data_url": api.base_url + "/data", "token_url": api.base_url + "/oauth/token"}
        assert with_client(api, lambda client: client.delete("students", "a" * 32), **own) is False


@pytest.mark.parametrize(
    "option", [{"school_year": 2026}, {"tenant": "MO"}, {"instance": "x"}, {"route": {"a": "b"}}]
)
def test_no_years_address_is_ever_guessed(option: dict[str, Any]) -> None:
    with FakeApi(root=BLOCKED[0]) as api:
        with pytest.raises(ConfigurationError, match="cannot be read") as caught:
            with_client(api, lambda client: client.discover(), **option)
        assert "data_url" in caught.value.advice

        own = {"data_url": api.base_url + "/data/v3/2026", "token_url": api.base_url + "/oauth/token"}
        info = with_client(api, lambda client: client.discover(), **option, **own)
        assert info.data_url == own["data_url"]


def test_a_root_document_that_comes_broken_is_asked_for_again() -> None:
    broken = [web.Response(text='{"version": ', content_type="application/json")]

    def root(base: str) -> Any:
        return broken.pop() if broken else DIALECTS["7.3"].root(base)

    with FakeApi(root=root) as api:
        assert with_client(api, lambda client: client.discover()).version == "7.3"


def test_an_api_in_trouble_is_no_blocked_discovery() -> None:
    with FakeApi(root=lambda _: web.Response(status=503)) as api, pytest.raises(Unavailable):
        with_client(api, lambda client: client.discover())


@pytest.mark.parametrize("root", [lambda _: web.Response(status=500), lambda _: web.Response(status=405)])
def test_a_discovery_that_fails_is_every_requests_affair(root: Callable[[str], web.Response]) -> None:
    with FakeApi(root=root) as api, pytest.raises(EdFiError) as caught:
        with_client(api, lambda client: client.upsert("students", {}))
    assert caught.value.systemic


def test_discovers_once_for_all_callers() -> None:
    async def work(client: Any) -> None:
        import asyncio

        await asyncio.gather(*(client.upsert("students", {"studentUniqueId": str(n)}) for n in range(20)))

    with FakeApi() as api:
        with_client(api, work)
    assert sum(seen.path == "/" for seen in api.seen) == 1


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("5.0", "ODS/API 5"),
        ("5.3.1234", "ODS/API 5"),
        ("6.2", "ODS/API 6"),
        ("7.1", "ODS/API 7.0"),
        ("7.2", "ODS/API 7.2"),
        ("7.3", "ODS/API 7.3"),
        ("7.10", "ODS/API 7.3"),
        ("8.0", "ODS/API 7.3"),
        ("4.0", "unknown"),
        ("", "unknown"),
        ("next", "unknown"),
    ],
)
def test_a_versions_capabilities(version: str, name: str) -> None:
    assert capabilities_of(version, dms=False).name == name
    assert capabilities_of(version, dms=True) is DMS


def test_a_resource_that_is_no_name_is_refused_before_it_is_sent() -> None:
    with FakeApi() as api:
        for resource in ("", "students?x=1", "a/b/c", "../students", "students/1"):
            with pytest.raises(EdFiError, match="not the name of a resource"):
                with_client(api, lambda client, resource=resource: client.total_count(resource))
        for identity in ("", "a/b", "..", "x?y"):
            with pytest.raises(EdFiError, match="not an id"):
                with_client(api, lambda client, identity=identity: client.delete("students", identity))
        with pytest.raises(EdFiError, match="no value"):
            with_client(api, lambda client: client.find("students", {"studentUniqueId": None}))
    assert api.data_requests() == []


@pytest.mark.parametrize(
    ("version", "models", "data", "said"),
    [
        ("7.3", [{"name": "Ed-Fi", "version": "5.2.0"}], "/data/v3", "ODS/API 7.3, data standard 5.2.0"),
        ("", [], "/data/v3", "ODS/API of unknown version, data standard unknown"),
        (
            "0.7.2",
            [{"name": "Ed-Fi", "version": "5.2.0"}],
            "/data",
            "Data Management Service 0.7.2, data standard 5.2.0",
        ),
        ("7.3", None, "/data/v3", "ODS/API 7.3, data standard unknown"),
    ],
)
def test_an_api_is_told_by_its_product_version_and_data_standard(
    version: str, models: Any, data: str, said: str
) -> None:
    info = api_info(document(BASE, data, version=version, dataModels=models), config())
    assert (str(info), info.is_dms, info.extensions) == (said, data == "/data", {})


@pytest.mark.parametrize("name", ["oauthTokenIntrospection", "tokenInfo"])
def test_the_documents_own_address_tells_whose_token_it_is_unless_the_connection_names_the_tokens(name: str) -> None:
    found = document(BASE, "/data/v3/")
    found["urls"][name] = BASE + "/oauth/introspect/"
    assert api_info(found, config()).token_info_url == BASE + "/oauth/introspect"
    own = config(token_url="https://b.example.gov/t/token")
    assert api_info(found, own).token_info_url == "https://b.example.gov/t/token_info"


@pytest.mark.parametrize(
    ("path", "need", "advice"),
    [
        ("/{districtId}/data", "route, a value for 'districtId',", "Set route."),
        ("/{tenantId}/data", "tenant", "Set tenant."),
        ("/{schoolYear}/data", "school_year", "Set school_year."),
        ("/{instanceId}/data", "instance", "Set instance."),
    ],
)
def test_a_part_that_is_not_set_is_named_with_its_option(path: str, need: str, advice: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        api_info(document(BASE, path), config())
    assert caught.value.message == f"This API's addresses need the connection's {need} and it is not set."
    assert caught.value.advice == advice


@pytest.mark.parametrize("own", ["data_url", "token_url"])
def test_one_of_two_addresses_is_no_way_around_a_blocked_discovery(own: str) -> None:
    with FakeApi(root=BLOCKED[0]) as api:
        given = {own: api.base_url + "/x"}
        with pytest.raises(ConfigurationError, match=r"cannot be read \(authentication\)"):
            with_client(api, lambda client: client.discover(), tenant="MO", **given)
        info = with_client(api, lambda client: client.discover(), **given)
        assert {own: getattr(info, own)} == given
        other = {"data_url": info.token_url, "token_url": info.data_url}[own]
        assert other == api.base_url + {"data_url": "/oauth/token", "token_url": "/data/v3"}[own]
    assert (info.token_info_url, info.change_queries_url, info.data_standard) == (
        api.base_url + ("/token_info" if own == "token_url" else "/oauth/token_info"),
        None,
        "",
    )


@pytest.mark.parametrize(("year", "shown"), [(None, "2021"), (2026, "2026")])
def test_a_year_that_an_address_ends_with_is_the_connections_where_it_has_one(year: int | None, shown: str) -> None:
    found = document(BASE, "/data/v3/")
    found["urls"]["changeQueries"] = BASE + "/changeQueries/v1/2021"
    info = api_info(found, config(school_year=year))
    assert info.change_queries_url == f"{BASE}/changeQueries/v1/{shown}"
    assert (info.data_url, info.token_url) == (BASE + "/data/v3", BASE + "/oauth/token")


@pytest.mark.parametrize(
    ("paths", "root"),
    [
        (["/data/v3", "/oauth/token"], ""),
        (["/x/data/v3", "/x/oauth/token"], "/x"),
        (["/x/y/data/v3", "/x/y/oauth/token", "/x/metadata"], "/x"),
        (["/x/{tenant}/data", "/x/{tenant}/oauth/token"], "/x"),
        (["/x/y/", "/x/y/z"], "/x/y"),
        (["/x", "/x/y"], ""),
    ],
)
def test_where_a_server_believes_its_root_is(paths: list[str], root: str) -> None:
    assert _common_root(paths) == root
