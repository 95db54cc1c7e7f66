"""A client with an event loop of its own, for callers who have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from edfi_cte.ods import EdFiClient

T = TypeVar("T")


class ClientSession:
    """An open client on a thread of its own, so that any thread may call it, close it, or forget it."""

    def __init__(self, client: EdFiClient) -> None:
        self._client = client
        self._loop = asyncio.new_event_loop()
        self._stopped = False
        self._thread = threading.Thread(target=self._live, name="edfi-client", daemon=True)
        self._thread.start()
        self.run(EdFiClient.__aenter__)

    def run(self, work: Callable[[EdFiClient], Coroutine[Any, Any, T]]) -> T:
        """What ``work`` returns. An interrupt of the caller, such as a task's timeout, cancels it."""
        task = asyncio.run_coroutine_threadsafe(work(self._client), self._loop)
        try:
            return task.result()
        finally:
            task.cancel()

    def stop(self) -> None:
        """Has the session end by itself. Waits for nothing: the garbage collector may call it anywhere."""
        if not self._stopped:
            self._stopped = True
            self._loop.call_soon_threadsafe(self._loop.stop)

    def close(self) -> None:
        """Ends the session and waits until its connections are closed."""
        self.stop()
        self._thread.join()

    def _live(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _end(self) -> None:
        """Calls that other threads still wait for are cancelled: nobody would ever answer them."""
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._client.__aexit__(None, None, None)
