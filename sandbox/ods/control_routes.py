"""The control endpoint: outside the API's paths, for tests and demonstrations only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.ods.application import Application
from sandbox.ods.clients import CLAIM_SETS, Client
from sandbox.ods.faults import Fault, FaultError, Faults
from sandbox.ods.instance import Instance, SeedError
from sandbox.ods.messages import Request, Response, json_response
from sandbox.ods.request_log import RequestLog

PREFIX = "/sandbox-control/"


class ControlRoutes:
    """`POST /sandbox-control/<command>` with JSON arguments; the answer is JSON, an error is 400 with a sentence."""

    def __init__(self, application: Application, log: RequestLog, faults: Faults, reseed: Callable[[], None]) -> None:
        self._application = application
        self._log = log
        self._faults = faults
        self._reseed = reseed

    def handle(self, request: Request) -> Response:
        command = request.path.removeprefix(PREFIX)
        action = getattr(self, f"_do_{command}", None)
        if request.method != "POST" or action is None:
            known = ", ".join(name.removeprefix("_do_") for name in dir(self) if name.startswith("_do_"))
            return json_response(404, {"error": f"There is no command POST {command!r}; there are {known}."})
        try:
            arguments = request.json() if request.body else {}
            return json_response(200, action(**arguments))
        except (SeedError, FaultError, TypeError, KeyError, ValueError) as error:
            return json_response(400, {"error": f"{command}: {error}"})

    def _instance(self, instance: list[str] | None = None) -> Instance:
        """The instance meant: `["2026"]` or `["tenant", "2026"]`; None where there is only one."""
        instances = self._application.instances
        if instance is None:
            if len(instances) > 1:
                raise SeedError(f"Say which instance: one of {[list(parts) for parts in instances]}.")
            return next(iter(instances.values()))
        found = instances.get(tuple(instance))
        if found is None:
            raise SeedError(f"There is no instance {instance}; there are {[list(parts) for parts in instances]}.")
        return found

    def _do_log(self) -> dict[str, Any]:
        return self._log.as_document()

    def _do_clear_log(self) -> None:
        self._log.clear()

    def _do_faults(self, rules: list[dict[str, Any]], seed: int = 0) -> None:
        self._faults.set([Fault.parse(rule) for rule in rules], seed)

    def _do_fault_counts(self) -> list[int]:
        return self._faults.struck

    def _do_documents(self, resource: str, instance: list[str] | None = None) -> list[dict[str, Any]]:
        return self._instance(instance).documents(resource)

    def _do_counts(self, instance: list[str] | None = None) -> dict[str, int]:
        collections = self._instance(instance).store.collections
        return {name: len(collection.by_id) for name, collection in collections.items() if collection.by_id}

    def _do_put(self, resource: str, document: dict[str, Any], instance: list[str] | None = None) -> dict[str, Any]:
        return self._instance(instance).put(resource, document)

    def _do_delete(self, resource: str, id: str, instance: list[str] | None = None) -> bool:  # noqa: A002
        return self._instance(instance).remove(resource, id)

    def _do_seed(self, documents: dict[str, list[dict[str, Any]]], instance: list[str] | None = None) -> None:
        self._instance(instance).seed(documents)

    def _do_clear(self, instance: list[str] | None = None) -> None:
        self._instance(instance).clear()

    def _do_reset(self) -> None:
        """Back to the seed: data, log, faults and tokens."""
        self._reseed()
        self._log.clear()
        self._faults.set([])
        self._application.clients.revoke_all()

    def _do_revoke_tokens(self) -> int:
        return self._application.clients.revoke_all()

    def _do_token_lifetime(self, seconds: float) -> None:
        self._application.clients.lifetime = seconds

    def _do_tokens_issued(self) -> int:
        return self._application.clients.issued

    def _do_add_client(
        self,
        key: str,
        secret: str,
        claim_set: str = "SIS Vendor",
        education_organizations: list[int] | None = None,
        namespace_prefixes: list[str] | None = None,
    ) -> None:
        if claim_set not in CLAIM_SETS:
            raise SeedError(f"There is no claim set {claim_set!r}; there are {', '.join(CLAIM_SETS)}.")
        self._application.clients.add(
            Client(
                key,
                secret,
                claim_set,
                frozenset(education_organizations or ()),
                tuple(namespace_prefixes or ("uri://ed-fi.org",)),
            )
        )
