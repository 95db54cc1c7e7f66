"""Tokens shared by the processes of a run, so that they stay far below the 15 live ones an ODS allows (7.3+)."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import token as table


class LedgerTokenStore:
    """Keeps tokens in the ledger, encrypted with Airflow's Fernet keys; the first key encrypts, all decrypt."""

    def __init__(self, ledger: sa.Engine, fernet_keys: list[str]) -> None:
        self._ledger = ledger
        self._fernet = MultiFernet([Fernet(key.encode()) for key in fernet_keys])

    def get(self, key: str) -> tuple[str, datetime] | None:
        """The token kept under ``key`` and when it expires (UTC, aware), if it is still good."""
        with self._ledger.connect() as connection:
            row = connection.execute(sa.select(table).where(table.c.token_key == key)).first()
        if row is None or row.expires_at <= bulk.now():
            return None
        try:
            plain = self._fernet.decrypt(row.encrypted.encode()).decode()
        except InvalidToken:
            return None
        return plain, row.expires_at.replace(tzinfo=UTC)

    def put(self, key: str, token: str, expires_at: datetime) -> None:
        """Keep a token for other processes."""
        row = {
            "token_key": key,
            "encrypted": self._fernet.encrypt(token.encode()).decode(),
            "expires_at": expires_at.astimezone(UTC).replace(tzinfo=None),
        }
        try:
            with self._ledger.begin() as connection:
                connection.execute(sa.delete(table).where(table.c.token_key == key))
                connection.execute(sa.insert(table).values(row))
        except sa.exc.IntegrityError:
            # Another process kept one at the same moment; either serves.
            pass

    def discard(self, key: str, token: str) -> None:
        """Forget a token that the API refused, unless another process has already replaced it."""
        kept = self.get(key)
        if kept is not None and kept[0] == token:
            with self._ledger.begin() as connection:
                connection.execute(sa.delete(table).where(table.c.token_key == key))
