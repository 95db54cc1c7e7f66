"""What reading one document turns up, and the words for a value of the wrong type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.ods.failures import Problems
from sandbox.ods.properties import Property
from sandbox.ods.store import Key, Record, Store

ABSENT: Any = object()
"""What a reader returns when there is nothing (left) to store."""


@dataclass(slots=True)
class FoundReference:
    """A reference as read: where it stands, the key it names, and its part of the document."""

    prop: Property
    path: str
    key: Key
    value: dict[str, Any]


@dataclass(slots=True)
class Reading:
    """What reading one document turned up.

    `binding`: wrong types; `early`: what an API with two validations says before authorization; `invalid`: everything
    else. `unknown_descriptors`: beside the first one, all of them, where they are told with the references.
    """

    store: Store
    binding: Problems = field(default_factory=dict)
    early: Problems | None = None
    invalid: Problems = field(default_factory=dict)
    unknown_descriptor: tuple[str, str] | None = None
    unknown_descriptors: Problems | None = None
    references: list[FoundReference] = field(default_factory=list)
    descriptors: list[Record] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    key: Key = ()

    def wrong(self, path: str, message: str) -> None:
        self.binding.setdefault(path, []).append(message)

    def problem(self, path: str, message: str) -> None:
        self.invalid.setdefault(path, []).append(message)

    def early_problem(self, path: str, message: str) -> None:
        self.early = self.early or {}
        self.early.setdefault(path, []).append(message)

    def unknown_descriptor_at(self, path: str, message: str) -> None:
        self.unknown_descriptors = self.unknown_descriptors or {}
        self.unknown_descriptors.setdefault(path, []).append(message)

    def has_problem_at(self, path: str) -> bool:
        """Something was already said about a property or a part of it."""
        noted = (self.binding, self.early or {}, self.invalid, self.unknown_descriptors or {})
        return any(known.startswith(path) for problems in noted for known in problems)


Reader = Callable[[Any, str, Reading], Any]
"""(value, path of the object it is in, reading) to the canonical value, or ABSENT."""


def wrong_type_facts(value: object, expected: str, name: str, path: str) -> dict[str, object]:
    """The facts of a type error, for `Phrases.wrong_type` and its like."""
    shown = value if isinstance(value, str | int | float) else _json_type(value)
    below_root = path.partition(".")[2]
    return {"found": _json_type(value), "expected": expected, "value": shown, "name": name, "path": below_root}


def _json_type(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")
