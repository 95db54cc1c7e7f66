"""If-Match and If-None-Match."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.answers import check, problem
from tests.sandbox.target import ASSOCIATIONS, Target, association

UNKNOWN_ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("quoted", [True, False], ids=["quoted", "bare"])
@pytest.mark.proven(
    "Postman ResponseTests: when_putting_a_resource_with_matching_etag; ODS Unquoted; DMS Resources/etag"
)
def test_if_match_takes_the_etag_with_and_without_quotes(target: Target, quoted: bool) -> None:
    location = target.created()
    tag = target.get(location).json()["_etag"]
    headers = {"If-Match": f'"{tag}"' if quoted else tag}
    assert target.put(location, association(privateCTEProgram=True), headers=headers).status_code == 204
    assert target.call("DELETE", location, headers=headers).status_code == 412


@pytest.mark.proven("ODS UpsertEntity: enforceOptimisticLock; DMS Resources/etag")
def test_if_match_is_honoured_on_post(target: Target) -> None:
    tag = target.post(association()).headers["ETag"]
    changed = association(privateCTEProgram=True)
    assert target.post(changed, headers={"If-Match": tag}).status_code == 200
    assert target.post(association(), headers={"If-Match": tag}).status_code == 412


@pytest.mark.proven(
    "Postman ResponseTests: when_getting_an_unchanged_resource_by_id (strips the quotes); DMS Resources/etag"
)
def test_if_none_match_hits_only_unquoted_on_an_ods(target: Target) -> None:
    location = target.created()
    tag = target.get(location).json()["_etag"]
    assert target.get(location, headers={"If-None-Match": tag}).status_code == 304
    quoted = target.get(location, headers={"If-None-Match": f'"{tag}"'})
    assert quoted.status_code == (304 if target.dialect == "dms" else 200)


@pytest.mark.proven("DMS Resources/etag; ODS compares the header as a date")
def test_the_star_means_something_to_dms_only(target: Target) -> None:
    assert target.post(association(), headers={"If-Match": "*"}).status_code == (
        412 if target.dialect == "dms" else 201
    )
    target.post(association())
    changed = association(privateCTEProgram=True)
    assert target.post(changed, headers={"If-None-Match": "*"}).status_code == (
        412 if target.dialect == "dms" else 200
    )
    assert target.post(changed, headers={"If-Match": "*"}).status_code == (200 if target.dialect == "dms" else 412)


@pytest.mark.dialects("dms")
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.proven("DMS Resources/etag")
def test_dms_heeds_if_none_match_on_writes(target: Target, method: str) -> None:
    location = target.created()
    tag = target.get(location).headers["ETag"]

    def write(day: str, **headers: str) -> httpx.Response:
        document = association(endDate=day)
        if method == "POST":
            return target.post(document, headers=headers)
        return target.put(location, document, headers=headers)

    refused = problem(
        412,
        "precondition-failed:if-none-match",
        "The If-None-Match precondition failed because a current representation of the resource matched the request "
        "header.",
        "The 'If-None-Match' request header requires that no current representation match the supplied value, but a "
        "matching representation exists.",
        dms=True,
    )
    for header in ("*", tag, f'"1-00000000.j._.l.i", {tag}'):
        check(write("2019-12-20", **{"If-None-Match": header}), refused, target.dialect)
    assert write("2019-12-20", **{"If-None-Match": "*", "If-Match": tag}).is_success
    assert write("2019-12-21", **{"If-None-Match": tag}).is_success


@pytest.mark.dialects("dms")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.proven("DMS Resources/etag")
def test_dms_wants_an_item_for_any_etag(target: Target, method: str) -> None:
    headers = {"If-Match": "*"}
    if method == "POST":
        answer = target.post(association(), headers=headers)
    elif method == "PUT":
        answer = target.put(f"{ASSOCIATIONS}/{UNKNOWN_ID}", association(), headers=headers)
    else:
        answer = target.call("DELETE", f"{ASSOCIATIONS}/{UNKNOWN_ID}", headers=headers)
    expected = problem(
        412,
        "optimistic-lock-failed",
        "The If-Match precondition failed because the resource does not exist.",
        "The 'If-Match' request header requires a current representation of the resource, but none exists. Do not "
        "retry with If-Match; create the resource first, or omit If-Match.",
        dms=True,
    )
    check(answer, expected, target.dialect)
