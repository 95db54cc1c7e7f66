"""A hook that watches, and may break, what goes through a real one."""

from __future__ import annotations

from typing import Any


class WrappedHook:
    """Counts open connections and fetched rows; ``cut_after`` ends every longer result early, ``fail`` raises."""

    def __init__(self, hook: Any, *, cut_after: int | None = None, fail: Exception | None = None) -> None:
        self._hook = hook
        self.cut_after = cut_after
        self.fail = fail
        self.open_connections = 0
        self.rows_fetched_last = 0
        self.statements: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hook, name)

    def get_conn(self) -> Any:
        self.open_connections += 1
        return _Connection(self, self._hook.get_conn())


class _Connection:
    def __init__(self, hook: WrappedHook, connection: Any) -> None:
        self._hook = hook
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> Any:
        return _Cursor(self._hook, self._connection.cursor())

    def close(self) -> None:
        self._hook.open_connections -= 1
        self._connection.close()


class _Cursor:
    def __init__(self, hook: WrappedHook, cursor: Any) -> None:
        self._hook = hook
        self._cursor = cursor
        hook.rows_fetched_last = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        self._hook.statements.append((statement, parameters))
        return self._cursor.execute(statement, parameters)

    def fetchmany(self, size: int) -> list[Any]:
        if self._hook.fail:
            raise self._hook.fail
        rows: list[Any] = self._cursor.fetchmany(size)
        if self._hook.cut_after is not None:
            rows = rows[: max(0, self._hook.cut_after - self._hook.rows_fetched_last)]
        self._hook.rows_fetched_last += len(rows)
        return rows
