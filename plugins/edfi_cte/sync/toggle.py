"""The resource toggle while a step is under way: switched off, it stops the writes that have not begun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edfi_cte.errors import EdfiCteError
from edfi_cte.settings import Settings, SettingsError

OFF = "the resource toggle is off (enabled: false): nothing is sent, deleted or cleaned up"


class StepSkipped(EdfiCteError):
    """A step has, for a reason that is no fault, nothing to do."""


class ToggleWatch:
    """Called now and then; what there is in the settings file that ends the step, if anything.

    The file is read only where it is another than before. One that cannot be read is looked at once more: an editor
    may be writing it.
    """

    def __init__(self, path: Path, load: Callable[[Path], Settings], target_id: str) -> None:
        self._path, self._load, self._target_id = path, load, target_id
        self._seen = self._stamp()
        self._unreadable = False

    def __call__(self) -> EdfiCteError | None:
        """StepSkipped where the toggle is off; SettingsError where the target is gone, or the file can't be read."""
        stamp = self._stamp()
        if stamp == self._seen and not self._unreadable:
            return None
        self._seen = stamp
        try:
            settings = self._load(self._path)
        except SettingsError as error:
            twice, self._unreadable = self._unreadable, True
            return error if twice else None
        self._unreadable = False
        try:
            enabled = settings.target(self._target_id).enabled
        except SettingsError as error:
            return error
        return None if enabled else StepSkipped(OFF)

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
