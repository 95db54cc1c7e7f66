"""State in a file, on request: one JSON line a change, replayed and shortened at the next start.

Each line is flushed to the operating system before the request is answered, so what a client was told survives a
killed process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sandbox.ods.instance import Instance
from sandbox.ods.messages import decode, encode
from sandbox.ods.routes import Parts
from sandbox.ods.store import Deletion, KeyChange, Record, SavedRecord

Line = dict[str, Any]


class JournalError(ValueError):
    """A state file that cannot be used; the message says which line and why."""


@dataclass
class _State:
    """What the lines of one instance add up to."""

    records: dict[tuple[str, str], SavedRecord] = field(default_factory=dict)
    deletions: list[tuple[str, Deletion]] = field(default_factory=list)
    key_changes: list[tuple[str, KeyChange]] = field(default_factory=list)

    def apply(self, line: Line) -> None:
        name = line["resource"]
        match line["what"]:
            case "record":
                self.records[name, line["id"]] = SavedRecord(
                    line["id"], line["number"], line["modified"], line["version"], line["document"]
                )
            case "deletion":
                self.records.pop((name, line["id"]), None)
                self.deletions.append((name, _deletion(line)))
            case "key change":
                change = KeyChange(line["id"], tuple(line["old"]), tuple(line["new"]), line["version"])
                self.key_changes.append((name, change))


class Journal:
    """One state file for all instances of a sandbox."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def open(self, instances: dict[Parts, Instance]) -> None:
        """Fills the instances from the file, shortens it, and writes down every change from now on."""
        try:
            self._open(instances)
        except OSError as error:
            raise JournalError(f"The state file {self._path} cannot be used: {error.strerror}.") from error

    def _open(self, instances: dict[Parts, Instance]) -> None:
        for parts, state in self._read().items():
            instance = instances.get(parts)
            if instance is None:
                raise JournalError(f"{self._path} holds data of {'/'.join(parts)}, which this sandbox doesn't serve.")
            _restore(instance, state)
        shortened = self._path.with_suffix(f"{self._path.suffix}.new")
        with shortened.open("wb") as file:
            for parts, instance in instances.items():
                file.writelines(_encode(parts, line) for line in _lines_of(instance))
        shortened.replace(self._path)
        self._file = self._path.open("ab")
        for parts, instance in instances.items():
            instance.follow(_Follower(parts, self._write))

    def _write(self, parts: Parts, line: Line) -> None:
        assert self._file is not None  # noqa: S101
        self._file.write(_encode(parts, line))
        self._file.flush()

    def _read(self) -> dict[Parts, _State]:
        states: dict[Parts, _State] = {}
        if not self._path.exists():
            return states
        lines = self._path.read_bytes().split(b"\n")
        for number, text in enumerate(lines, start=1):
            if not text:
                continue
            try:
                line = decode(text)
                parts = tuple(line["instance"])
                if line["what"] == "clear":
                    states[parts] = _State()
                else:
                    states.setdefault(parts, _State()).apply(line)
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines):
                    break  # the process was killed while it wrote this line; nobody was told that it was saved
                raise JournalError(f"{self._path}, line {number}, is no change of a sandbox: {error!r}") from error
        return states


class _Follower:
    """Turns one instance's changes into lines."""

    def __init__(self, parts: Parts, write: Any) -> None:
        self._parts = parts
        self._write = write

    def saved(self, record: Record) -> None:
        self._write(self._parts, _record_line(record))

    def deleted(self, name: str, deletion: Deletion) -> None:
        self._write(self._parts, _deletion_line(name, deletion))

    def key_changed(self, name: str, change: KeyChange) -> None:
        self._write(self._parts, _key_change_line(name, change))

    def cleared(self) -> None:
        self._write(self._parts, {"what": "clear"})


def _deletion(line: Line) -> Deletion:
    return Deletion(line["id"], tuple(line["key"]), line["version"], tuple(line["values"]))


def _restore(instance: Instance, state: _State) -> None:
    resources = instance.store.resources
    in_load_order = sorted(state.records.items(), key=lambda item: (resources[item[0][0]].order, item[1].number))
    for (name, _), saved in in_load_order:
        instance.writer.restore(resources[name], saved)
    for name, deletion in state.deletions:
        instance.store.recall(name, deletion)
    for name, change in state.key_changes:
        instance.store.recall(name, change)
    versions = [deletion.change_version for _, deletion in state.deletions]
    versions += [change.change_version for _, change in state.key_changes]
    instance.store.change_version = max([instance.store.change_version, *versions])


def _lines_of(instance: Instance) -> Iterable[Line]:
    for name, collection in instance.store.collections.items():
        yield from (_record_line(record) for record in collection.by_id.values())
        yield from (_deletion_line(name, deletion) for deletion in collection.deletions)
        yield from (_key_change_line(name, change) for change in collection.key_changes)


def _record_line(record: Record) -> Line:
    return {
        "what": "record",
        "resource": record.resource.name,
        "id": record.id,
        "number": record.number,
        "modified": record.modified,
        "version": record.change_version,
        "document": record.document(),
    }


def _deletion_line(name: str, deletion: Deletion) -> Line:
    return {
        "what": "deletion",
        "resource": name,
        "id": deletion.id,
        "key": deletion.key,
        "values": deletion.values,
        "version": deletion.change_version,
    }


def _key_change_line(name: str, change: KeyChange) -> Line:
    return {
        "what": "key change",
        "resource": name,
        "id": change.id,
        "old": change.old,
        "new": change.new,
        "version": change.change_version,
    }


def _encode(parts: Parts, line: Line) -> bytes:
    return encode({"instance": parts, **line}) + b"\n"
