"""Whether going on is pointless, decided for each class of error: a line each."""

from __future__ import annotations

from collections.abc import Iterator

from edfi_cte.ods import errors as e

SYSTEMIC = {
    # every record would meet it
    e.ConfigurationError: True,
    e.Unreachable: True,
    e.TlsFailed: True,
    e.CircuitOpen: True,
    e.Halted: True,
    e.RedirectRefused: True,
    e.AuthenticationFailed: True,
    e.RightsMissing: True,
    e.ProfileRefused: True,
    e.WrongRoute: True,
    e.RateLimited: True,
    e.TooManyTokens: True,
    e.Unavailable: True,
    e.Misconfigured: True,
    # another record may do better
    e.EdFiError: False,
    e.NoAnswer: False,
    e.ConnectionLost: False,
    e.TimedOut: False,
    e.UnusableAnswer: False,
    e.MalformedAnswer: False,
    e.AnswerTooLarge: False,
    e.IncompleteRead: False,
    e.Refused: False,
    e.AuthorizationDenied: False,
    e.NotYetEnrolled: False,
    e.OrganizationDenied: False,
    e.ValidationFailed: False,
    e.UnknownDescriptor: False,
    e.KeyChangeRefused: False,
    e.BadParameter: False,
    e.LimitRefused: False,
    e.NotFound: False,
    e.Conflict: False,
    e.UnresolvedReference: False,
    e.StudentUnknown: False,
    e.OrganizationUnknown: False,
    e.NaturalKeyConflict: False,
    e.DependentExists: False,
    e.ConcurrentUpdate: False,
    e.PreconditionFailed: False,
    e.ServerFault: False,
    e.NotTheApi: True,
}


def classes(root: type[e.EdFiError]) -> Iterator[type[e.EdFiError]]:
    yield root
    for below in root.__subclasses__():
        yield from classes(below)


def test_every_class_of_error_is_decided() -> None:
    decided = {kind: kind.default_systemic for kind in classes(e.EdFiError) if kind.__module__ == e.__name__}
    assert decided == SYSTEMIC
