"""What is asked for, and how: addresses, queries and headers as they go out, and what is no name of anything."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from yarl import URL

from edfi_cte.ods.addresses import collection_address, free_request, item_address, match_header, query_text
from edfi_cte.ods.errors import BadParameter

DATA = "https://h.example.gov/api/data/v3"


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("students", "ed-fi/students"),
        ("tpdm/candidates", "tpdm/candidates"),
        ("ed-fi/x_y", "ed-fi/x_y"),
        ("a1", "ed-fi/a1"),
    ],
)
def test_a_resource_without_a_namespace_is_ed_fis(resource: str, path: str) -> None:
    assert collection_address(DATA, resource) == (path, URL(f"{DATA}/{path}"))


@pytest.mark.parametrize(
    "resource", ["1students", "-x", "tpdm/", "/students", "a/1", "a/b/c", "students ", "x\n", "é?"]
)
def test_what_is_no_resources_name_is_refused(resource: str) -> None:
    with pytest.raises(BadParameter, match="not the name of a resource") as caught:
        collection_address(DATA, resource)
    assert "tpdm/candidates" in caught.value.advice


@pytest.mark.parametrize("identity", ["a", "0" * 64, "0f8fad5b-d9cb-469f-a165-70867728950e"])
def test_an_items_address_ends_in_its_id(identity: str) -> None:
    assert str(item_address(URL(DATA + "/ed-fi/students"), identity)) == f"{DATA}/ed-fi/students/{identity}"


@pytest.mark.parametrize("identity", ["", "0" * 65, "a/b", "..", "%2e", "a\n", "a b", "é"])
def test_what_is_no_id_is_refused_lest_a_request_for_one_become_one_for_all(identity: str) -> None:
    with pytest.raises(BadParameter, match="not an id of an item") as caught:
        item_address(URL(DATA + "/ed-fi/students"), identity)
    assert "the API assigned" in caught.value.advice


def test_an_address_is_taken_as_it_is_written() -> None:
    _, url = collection_address("https://h.example.gov/%41/data", "students")
    assert str(url) == "https://h.example.gov/%41/data/ed-fi/students"
    assert str(item_address(url, "0")) == "https://h.example.gov/%41/data/ed-fi/students/0"


@pytest.mark.parametrize("etag", ["5250", '"5250"'])
def test_an_etag_goes_out_in_one_pair_of_quotes(etag: str) -> None:
    assert match_header(etag) == {"If-Match": '"5250"'}


def test_no_etag_is_no_header() -> None:
    assert match_header(None) is None


def test_a_query_has_each_kind_of_value_as_the_apis_read_it() -> None:
    values = {
        "yes": True,
        "no": False,
        "day": date(2026, 8, 20),
        "one": 1,
        "half": 1.5,
        "text": "A+ b/c#d&é",
        "no text": "",
    }
    assert (
        query_text(values)
        == "yes=true&no=false&day=2026-08-20&one=1&half=1.5&text=A%2B%20b%2Fc%23d%26%C3%A9&no%20text="
    )


@pytest.mark.parametrize("value", [None, [], {}, b"x", object()])
def test_a_filter_without_a_value_is_refused_lest_it_select_everything(value: Any) -> None:
    with pytest.raises(BadParameter, match="The filter beginDate has no value") as caught:
        query_text({"studentUniqueId": "1", "beginDate": value})
    assert "text, number, flag or date" in caught.value.advice


@pytest.mark.parametrize(
    ("path", "parameters", "url", "name"),
    [
        ("ed-fi/students", None, "/ed-fi/students", "ed-fi/students"),
        ("/ed-fi/students/", {}, "/ed-fi/students", "ed-fi/students"),
        ("ed-fi/students?a=1", None, "/ed-fi/students?a=1", "ed-fi/students"),
        ("ed-fi/students?a=1", {"b": True}, "/ed-fi/students?a=1&b=true", "ed-fi/students"),
        ("ed-fi/students?", {"b": 2}, "/ed-fi/students?b=2", "ed-fi/students"),
        ("ed-fi/students/604822", None, "/ed-fi/students/604822", "ed-fi/students"),
        ("ed-fi/604822", None, "/ed-fi/604822", "an endpoint"),
        ("students", None, "/students", "students"),
        ("604822", None, "/604822", "an endpoint"),
    ],
)
def test_a_free_request_is_named_by_its_resource_alone(
    path: str, parameters: dict[str, Any] | None, url: str, name: str
) -> None:
    request = free_request(DATA, "PATCH", path, parameters, b"{}", {"X": "y"}, (1.0, 2.0))
    assert request == (
        "PATCH",
        URL(DATA + url),
        f"PATCH {name}",
        b"{}",
        {"X": "y"},
        (1.0, 2.0),
    )


@pytest.mark.parametrize("path", ["../../oauth/token", "..", "https://x.example.gov/", "a/../../..", "x/http://y"])
def test_a_free_request_that_leads_away_from_the_data_is_refused(path: str) -> None:
    with pytest.raises(BadParameter, match="leads away") as caught:
        free_request(DATA, "GET", path, None, None, None, None)
    assert "ed-fi/students" in caught.value.advice
