"""What an item of the ODS's must be to become a key of ours, and whose it is."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import astuple
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from edfi_cte.associations.compare import content_hash
from edfi_cte.associations.model import NaturalKey, canonical_json, digest
from edfi_cte.ods.errors import MalformedAnswer
from edfi_cte.sync.documents import as_sent, is_ours, key_of
from tests.sync.one_document import DOCUMENT

KEY = NaturalKey(date(2025, 8, 20), 39141, 39142, "Health", "uri://x#CTE", "7")
LANE: Any = SimpleNamespace(
    target=SimpleNamespace(edorg_id=39141), preferences=SimpleNamespace(program_type_descriptor="URI://x#Cte")
)
ADVICE = "Tell the API's administrator; nothing was decided by this reading, and the next run reads again."


def changed(path: str, value: Any) -> dict[str, Any]:
    """The document with another value, or without the property where that is None."""
    document = deepcopy(DOCUMENT)
    *parts, name = path.split(".")
    part = document
    for one in parts:
        part = part[one]
    part[name] = value
    if value is None:
        del part[name]
    return document


@pytest.mark.parametrize("begin", ["2025-08-20", "2025-08-20T00:00:00Z"])
def test_a_key_is_of_six_values(begin: str):
    assert key_of(changed("beginDate", begin)) == KEY


@pytest.mark.parametrize(
    ("path", "longest"),
    [
        ("programReference.programName", 60),
        ("programReference.programTypeDescriptor", 306),
        ("studentReference.studentUniqueId", 32),
    ],
)
def test_a_text_may_be_as_long_as_the_ledger_holds(path: str, longest: int):
    for text in ("x", "x" * longest):
        assert text in astuple(key_of(changed(path, text)))
    for text in ("", "x" * (longest + 1), "a\nb", "a\0", 7):
        with pytest.raises(MalformedAnswer, match=f"has no {path.rpartition('.')[2]} that can be one") as told:
            key_of(changed(path, text))
        assert told.value.advice == ADVICE


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("beginDate", None, "beginDate that can be one"),
        ("beginDate", 20250820, "beginDate that can be one"),
        ("beginDate", "soon", "beginDate that can be one"),
        ("educationOrganizationReference", None, "educationOrganizationReference"),
        ("educationOrganizationReference", [], "educationOrganizationReference"),
        ("educationOrganizationReference.educationOrganizationId", "x", "educationOrganizationId that can be one"),
        ("programReference", "x", "programReference"),
        ("programReference.educationOrganizationId", None, "educationOrganizationId that can be one"),
        ("studentReference", None, "studentReference"),
    ],
)
def test_what_lacks_a_part_of_its_key_is_no_answer_of_an_api(path: str, value: Any, what: str):
    with pytest.raises(MalformedAnswer) as told:
        key_of(changed(path, value))
    assert told.value.message.endswith(f"was answered with an item that has no {what}.")
    assert told.value.advice == ADVICE


@pytest.mark.parametrize(
    ("document", "ours"),
    [
        (DOCUMENT, True),
        (changed("educationOrganizationReference.educationOrganizationId", 39142), False),
        (changed("programReference.educationOrganizationId", 1), True),
        (changed("programReference.programTypeDescriptor", "uri://x#Other"), False),
    ],
)
def test_ours_is_what_is_of_our_organization_and_program_type_whatever_its_case(document: Any, ours: bool):
    assert is_ours(LANE, document) == ours


@pytest.mark.parametrize("path", ["educationOrganizationReference", "programReference.programTypeDescriptor"])
def test_what_does_not_say_whose_it_is_is_nobodys(path: str):
    with pytest.raises(MalformedAnswer):
        is_ours(LANE, changed(path, None))


def test_a_document_is_as_sent_or_is_not_or_can_not_be_read():
    sent = (digest(canonical_json(DOCUMENT)), content_hash(DOCUMENT))
    assert as_sent(DOCUMENT | {"id": "1", "_etag": "2"}, *sent)
    assert not as_sent(DOCUMENT | {"endDate": "2026-01-01"}, *sent)
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(MalformedAnswer, match="an item that is nested beyond reading"):
        as_sent(deep, *sent)
