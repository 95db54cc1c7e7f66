"""What the pages read from: the settings file, and the ledger through a small pool of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import sqlalchemy as sa

from edfi_cte.deployment import airflow_connection, current_settings
from edfi_cte.ledger.database import LedgerError, LedgerUnavailable, ledger_url
from edfi_cte.ledger.reading import reading, reading_engine
from edfi_cte.settings import ResourcePreferences, Settings, SettingsError, Target

log = logging.getLogger(__name__)
_DEFAULT_LEDGER = "edfi_cte_ledger"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings as this server has them; ``problem`` says why it has none.

    A web server may have no settings file. What the ledger knows is shown all the same.
    """

    settings: Settings | None
    problem: str = ""

    @property
    def targets(self) -> dict[str, Target]:
        """The configured targets by name, in the file's order."""
        return {target.target_id: target for target in self.settings.targets} if self.settings else {}

    @property
    def ledger_conn_id(self) -> str:
        """The connection that the pages read by."""
        if self.settings is None:
            return _DEFAULT_LEDGER
        return self.settings.ui.ledger_conn_id or self.settings.ledger_conn_id

    def preferences_of(self, target_id: str) -> tuple[ResourcePreferences | None, str]:
        """A target's resource preferences, or why there are none."""
        target = self.targets.get(target_id)
        if self.settings is None or target is None:
            return None, self.problem or f"{target_id} is not in the settings any more."
        try:
            return self.settings.preferences_of(target), ""
        except SettingsError as error:
            return None, str(error)


def configuration() -> Configuration:
    """Read anew where the file has changed."""
    try:
        return Configuration(current_settings())
    except SettingsError as error:
        return Configuration(None, str(error))


class Source:
    """The ledger, opened when first read and kept; forgotten when it fails, so that a mended connection is seen."""

    def __init__(self) -> None:
        self._engines: dict[str, sa.Engine] = {}
        self._lock = Lock()

    @contextmanager
    def ledger(self, conn_id: str) -> Iterator[sa.Connection]:
        """A connection for reading. Raises LedgerError, ConnectionMissing."""
        try:
            with reading(self._engine(conn_id)) as connection:
                yield connection
        except (LedgerUnavailable, sa.exc.OperationalError) as error:
            log.warning("the pages can't read the ledger by connection '%s': %s", conn_id, _said(error))
            self._forget(conn_id)
            raise

    def _engine(self, conn_id: str) -> sa.Engine:
        with self._lock:
            if conn_id not in self._engines:
                connection = airflow_connection(conn_id)
                try:
                    self._engines[conn_id] = reading_engine(ledger_url(connection), connection.extra_dejson)
                except ModuleNotFoundError as error:
                    raise LedgerError(
                        f"Connection '{conn_id}' needs the Python package '{error.name}'. This web server lacks it."
                    ) from None
            return self._engines[conn_id]

    def _forget(self, conn_id: str) -> None:
        with self._lock:
            engine = self._engines.pop(conn_id, None)
        if engine is not None:
            engine.dispose()


def _said(error: Exception) -> str:
    """The driver's first line, for the server's log: it names hosts, never a row."""
    cause = error.__context__ if isinstance(error, LedgerUnavailable) else error
    original = getattr(cause, "orig", None) or error
    return (str(original).strip().splitlines() or ["no answer"])[0]
