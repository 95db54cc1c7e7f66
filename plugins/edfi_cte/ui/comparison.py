"""Two documents side by side, value by value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

STUDENT = "studentReference.studentUniqueId"


class Compared(NamedTuple):
    """A value of a document, by its path; blank where one side lacks it."""

    path: str
    desired: str
    sent: str

    @property
    def differs(self) -> bool:
        """Whether they are not the same."""
        return self.desired != self.sent


def differences(desired: str | None, sent: str | None, student: Callable[[str], str]) -> list[Compared]:
    """The values of both documents (JSON text), differences first. ``student`` words a student's id."""
    left, right = (dict(_values(json.loads(body))) if body else {} for body in (desired, sent))
    compared = [Compared(path, left.get(path, ""), right.get(path, "")) for path in dict.fromkeys([*left, *right])]
    # Looked at before ids are masked: two of them may look alike then.
    compared.sort(key=lambda one: (not one.differs, one.path))
    return [
        Compared(path, student(a), student(b)) if path == STUDENT else Compared(path, a, b) for path, a, b in compared
    ]


def _values(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _values(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, f"{path}[{index}]")
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)
