"""Preferences: each mapping with the codes in use, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from edfi_cte.associations.model import MAPPED_FIELDS
from edfi_cte.ledger import codes, overview
from edfi_cte.ledger.codes import Code
from edfi_cte.settings import CAREER_CLUSTERS, ResourcePreferences
from edfi_cte.ui.visit import CurrentVisit

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Mapped:
    """A code in use. ``state``: mapped, unmapped, not sent."""

    code: Code
    records: int
    to: str
    state: str


@router.get("/preferences")
def preferences(visit: CurrentVisit, target: str = "") -> HTMLResponse:
    """The resource preferences of a target against the codes in use."""
    with visit.ledger() as connection:
        target = visit.chosen(connection, target)
        targets = visit.targets(connection)
        used = codes.in_use(connection, target)
        lacking = overview.lacking_in_ods(connection, target)
    chosen, problem = visit.configuration.preferences_of(target)
    mappings = {name: _mappings(name, used[name], chosen) for name in MAPPED_FIELDS} if chosen else {}
    return visit.render(
        "preferences.html",
        title="Preferences",
        target=target,
        targets=targets,
        labels=MAPPED_FIELDS,
        mappings=mappings,
        used=used,
        preferences=chosen,
        problem=problem,
        lacking=lacking,
    )


def _mappings(field: str, used: Counter[Code], preferences: ResourcePreferences) -> list[Mapped]:
    """The codes of a field, the unmapped first, then by their number of records."""
    rows = [_mapped(field, code, records, preferences) for code, records in used.items()]
    return sorted(rows, key=lambda row: (row.state != "unmapped", -row.records, row.code.value))


def _mapped(field: str, code: Code, records: int, preferences: ResourcePreferences) -> Mapped:
    value = code.value
    if field == "career_cluster":
        uris = preferences.career_cluster.uris()
        to = uris.get(value) or uris.get(value.lstrip("0"))
        label = CAREER_CLUSTERS.get(value.lstrip("0"), "")
        return Mapped(Code(value, label), records, to or "", "mapped" if to else "unmapped")
    if field == "cte_program_type":
        program = preferences.program_name
        name = program.mapping.get(value, value if program.source == "code" else code.label)
        return Mapped(code, records, name, "mapped" if name else "unmapped")
    if field == "certification_status":
        to = getattr(preferences.certification_status, value.casefold(), None)
        known = value.casefold() in ("passing", "attempted", "none")
        return Mapped(code, records, to or "", "mapped" if to else "not sent" if known else "unmapped")
    return _optional(getattr(preferences, field), code, records)


def _optional(mapping: dict[str, object], code: Code, records: int) -> Mapped:
    """Without a mapping nothing of the field is sent; with one, a code that it does not list is an error."""
    to = mapping.get(code.value)
    if to is not None:
        return Mapped(code, records, str(to).lower() if isinstance(to, bool) else str(to), "mapped")
    return Mapped(code, records, "", "unmapped" if mapping and code.value not in mapping else "not sent")
