"""What an API says, without what it says about a student."""

from __future__ import annotations

import json

import pytest
from yarl import URL

from edfi_cte.ods.message import Request
from edfi_cte.ods.scrub import request_values, scrub

WITH_VALUES = frozenset({"Smith", "604822", "De la Cruz"})


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("BeginDate is required.", "BeginDate is required."),
        ("Validation of 'Program' failed.\n\tX is required.\n", "Validation of 'Program' failed. X is required."),
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
        ("Smith and SMITH are Smithers", "… and … are Smithers"),
        ("because De la Cruz was first", "because … was first"),
        ("the caller's education organization's item", "the caller's education organization's item"),
    ],
)
def test_names_stay_and_values_go(said: str, kept: str) -> None:
    assert scrub(said, WITH_VALUES) == kept


def test_is_one_line_of_bounded_length() -> None:
    assert len(scrub("word " * 10_000)) <= 501
    assert "\n" not in scrub("a\nb\r\nc")


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
    assert request_values(request._replace(url=URL("https://h/x"), body=b"token=abc&x=y")) == {"abc"}
    assert request_values(request._replace(url=URL("https://h/x"), body=b"\xff\xfe")) == frozenset()
