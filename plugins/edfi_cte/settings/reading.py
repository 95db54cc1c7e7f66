"""Reading the file: YAML in which codes are text and no name is written twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from edfi_cte.settings.mistakes import explained
from edfi_cte.settings.model import DagSettings, Settings
from edfi_cte.settings.values import SettingsError


class _Loader(yaml.SafeLoader):
    """YAML, but codes are text: to YAML 1.1, 0110 is the number 72, and the key 52.0400 is 52.04."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:int"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self.flatten_mapping(node)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9]*)\Z"), list("-+0123456789"))


def _refuse_repetition(node: yaml.Node | None) -> None:
    """YAML takes the last of two values of one name, in silence: the first would be lost."""
    if isinstance(node, yaml.MappingNode):
        names = Counter(str(key.value) for key, _ in node.value)
        for key, _ in node.value:
            if names[str(key.value)] > 1:
                raise yaml.MarkedYAMLError(problem=f"'{key.value}' is written twice", problem_mark=key.start_mark)
        for _, value in node.value:
            _refuse_repetition(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repetition(value)


@dataclass(frozen=True, slots=True)
class Document:
    """A file that is YAML, with the nodes that know the lines."""

    path: Path
    node: yaml.Node | None
    content: dict[str, Any]


def read_document(path: Path) -> Document:
    """The file, as YAML. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(
            f"{path}: the settings file cannot be read: {reason}. Set AIRFLOW__EDFI_CTE__SETTINGS_FILE to its path."
        ) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        _refuse_repetition(node)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}{_what_is_no_yaml(text, error)}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: the file is empty or no mapping; start it with 'version: 1'")
    return Document(path, node, content)


def _what_is_no_yaml(text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    lines = text.splitlines()
    at = mark.line if mark else 0
    for number in range(max(at - 1, 0), min(at + 1, len(lines))):
        indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        if "\t" in indent:
            return f", line {number + 1}: indented with a tab; indent with spaces"
    where = f", line {at + 1}" if mark else ""
    return f"{where}: not valid YAML: {getattr(error, 'problem', None) or error}"


def load_settings(path: Path) -> Settings:
    """Read and validate the settings file. Raises :class:`SettingsError`."""
    document = read_document(path)
    try:
        settings = Settings.model_validate(document.content)
    except ValidationError as error:
        raise SettingsError(explained(path, document.node, error, Settings)) from None
    if settings.sql_dir:
        # Beside the file, wherever the process was started.
        settings = settings.model_copy(update={"sql_dir": path.parent / settings.sql_dir.expanduser()})
    settings._path, settings._node = path, document.node
    return settings


def load_dag_settings(path: Path) -> DagSettings:
    """The file's ``dag:`` alone, whatever else of the file is wrong. Raises SettingsError where it can't be known."""
    document = read_document(path)
    try:
        return DagSettings.model_validate(document.content.get("dag", {}))
    except ValidationError as error:
        raise SettingsError(explained(path, document.node, error, DagSettings, ("dag",))) from None
