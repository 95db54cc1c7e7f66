"""An error of the API in one sentence: what was said, by what status, of which request, and what to do."""

import pytest

from edfi_cte.ods.errors import (
    EdFiError,
    Meaning,
    NotYetEnrolled,
    OrganizationDenied,
    Refused,
    RightsMissing,
    Unavailable,
)


def test_an_error_names_what_is_known_of_it() -> None:
    error = Refused("It may not.", status=409, correlation_id="c0ffee", advice="Ask.", outcome_unknown=True)
    error.tries = 3
    assert str(error) == (
        f"It may not. [409, {Refused.type}, correlation id c0ffee, after 3 tries, may have been carried out] Ask."
    )


def test_an_error_says_nothing_of_what_is_not_known() -> None:
    error = EdFiError("It may not.", advice="")
    error.tries = 1
    assert str(error) == f"It may not. [{EdFiError.type}]"


@pytest.mark.parametrize(
    ("status", "tries", "marks"),
    [(None, 0, "[refused]"), (None, 2, "[refused, after 2 tries]"), (404, 1, "[404, refused]")],
)
def test_an_errors_marks_are_its_status_its_type_and_more_tries_than_one(
    status: int | None, tries: int, marks: str
) -> None:
    error = Refused("It may not.", status=status, advice="")
    assert (error.tries, error.outcome_unknown, error.args) == (0, False, ("It may not.",))
    error.tries = tries
    assert str(error) == f"It may not. {marks}"


@pytest.mark.parametrize("systemic", [None, True, False])
def test_whether_every_request_meets_it_is_the_classs_unless_it_is_said(systemic: bool | None) -> None:
    given = Unavailable.default_systemic if systemic is None else systemic
    assert Unavailable("x", systemic=systemic).systemic is given
    assert Refused("x", systemic=systemic).systemic is bool(systemic)


def test_advice_is_the_classs_unless_it_is_given() -> None:
    assert Refused("x").advice == Refused.default_advice
    assert Refused("x", advice="").advice == ""


@pytest.mark.parametrize(
    ("kind", "meanings", "more"),
    [
        (NotYetEnrolled, (Meaning.NOT_ENROLLED,), ""),
        (NotYetEnrolled, (Meaning.NOT_ENROLLED, Meaning.UNKNOWN), " Or it does not exist there at all"),
        (
            NotYetEnrolled,
            tuple(Meaning),
            " Or it does not exist there at all, or the education organization is not the key's",
        ),
        (OrganizationDenied, (Meaning.OUT_OF_REACH, Meaning.UNKNOWN), " Or it does not exist there at all"),
        (RightsMissing, (), ""),
    ],
)
def test_what_an_answer_leaves_open_is_said_after_the_classs_advice(
    kind: type[EdFiError], meanings: tuple[Meaning, ...], more: str
) -> None:
    error = kind("x")
    error.may_mean(meanings)
    assert error.meanings == meanings
    assert error.advice == kind.default_advice + (f"{more}: the API does not say." if more else "")
