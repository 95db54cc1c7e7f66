"""Reading the file: YAML in which codes are text and no name is written twice."""

from __future__ import annotations

import re
import time
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.constructor import SafeConstructor

from edfi_cte.settings.mistakes import explained, line_of
from edfi_cte.settings.model import DagSettings, Settings
from edfi_cte.settings.values import in_file
from edfi_cte.suggestions import did_you_mean
from edfi_cte.utf8 import not_utf8

_PARSER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: a state's file is read in a fifth of the time."""


class _Loader(_PARSER):  # type: ignore[misc]
    """YAML, but codes are text: to YAML 1.1, 0110 is the number 72, and the key 52.0400 is 52.04."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:int"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9]*)\Z"), list("-+0123456789"))


class _Constructor(SafeConstructor):
    """From nodes to values; every key is text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self.flatten_mapping(node)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep=deep)


def _refuse_repetition(node: yaml.Node, above: frozenset[int] = frozenset()) -> None:
    """YAML takes the last of two values of one name, in silence, and lets a value hold itself."""
    if isinstance(node, yaml.ScalarNode):
        return
    if id(node) in above:
        raise yaml.MarkedYAMLError(problem="the value is within itself", problem_mark=node.start_mark)
    above |= {id(node)}
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            if (name := str(key.value)) in names:
                raise yaml.MarkedYAMLError(problem=f"'{name}' is written twice", problem_mark=key.start_mark)
            names.add(name)
            _refuse_repetition(value, above)
    else:
        for value in node.value:
            _refuse_repetition(value, above)


@dataclass(frozen=True)
class Document:
    """A file that is YAML: its root node, which knows the lines, and what it says, made when it is asked for."""

    path: Path
    node: yaml.MappingNode

    def content(self) -> dict[str, Any]:
        """The whole."""
        whole: dict[str, Any] = _made_of(self.path, self.node)
        return whole

    def names(self) -> list[str]:
        """What stands at the file's first level."""
        names = [str(key.value) for key, _ in self.node.value]
        return list(self.content()) if "<<" in names else names

    def part(self, name: str) -> Any:
        """What the file says below ``name``, or None; nothing is made of the rest."""
        names = {str(key.value): value for key, value in self.node.value}
        if "<<" in names:
            return self.content().get(name)
        return _made_of(self.path, names[name]) if name in names else None


def _made_of(path: Path, node: yaml.Node) -> Any:
    try:
        return _Constructor().construct_document(node)
    except yaml.YAMLError as error:
        raise in_file(path, _what_is_no_yaml("", error)) from None
    except (ValueError, TypeError):
        line = node.start_mark.line + 1
        raise in_file(path, f", line {line}: a value below is not of the type that its tag names") from None


def read_document(path: Path) -> Document:
    """The file, as YAML. Raises SettingsError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise in_file(
            path,
            f": the settings file cannot be read: {error.strerror}. Set AIRFLOW__EDFI_CTE__SETTINGS_FILE to its "
            "path.",
        ) from None
    if why := not_utf8(content):
        raise in_file(path, f", {why}")
    text = content.decode("utf-8-sig")
    try:
        node = yaml.compose(text, Loader=_Loader)
        if isinstance(node, yaml.MappingNode):
            _refuse_repetition(node)
    except yaml.YAMLError as error:
        raise in_file(path, _what_is_no_yaml(text, error)) from None
    if not isinstance(node, yaml.MappingNode):
        raise in_file(path, ": the file is empty or no mapping; start it with 'version: 1'")
    return Document(path, node)


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


_Stamp = tuple[int, int, int]
"""(time of the last change, size, inode) of a file."""


@dataclass
class _Read:
    """What this process has made of a file."""

    stamp: _Stamp | None
    document: Document
    settings: Settings | None = None


_read: dict[Path, _Read] = {}


def _once(path: Path) -> _Read:
    """The file as this process has read it, read again where it is another by now."""
    path = path.absolute()
    try:
        status = path.stat()
        stamp: _Stamp | None = (status.st_mtime_ns, status.st_size, status.st_ino)
        if time.time() - status.st_mtime < _SETTLED:
            stamp = None
    except OSError:
        stamp = None
    known = _read.get(path)
    if known is None or stamp is None or known.stamp != stamp:
        known = _read[path] = _Read(stamp, read_document(path))
    return known


_SETTLED = 2.0
"""Seconds after which a further change shows in a file's time, on every file system; until then it is read anew."""


def load_settings(path: Path) -> Settings:
    """Read and validate the settings file, once a process and file. Raises :class:`SettingsError`."""
    read = _once(path)
    if read.settings is None:
        read.settings = _settings_of(read.document)
    return read.settings


def _settings_of(document: Document) -> Settings:
    path = document.path
    try:
        settings = Settings.model_validate(document.content())
    except ValidationError as error:
        raise explained(path, document.node, error, Settings) from None
    if settings.sql_dir:
        # Beside the file, wherever the process was started.
        settings = settings.model_copy(update={"sql_dir": path.parent / settings.sql_dir.expanduser()})
    settings._path, settings._node = path, document.node
    return settings


def load_dag_settings(path: Path) -> DagSettings:
    """The file's ``dag:`` alone, whatever else of the file is wrong. Raises SettingsError where it can't be known."""
    document = _once(path).document
    _refuse_another_name(document)
    try:
        return DagSettings.model_validate({} if (said := document.part("dag")) is None else said)
    except ValidationError as error:
        raise explained(path, document.node, error, DagSettings, ("dag",)) from None


def _refuse_another_name(document: Document) -> None:
    """A name that is not known may be ``dag:`` misspelt, where that is missing: by default it would run daily."""
    names = document.names()
    unknown = [name for name in names if name not in Settings.model_fields]
    if unknown and "dag" not in names:
        near = did_you_mean(unknown[0], Settings.model_fields)
        raise in_file(
            document.path,
            f", line {line_of(document.node, (unknown[0],))}: {unknown[0]}: no such setting.{near} There is "
            "no 'dag' either, and what was to be the schedule can't be known.",
        )


def count_targets(path: Path) -> int:
    """How many targets the file lists, right or wrong. Raises SettingsError where the file can't be read."""
    for key, value in _once(path).document.node.value:
        if str(key.value) == "targets" and isinstance(value, yaml.SequenceNode):
            return len(value.value)
    return 0
