"""One request to a page: who asks, what is read from, and how its addresses and its HTML are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from fastapi import Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

import edfi_cte
from edfi_cte.ledger import overview
from edfi_cte.ledger.database import faults_explained
from edfi_cte.ui.access import DAG_ID, CurrentRights, Rights
from edfi_cte.ui.source import Configuration, Source, configuration
from edfi_cte.ui.templating import templates

URL_PREFIX = "/edfi-cte"
RowId = Annotated[int, Query(ge=-(2**63), lt=2**63)]
"""A number that a database takes for an id."""


def page_address(root: str, page: str, query: dict[str, Any]) -> str:
    """The address of one of our pages under ``root``; what is ``None`` or blank is left out."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{root}/{page}" + (f"?{urlencode(given)}" if given else "")


@dataclass
class Visit:
    """What every page needs of its request."""

    request: Request
    rights: Rights
    source: Source

    @cached_property
    def configuration(self) -> Configuration:
        """The settings, as this server has them."""
        return configuration()

    @property
    def root(self) -> str:
        """Where the pages are mounted, such as ``/airflow/edfi-cte``."""
        return str(self.request.scope.get("root_path", ""))

    @property
    def airflow_root(self) -> str:
        """Airflow's own base path, such as ``/airflow``."""
        return self.root.removesuffix(URL_PREFIX)

    def url(self, page: str = "", /, **query: Any) -> str:
        """The address of a page."""
        return page_address(self.root, page, query)

    def airflow_url(self, *parts: str) -> str:
        """The address of a page of Airflow's own."""
        return "/".join([self.airflow_root, *(quote(part, safe="") for part in parts)])

    @contextmanager
    def ledger(self) -> Iterator[sa.Connection]:
        """A connection for reading. Raises LedgerError, ConnectionMissing, with nothing of a row in it."""
        with faults_explained(), self.source.ledger(self.configuration.ledger_conn_id) as connection:
            yield connection

    def student(self, student_id: str | None) -> str:
        """A student's id: whole for whoever may edit the DAG, else its last two characters."""
        if not student_id or self.rights.edit:
            return student_id or ""
        return "•••" + student_id[-2:] if len(student_id) > 4 else "•••"

    def targets(self, connection: sa.Connection) -> list[str]:
        """Every target: as configured, then those that only the ledger knows."""
        return list(dict.fromkeys([*self.configuration.targets, *overview.targets(connection)]))

    def chosen(self, connection: sa.Connection, target_id: str) -> str:
        """The target that the page is about: the one asked for, else the first of the newest scope year.

        Raises 404 if it is not known.
        """
        known = self.targets(connection)
        if target_id:
            if target_id not in known:
                raise HTTPException(404, "There is no such target: neither the settings nor the ledger know it.")
            return target_id
        if not known:
            raise HTTPException(404, "No target is configured, and none has run yet.")
        return max(known, key=lambda name: (name.rpartition("-")[2], -known.index(name)))

    def render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page as HTML."""
        html = (
            templates()
            .get_template(template)
            .render(
                visit=self,
                url=self.url,
                airflow_url=self.airflow_url,
                student=self.student,
                dag_id=DAG_ID,
                version=edfi_cte.__version__,
                **values,
            )
        )
        return HTMLResponse(html, status)


def _visit(request: Request, rights: CurrentRights) -> Visit:
    return Visit(request, rights, request.app.state.source)


CurrentVisit = Annotated[Visit, Depends(_visit)]
