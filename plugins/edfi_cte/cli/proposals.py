"""A first settings file from what Campus and the ODS say: the proposals, and the text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from edfi_cte.campus import CodeUsage
from edfi_cte.settings import CAREER_CLUSTERS, CTE_PROGRAM_TYPE_URI

NEAR = 0.6
"""How alike two names are to be proposed for one another, of 1."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One of the ODS's: ``uri`` is ``<namespace>#<code value>``."""

    uri: str
    description: str

    @property
    def code_value(self) -> str:
        return self.uri.partition("#")[2]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a Campus code might be in the ODS; ``why`` is how it was found, and empty where nothing is near."""

    code: str
    name: str
    records: int
    value: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What the file is to say of its target and connections."""

    district_number: str
    scope_year: int
    campus_conn_id: str
    edfi_conn_id: str
    ledger_conn_id: str
    education_organization_id: int | None = None


def clusters(usage: Sequence[CodeUsage], known: Sequence[Descriptor]) -> list[Proposal]:
    """A descriptor for each Career Cluster in use: of the same code, else of the same or the nearest name."""
    found = []
    for item in usage:
        name = item.name or CAREER_CLUSTERS.get(item.code, "")
        same = [one for one in known if one.code_value == item.code]
        if same:
            found.append(Proposal(item.code, name, item.records, same[0].uri, "the same code"))
            continue
        near, alike = _nearest(name, {one.uri: (one.code_value, one.description) for one in known})
        why = "the same name" if alike == 1 else "the nearest name: look at it" if near else ""
        found.append(Proposal(item.code, name, item.records, near, why))
    return found


def programs(usage: Sequence[CodeUsage], known: Sequence[str]) -> list[Proposal]:
    """A program for each CTE Program Type in use whose label is none of the ODS's programs."""
    found = []
    for item in usage:
        if item.name not in known:
            near, _ = _nearest(item.name or "", {name: (name,) for name in known})
            why = "the nearest name: look at it" if near else ""
            found.append(Proposal(item.code, item.name or "", item.records, near, why))
    return found


def _nearest(name: str, known: Mapping[str, Sequence[str]]) -> tuple[str | None, float]:
    wanted = _plain(name)
    alike = {
        key: max((SequenceMatcher(None, wanted, _plain(text)).ratio() for text in texts if text), default=0.0)
        for key, texts in known.items()
    }
    best = max(alike, key=lambda key: alike[key], default=None)
    return (best, alike[best]) if best is not None and wanted and alike[best] >= NEAR else (None, 0.0)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold().replace("&", "and") if letter.isalnum())


def settings_text(
    answers: Answers, cluster_proposals: Sequence[Proposal], program_proposals: Sequence[Proposal], program_type: str
) -> str:
    """The whole file, with a comment where a person has to look."""
    return "\n".join(_lines(answers, cluster_proposals, program_proposals, program_type)) + "\n"


def _lines(
    answers: Answers, cluster_proposals: Sequence[Proposal], program_proposals: Sequence[Proposal], program_type: str
) -> Iterator[str]:
    yield "# Written by edfi-cte init from what Campus and the ODS said. Look at each comment, then: edfi-cte check"
    yield "version: 1"
    yield f"ledger_conn_id: {answers.ledger_conn_id}"
    yield ""
    yield "# One target a district and scope year: add one when the state opens the next year's ODS."
    yield "targets:"
    yield f"  - district_number: {json.dumps(answers.district_number)}"
    yield f"    scope_year: {answers.scope_year}"
    yield f"    campus_conn_id: {answers.campus_conn_id}"
    yield f"    edfi_conn_id: {answers.edfi_conn_id}"
    if answers.education_organization_id is not None:
        yield "    # The key is for this education organization, not for the State District Number's."
        yield f"    education_organization_id: {answers.education_organization_id}"
    yield ""
    yield "preferences:"
    yield "  default:"
    if program_type != CTE_PROGRAM_TYPE_URI:
        yield f"    program_type_descriptor: {json.dumps(program_type)}"
    yield from _program_lines(program_proposals)
    yield from _cluster_lines(cluster_proposals)
    yield "    send_end_date: false"
    yield ""
    yield "# By hand until you have seen a dry run; then '@daily', or a cron expression."
    yield "dag:"
    yield "  schedule: null"


def _program_lines(proposals: Sequence[Proposal]) -> Iterator[str]:
    if not proposals:
        return
    yield "    program_name:"
    proposed = [one for one in proposals if one.value]
    yield "      mapping:" if proposed else "      mapping: {}"
    for one in proposals:
        yield f"        {_entry(one)}"


def _cluster_lines(proposals: Sequence[Proposal]) -> Iterator[str]:
    same = {one.value.partition("#")[0] for one in proposals if one.value and one.why == "the same code"}
    yield "    career_cluster:"
    namespace = same.pop() if len(same) == 1 else None
    if namespace:
        yield f"      namespace: {namespace}"
    rest = [one for one in proposals if not (namespace and one.value == f"{namespace}#{one.code}")]
    yield "      mapping:" if any(one.value for one in rest) else "      mapping: {}"
    for one in rest:
        yield f"        {_entry(one)}"


def _entry(one: Proposal) -> str:
    """A line of a mapping; a comment where there is nothing to propose."""
    said = f"{one.name or 'no label in Campus'}, {one.records:,} records"
    if one.value is None:
        return f"# {json.dumps(one.code)}: nothing like it is in the ODS ({said})"
    return f"{json.dumps(one.code)}: {json.dumps(one.value, ensure_ascii=False)}  # {said}; {one.why}"
