"""What may be kept of what a driver or a server says: an allow-list, since its words may quote a person.

Kept are the kind of the exception, its number, and names that were given to it: of tables, columns or settings. What
a fault means is said in our own words, by its number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

Number = int | str
"""An error's number: SQL Server's or its driver's as an int, else an SQLSTATE (five digits and capitals)."""

_QUOTED = re.compile(r"'([^'\n]{1,128})'|\"([^\"\n]{1,128})\"|\[([^\]\n]{1,128})\]")
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_DB_LIBRARY = re.compile(rb"^DB-Lib error message (\d+), severity \d+:", re.MULTILINE)
"""How pymssql begins its text where it has no server's words, and each further message."""
_NOT_CONNECTED, _CONNECTION_DEAD = 20002, 20047
"""DB-Library's last word on a refused connection, and its word on one that has ended."""


def number_of(error: BaseException) -> Number | None:
    """The error's number, as its driver gives it; never one that stands in its words.

    pymssql: the first argument, or the first of a tuple there, unless its text is DB-Library's alone (see
    :func:`_db_library_number`). psycopg2, psycopg: ``pgcode``, ``sqlstate``. pyodbc: the first argument.
    """
    for name in ("pgcode", "sqlstate"):
        state = getattr(error, name, None)
        if isinstance(state, str) and _SQLSTATE.fullmatch(state):
            return state
    first = error.args[0] if error.args else None
    args = first if isinstance(first, tuple) and first else error.args
    first = args[0] if args else None
    if type(first) is int:
        text = args[1] if len(args) > 1 and isinstance(args[1], bytes) else b""
        return _db_library_number(text) or first
    return first if isinstance(first, str) and _SQLSTATE.fullmatch(first) else None


def _db_library_number(text: bytes) -> int | None:
    """The number of the reason in a text of DB-Library's messages; ``None`` where a server's words come first.

    pymssql (2.3, 2.4) keeps the messages of connections that are not open in one place of the process. Of a refused
    connection it goes on giving the number of the first; its text may begin with what an earlier connection left as
    it ended. So the reason is the last message before those that only say it failed (20018: a server gave a reason,
    which pymssql has left out). In a query it is the first: what follows comes of it.
    """
    if not _DB_LIBRARY.match(text):
        return None
    numbers = [int(number) for number in _DB_LIBRARY.findall(text)]
    reasons = [number for number in numbers if number not in (_NOT_CONNECTED, _CONNECTION_DEAD)]
    if not reasons:
        return numbers[-1]
    return reasons[-1] if numbers[-1] == _NOT_CONNECTED else reasons[0]


def names_in(error: BaseException, allowed: Collection[str]) -> list[str]:
    """Those of the ``allowed`` names that the error quotes, each as it is written in ``allowed``, in its order."""
    known = {name.casefold(): name for name in allowed}
    quoted = dict.fromkeys(
        part.casefold() for text in _texts(error.args) for found in _QUOTED.findall(text) for part in found if part
    )
    return [known[name] for name in quoted if name in known]


def words_in(error: BaseException, allowed: Collection[str]) -> list[str]:
    """The same of names that stand in the error's words without quotes, too."""
    said = {word.casefold() for text in _texts(error.args) for word in re.findall(r"\w+", text)}
    return [name for name in allowed if name.casefold() in said]


def options_in(error: BaseException, options: Collection[str]) -> list[str]:
    """The options that a driver would not be called with, where it says so by an exception of no database's kind.

    A driver's own exceptions are an ``Error`` of the DB-API (PEP 249); what an option's name or value makes of it is
    a TypeError, a ValueError, or a class beside that tree. An option counts where each part of its name is said.
    """
    if any(kind.__name__ == "Error" for kind in type(error).__mro__):
        return []
    said = {word for text in _texts(error.args) for word in re.findall(r"[^\W_]+", text.casefold())}
    return [name for name in options if said >= set(name.casefold().split("_"))]


def kind_of(error: BaseException) -> str:
    """The exception's class with its number, as in ``OperationalError 1205``; no word of its message."""
    number = number_of(error)
    name = type(error).__name__
    return name if number is None else f"{name} {number}"


def _texts(args: object) -> Iterator[str]:
    if isinstance(args, tuple | list):
        for item in args:
            yield from _texts(item)
    elif isinstance(args, bytes):
        yield args.decode("utf-8", "replace")
    elif isinstance(args, str):
        yield args
