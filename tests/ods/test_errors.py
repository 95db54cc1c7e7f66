"""An error of the API in one sentence: what was said, by what status, of which request, and what to do."""

from edfi_cte.ods.errors import EdFiError, Refused


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
