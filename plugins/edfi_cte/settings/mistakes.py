"""What pydantic found wrong, in our words: file, line, path of the value, what is allowed there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from edfi_cte.settings.values import Misplaced, SettingsError, in_file
from edfi_cte.suggestions import did_you_mean

Location = tuple[int | str, ...]

_WORDS = {
    "missing": "is missing",
    "dict_type": "write settings below it, each as name: value",
    "model_type": "write settings below it, each as name: value",
    "tuple_type": "write a list, each item on a line of its own after '- '",
    "too_short": "at least one is needed",
}
"""In place of pydantic's words, which are those of Python."""


def explained(
    path: Path, node: yaml.Node | None, error: ValidationError, model: type[BaseModel], inside: Location = ()
) -> SettingsError:
    """One line a mistake. ``inside`` is where in the file ``model`` begins, ``node`` the file's root."""
    # A misspelt name first: for want of it another is missing.
    found = sorted(
        error.errors(include_url=False, include_input=False), key=lambda item: item["type"] != "extra_forbidden"
    )
    wholes = {item["loc"][:length] for item in found for length in range(1, len(item["loc"]))}
    lines = []
    for item in found:
        if item["loc"] in wholes:
            continue  # "no valid target" only repeats what is wrong with the target
        location = (*inside, *item["loc"], *_misplaced(item))
        message = _WORDS.get(item["type"]) or item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = f"no such setting.{_allowed(model, item['loc'])}"
        elif item["type"] == "literal_error":
            message += "." + did_you_mean(_written(node, location), item["ctx"]["expected"].split("'")[1::2])
        prefix = f", line {line_of(node, location)}: "
        lines.append(prefix + (f"{dotted(location)}: {message}" if location else message))
    return in_file(path, *lines)


def dotted(location: Location) -> str:
    """A place in the file as a person writes it: ``targets[0].scope_year``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _misplaced(item: Any) -> Location:
    """Where a rule over several values has found its mistake; pydantic knows only where the rule stands."""
    error = item.get("ctx", {}).get("error")
    return error.location if isinstance(error, Misplaced) else ()


def _allowed(model: type[BaseModel], location: Location) -> str:
    here: type[BaseModel] = model
    for part in location[:-1]:
        field = here.model_fields.get(str(part))
        here = next(_models_in(field.annotation), here) if field else here
    names = list(here.model_fields)
    return f"{did_you_mean(location[-1], names)} Those allowed here: {', '.join(names)}"


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field holds: its own, or those of its items."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def line_of(node: yaml.Node | None, location: Location) -> int:
    """The line of the deepest part of ``location`` that the file has."""
    line = 1
    for found in _along(node, location):
        line = found.start_mark.line + 1
    return line


def _written(node: yaml.Node | None, location: Location) -> str:
    *_, last = [None, *_along(node, location)]
    return str(getattr(last, "value", ""))


def _along(node: yaml.Node | None, location: Location) -> Iterator[yaml.Node]:
    """The nodes on the way to a place: of a mapping the key's, then its value's; the last is the value's."""
    for position, part in enumerate(location):
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in reversed(node.value) if str(k.value) == str(part)), None)
            if found is None:
                return
            key, node = found
            yield key
            if position == len(location) - 1 and isinstance(node, yaml.ScalarNode) and node.value:
                yield node
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            yield node
        else:
            return
