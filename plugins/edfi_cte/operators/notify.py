"""Telling people, by Airflow's own notifiers or any function: ``dag.on_failure`` and ``dag.on_waiting``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any

from edfi_cte.settings import Notification, SettingsError

Notify = Callable[[Any], Any]
log = logging.getLogger(__name__)


def notifiers(setting: str, chosen: Sequence[Notification]) -> list[Notify]:
    """What to call with a task's context. A class is made with the arguments, a function is called with them.

    Raises SettingsError where one can't be imported, or does not take its arguments.
    """
    return [_made(f"dag.{setting}[{index}]", one) for index, one in enumerate(chosen)]


def _made(place: str, one: Notification) -> Notify:
    module, _, name = one.notifier.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # noqa: BLE001 - the module is a team's: it may fail of anything
        raise SettingsError(f"{place}.notifier: {one.notifier} can't be imported here ({_words(error)})") from None
    if not callable(found):
        raise SettingsError(f"{place}.notifier: {one.notifier} is no notifier and no function")
    try:
        if isinstance(found, type):
            made: Notify = found(**one.arguments)
            return made
        signature(found).bind(None, **one.arguments)
        return partial(found, **one.arguments)
    except TypeError as error:
        raise SettingsError(f"{place}.arguments: {one.notifier} does not accept them ({error})") from None
    except Exception as error:  # noqa: BLE001 - as may what it makes
        raise SettingsError(f"{place}.arguments: {one.notifier} can't be made with them ({_words(error)})") from None


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: {error}"


def tell(chosen: Sequence[Notify], context: Any, **facts: Any) -> None:
    """Calls each with the context, in which ``edfi_cte`` holds ``facts``. A failing one is logged."""
    for notify in chosen:
        try:
            notify({**context, "edfi_cte": facts})
        except Exception:
            log.exception("a notification was not sent")
