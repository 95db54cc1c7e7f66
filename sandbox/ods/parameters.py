"""Query parameters one by one: how an API reads a number or a boolean, and how it says that one is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind

Parameters = Mapping[str, str]
"""Names in lower case: the ODS ignores their case."""


def refuse(*messages: str, kind: Kind = Kind.PARAMETER) -> None:
    """Raises the Failure of wrong query parameters."""
    raise Failure(kind, message=" ".join(messages), messages=messages)


def integer(parameters: Parameters, name: str, dialect: Dialect, bits: int = 32) -> int | None:
    """A query parameter as .NET binds a whole number; None when it isn't there."""
    text = parameters.get(name)
    if text is None or text == "":
        return None
    value = whole(text, bits)
    if value is None:
        raise unreadable(name, text, dialect)
    return value


def whole(text: str, bits: int = 32) -> int | None:
    """The whole number that a text is, within so many bits; None when it is none."""
    try:
        value = int(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None
    return value if value is not None and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1) else None


def boolean(parameters: Parameters, name: str, dialect: Dialect) -> bool | None:
    """A query parameter as .NET reads a boolean; None when it isn't there."""
    text = parameters.get(name)
    if text is None or text == "":
        return None
    if text.strip().lower() not in ("true", "false"):
        raise unreadable(name, text, dialect)
    return text.strip().lower() == "true"


def unreadable(name: str, text: str, dialect: Dialect) -> Failure:
    """What the binder of an ODS says of a value that it cannot read."""
    phrases = dialect.wording.phrases
    return Failure(Kind.BINDING, problems={f"{phrases.root}.{name}": [phrases.invalid_id.format(id=text)]})
