"""What an API says, without what it says about a student."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from edfi_cte.ods.message import Request
from edfi_cte.ods.scrub import request_descriptors, request_values, scrub
from edfi_cte.ods.vocabulary import known_words
from tests.ods.refusals import REFUSALS

DESCRIPTORS = frozenset({"uri://dese.mo.gov/X#Arts, A/V and (Other) 2"})
WITH_VALUES = frozenset({"Smith", "604822", "De la Cruz"})


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("BeginDate is required.", "BeginDate is required."),
        (
            "Validation of 'Program' failed.\n\tCipCode is required.\n",
            "Validation of 'Program' failed. CipCode is required.",
        ),
        ("The referenced 'Student' item does not exist.", "The referenced 'Student' item does not exist."),
        (
            "ProgramName must be at most 60 characters in length.",
            "ProgramName must be at most 60 characters in length.",
        ),
        ("Limit must be a value between 0 and 500.", "Limit must be a value between 0 and 500."),
        ("at $.cteProgramServices[1].cipCode", "at $.cteProgramServices[1].cipCode"),
        (
            "value 'uri://dese.mo.gov/X#Arts, A/V and (Other) 2' is unknown",
            "value 'uri://dese.mo.gov/X#Arts, A/V and (Other) 2' is unknown",
        ),
        ("The value 'Zebulon' is not valid.", "The value … is not valid."),
        ("The value 'O'Brien' is not valid.", "The value … is not valid."),
        ('Error converting value "Zebulon" to type.', "Error converting value … to type."),
        ("Error converting value Zebulon Pike to type 'X'.", "Error converting value … to type …."),
        (
            "Could not convert string to integer: Zebulon Pike. Path 'x'",
            "Could not convert string to integer: …. Path …",
        ),
        ("The duplicate key is (a, b) = (2026-08-20, Zebulon).", "The duplicate key is …."),
        ("student 604822 of 2009-02-28, a1b2c3", "student … of …, …"),
        ("Smith and SMITH are Smithers", "… and … are …"),
        ("because De la Cruz was related", "because … was related"),
        ("the caller's education organization's item", "the caller's education organization's item"),
    ],
)
def test_names_stay_and_values_go(said: str, kept: str) -> None:
    assert scrub(said, WITH_VALUES, DESCRIPTORS) == kept


def test_the_longest_of_the_requests_values_is_taken_out_first() -> None:
    assert scrub("the value Will School was", frozenset({"Will", "Will School"})) == "the value … was"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a value of the School", "a value of the School"),
        ("Value. Required: Value (Value - Value", "Value. Required: Value (Value - Value"),
        ("the Value, a Required one", "the …, a … one"),
        ("May. Will: Grade State", "…. …: … …"),
        ("may will grade state", "may will grade state"),
        ("beginDate, ProgramTypeDescriptor and EndDate", "beginDate, ProgramTypeDescriptor and EndDate"),
        ("beginZebulon and ZebulonDate", "… and …"),
        ("the PERSON, PERSON. ValuE", "the …, …. …"),
        ("Núñez, núñez and nuñez", "…, … and …"),
        ("the caller's value, Caller's and O'Brien", "the caller's value, … and …"),
    ],
)
def test_words_of_the_apis_own_are_kept_and_names_are_not(said: str, kept: str) -> None:
    assert known_words(said, "…") == kept


def test_is_one_line_of_bounded_length() -> None:
    assert len(scrub("word " * 10_000)) <= 501
    assert "\n" not in scrub("a\nb\r\nc")


def test_a_line_of_500_characters_is_kept_whole_and_of_501_is_cut() -> None:
    words = "value " * 83
    assert scrub(words + "is") == words + "is"
    assert scrub(words + "not") == words + "no…"


def test_every_value_of_the_request_is_known() -> None:
    document = {
        "studentReference": {"studentUniqueId": "604822"},
        "names": [{"lastSurname": "Smith"}],
        "size": 1.5,
        "sex": "F",
        "flag": True,
        "nothing": None,
        "programTypeDescriptor": "uri://ed-fi.org/X#Y",
    }
    request = Request(
        "POST", URL("https://h/x?studentUniqueId=77&d=uri%3A%2F%2Fx%23y"), "POST x", json.dumps(document).encode()
    )

    assert request_values(request) == {"604822", "Smith", "1.5", "77"}
    assert request_descriptors(request) == {"uri://ed-fi.org/X#Y"}
    assert request_descriptors(request._replace(body=b"\xff")) == frozenset()
    assert request_values(request._replace(url=URL("https://h/x"), body=b"token=abc&x=y")) == {"abc"}
    assert request_values(request._replace(url=URL("https://h/x"), body=b"\xff\xfe")) == frozenset()


NAMES = st.sampled_from(
    ["O'Brien", "Zebulon", "Mary-Jo", "de la Cruz", "Núñez", "SMITHERS", "McDonald", "Ng", "mary"]
)
IDS = st.sampled_from(["1000000001", "604822", "2009-02-28", "A1-77"])
BETWEEN = st.sampled_from([" ", "\n", "\u00a0", "{0}", "%s", "%(", "$.", "$.x.", "uri://x/y#"])
PERSON = st.builds(
    lambda parts, between: between.join(["", *parts]), st.lists(NAMES | IDS, min_size=1, max_size=3), BETWEEN
)
SAID = st.sampled_from(sorted({json.dumps(r.body) for r in REFUSALS if isinstance(r.body, dict)}))
QUOTES = st.sampled_from(["", "'", '"', "`", "(", "[", "\u2018", "<"])


@given(SAID, PERSON, QUOTES, QUOTES, st.integers(0, 400))
@settings(max_examples=400, deadline=None)
def test_a_person_in_any_place_of_any_sentence_is_not_repeated(
    said: str, person: str, before: str, after: str, place: int
) -> None:
    """Names and ids that the request does not hold, in and without quotes, between any two words."""
    pieces = re.split(r"(?<=\s)", said)
    pieces.insert(place % (len(pieces) + 1), f"{before}{person}{after} ")
    kept = scrub("".join(pieces))
    words = set(re.findall(r"[\w'-]+", kept))
    for part in set(re.findall(r"[^\W_]+", person)) - {"de", "la", "uri", "x", "y", "s", "0"}:
        assert part not in words, kept
        assert not (len(part) > 3 and part in kept and part not in said), kept  # "primary" holds a mary


@pytest.mark.parametrize("odd", ["\0", "\ud800", "\x1b", "\u202e", "\u200b", "\x7f", "\ue000", "\x85", "\u2028"])
def test_what_no_database_or_terminal_can_show_is_left_away(odd: str) -> None:
    for text in (f"The field {odd} is required.", f"The field is required{odd}", f"{odd}The field is required."):
        said = scrub(text)
        assert said.isprintable(), repr(said)
        assert "field" in said
        assert "required" in said
