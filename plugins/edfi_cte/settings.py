"""The deployment's settings: targets, resource preferences and guards, from one YAML file under version control.

Every error names the file, the line, the path of the value and what is allowed there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from edfi_cte.errors import EdfiCteError

CAREER_CLUSTERS = {
    # page: CTE Program Service Descriptor. 13 (Manufacturing) is missing from the published list; it is in the
    # national numbering that the list follows, so it is shipped and flagged rather than dropped in silence.
    "1": "Agriculture, Food & Natural Resource",
    "2": "Architecture & Construction",
    "3": "Arts/ A/V Technology & Communication",
    "4": "Business & Administrative",
    "5": "Education & Training",
    "6": "Finance & Insurance",
    "7": "Government & Public Administration",
    "8": "Health Science",
    "9": "Hospitality & Tourism",
    "10": "Human Service",
    "11": "Information Technology",
    "12": "Law & Public Safety",
    "13": "Manufacturing",
    "14": "Marketing Sales & Service",
    "15": "Scientific Research/Engineering",
    "16": "Transportation, Distribution, & Logistics",
}
UNLISTED_CAREER_CLUSTERS = frozenset({"13"})

CTE_PROGRAM_TYPE_URI = "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"

_DESCRIPTOR_URI = re.compile(r"uri://[^\s/#]+/[A-Za-z0-9_.\-/]*Descriptor#[^#]+\Z")


_DISTRICT_NUMBER = 'a district number is six digits, in quotes, with its leading zeros: "039141"'


class SettingsError(EdfiCteError):
    """The settings file is missing, unreadable or invalid."""


def _descriptor_uri(value: str) -> str:
    if not _DESCRIPTOR_URI.match(value):
        raise ValueError(
            "a descriptor is written uri://<host>/<Name>Descriptor#<code value>, "
            "for example uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"
        )
    if len(value) > 306:
        raise ValueError("a descriptor has at most 306 characters")
    return value


def _matches(pattern: str, said: str) -> AfterValidator:
    """Refuses what ``pattern`` does not match as a whole, and says in words what would be right."""
    whole = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not whole.fullmatch(value):
            raise ValueError(said)
        return value

    return AfterValidator(check)


DescriptorUri = Annotated[str, AfterValidator(_descriptor_uri)]
ConnectionId = Annotated[
    str, _matches(r"[A-Za-z0-9_.\-]{1,200}", "a connection's id has letters, digits, '_', '-' and '.' only")
]
DottedPath = Annotated[
    str, _matches(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", "a function is named by its path, as in our_package.alerts.page")
]
Schedule = Annotated[
    str,
    _matches(
        r"@(once|continuous|hourly|daily|weekly|monthly|quarterly|yearly)|\S+( +\S+){4,6}",
        "a schedule is @daily or the like, or a cron expression such as '30 4 * * 1-5'; null is by hand only",
    ),
]
CampusCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class ProgramNamePreference(_Settings):
    """Which value of CTE Program Type is the Program's name in the ODS (reading C: the label by default)."""

    source: Literal["label", "code"] = "label"
    mapping: dict[CampusCode, Annotated[str, StringConstraints(min_length=1, max_length=60)]] = {}
    """CTE Program Type code to programName; a code that is not listed keeps its ``source`` value."""


class CareerClusterPreference(_Settings):
    """Campus's Career Cluster code to the cteProgramServiceDescriptor."""

    namespace: Annotated[
        str,
        _matches(
            r"uri://[^\s/#]+/[^\s#]*Descriptor",
            "a namespace is written uri://<host>/<Name>Descriptor, for example uri://ed-fi.org/CTEProgramServiceDescriptor",
        ),
    ] = "uri://dese.mo.gov/CTEProgramServiceDescriptor"
    """Where the shipped defaults (codes 1 to 16) live. The host is not public: take it from your ODS."""
    mapping: dict[CampusCode, DescriptorUri] = {}
    """Full URIs for single codes, over the defaults or beside them."""

    def uris(self) -> dict[str, str]:
        """Every mapped code with its descriptor URI."""
        defaults = {code: f"{self.namespace}#{code}" for code in CAREER_CLUSTERS}
        return defaults | self.mapping


class CertificationStatusPreference(_Settings):
    """Career Tech Program Certifications to technicalSkillsAssessmentDescriptor (page: Resource Preferences)."""

    passing: DescriptorUri | None = None
    attempted: DescriptorUri | None = None
    none: DescriptorUri | None = None


class ResourcePreferences(_Settings):
    """The mappings from Campus values to Ed-Fi (page: Resource Preferences).

    In an optional mapping a code set to null is known and not sent; a code that a configured mapping does not
    list rejects the record.
    """

    program_type_descriptor: DescriptorUri = CTE_PROGRAM_TYPE_URI
    program_name: ProgramNamePreference = ProgramNamePreference()
    career_cluster: CareerClusterPreference = CareerClusterPreference()
    career_pathway: dict[CampusCode, DescriptorUri | None] = {}
    student_status: dict[CampusCode, bool | None] = {}
    certification_status: CertificationStatusPreference = CertificationStatusPreference()
    send_end_date: bool = False
    career_cluster_change: Literal["delete_post", "put"] = "delete_post"
    create_missing_programs: bool = False

    def fingerprint(self) -> str:
        """Changes when, and only when, a mapping changes."""
        mappings = self.model_dump(exclude={"career_cluster_change", "create_missing_programs"})
        return hashlib.blake2b(json.dumps(mappings, sort_keys=True).encode(), digest_size=16).hexdigest()


class Guards(_Settings):
    """When a year stops rather than does harm."""

    max_delete_fraction: Annotated[float, Field(ge=0, le=1)] = 0.10
    """Share of the mapped records that one run may delete (the delete of a Delete/Post included) ..."""
    max_delete_count: Annotated[int, Field(ge=0)] = 25
    """... once it is more than this many."""
    max_failure_fraction: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Failed events as a share of the desired records: with more the run fails, and no Delete/Post is begun ..."""
    max_failure_count: Annotated[int, Field(ge=0)] = 10
    """... once it is more than this many."""


class Retention(_Settings):
    """How long the ledger keeps what is no longer needed for the sync."""

    days: Annotated[int, Field(ge=1, le=3650)] = 400


class DagSettings(_Settings):
    """What a cluster's team sets of the DAG without editing its file."""

    schedule: Schedule | None = "@daily"
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    retry_delay_minutes: Annotated[float, Field(ge=0, le=1440)] = 10
    execution_timeout_minutes: Annotated[float, Field(gt=0, le=2880)] = 180
    deadline_minutes: Annotated[float, Field(gt=0, le=10080)] | None = None
    """Airflow's deadline alert: a run that has not ended so long after it was queued is told of."""
    deadline_callback: DottedPath = "edfi_cte.operators.deadline.log_missed_deadline"
    """The async function, importable by the triggerer, that is called then with the ``context``."""
    pool: Annotated[str, StringConstraints(min_length=1)] = "default_pool"
    queue: str | None = None
    sending_tasks: Annotated[int, Field(ge=1, le=12)] = 1
    """How many tasks share the sending of a target's events; one is enough for any district."""
    owner: str = "edfi-cte"
    tags: tuple[str, ...] = ("ed-fi", "campus", "cte")


class Target(_Settings):
    """A scope year of a district, with its own Ed-Fi connection, toggle and preferences."""

    district_number: Annotated[str, _matches(r"[0-9]{6}", _DISTRICT_NUMBER)]
    scope_year: Annotated[int, Field(ge=2015, le=2100)]
    campus_conn_id: ConnectionId
    edfi_conn_id: ConnectionId
    enabled: bool = True
    preferences: str = "default"
    education_organization_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None
    """The Ed-Fi District Number, where it differs from the State District Number."""
    student_id: Literal["stateID", "edFiID", "studentNumber"] = "stateID"
    campus_isolation: Literal["read_committed", "snapshot"] = "read_committed"
    """SQL Server's isolation level for reading Campus; ``snapshot`` needs ALLOW_SNAPSHOT_ISOLATION there."""

    @field_validator("district_number", mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:
        if isinstance(value, int):
            raise ValueError(_DISTRICT_NUMBER)  # noqa: TRY004
        return value

    @property
    def target_id(self) -> str:
        """The target's name in the ledger, the grid and every report."""
        return f"{self.district_number}-{self.scope_year}"

    @property
    def edorg_id(self) -> int:
        """educationOrganizationId: the State District Number as an integer, unless overridden."""
        return self.education_organization_id or int(self.district_number)


class Settings(_Settings):
    """The whole file."""

    version: Literal[1]
    ledger_conn_id: ConnectionId = "edfi_cte_ledger"
    sql_dir: Path | None = None
    """A folder with the district's own copies of the SQL templates; a template it lacks is the shipped one.

    A relative path starts at the settings file's folder.
    """
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    preferences: dict[str, dict[str, Any]] = {"default": {}}
    """Resource preferences by name; validated target by target, so that a mistake stops only its own years."""
    guards: Guards = Guards()
    retention: Retention = Retention()
    dag: DagSettings = DagSettings()

    _path: Path = PrivateAttr(default=Path("settings"))
    _node: yaml.Node | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _unique("district_number and scope_year", [t.target_id for t in self.targets], "Remove one of them.")
        _unique(
            "edfi_conn_id",
            [t.edfi_conn_id for t in self.targets],
            "In one ODS they would delete each other's records: name each scope year's own connection.",
        )
        _unique(
            "education organization and scope_year",
            [f"{t.edorg_id}, {t.scope_year}" for t in self.targets],
            "They would delete each other's records: correct district_number or education_organization_id.",
        )
        for index, target in enumerate(self.targets):
            if target.preferences not in self.preferences:
                known = ", ".join(sorted(self.preferences)) or "none"
                raise ValueError(
                    f"targets[{index}].preferences: there are no preferences named '{target.preferences}'; "
                    f"defined: {known}"
                )
        return self

    def target(self, target_id: str) -> Target:
        """The configured target of that name; :class:`SettingsError` if there is none."""
        for target in self.targets:
            if target.target_id == target_id:
                return target
        raise SettingsError(f"no target '{target_id}' is configured; configured: {self._names()}")

    def targets_of(self, scope_year: int | None) -> list[Target]:
        """The targets of one scope year, or every target for ``None``.

        :class:`SettingsError` if the scope year is not configured ("Data will only send for the years that
        have valid configuration", page: Scope Year Logic).
        """
        chosen = [t for t in self.targets if scope_year in (None, t.scope_year)]
        if not chosen:
            raise SettingsError(
                f"scope year {scope_year} is not configured, so nothing is done; configured: {self._names()}. "
                "Add a target for it to the settings file, or trigger with one of these years."
            )
        return chosen

    def preferences_of(self, target: Target) -> ResourcePreferences:
        """The target's resource preferences. Raises :class:`SettingsError` if they are invalid."""
        try:
            return ResourcePreferences.model_validate(self.preferences[target.preferences])
        except ValidationError as error:
            inside = ("preferences", target.preferences)
            raise SettingsError(_explain(self._path, self._node, error, inside)) from None

    def _names(self) -> str:
        return ", ".join(t.target_id for t in self.targets)


def _unique(what: str, values: list[str], advice: str) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"targets: two targets share the same {what} ({value}). {advice}")


class _Loader(yaml.SafeLoader):
    """YAML, but codes are text: to YAML 1.1, 0110 is the number 72, and the key 52.0400 is 52.04."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:int"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self.flatten_mapping(node)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9]*)\Z"), list("-+0123456789"))


def _refuse_repetition(node: yaml.Node | None) -> None:
    """YAML takes the last of two values of one name, in silence: the first would be lost."""
    if isinstance(node, yaml.MappingNode):
        names = Counter(str(key.value) for key, _ in node.value)
        for key, _ in node.value:
            if names[str(key.value)] > 1:
                raise yaml.MarkedYAMLError(problem=f"'{key.value}' is written twice", problem_mark=key.start_mark)
        for _, value in node.value:
            _refuse_repetition(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repetition(value)


def load_settings(path: Path) -> Settings:
    """Read and validate the settings file. Raises :class:`SettingsError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(
            f"{path}: the settings file cannot be read: {reason}. Set AIRFLOW__EDFI_CTE__SETTINGS_FILE to its path."
        ) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        _refuse_repetition(node)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{where}: not valid YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: the file is empty or no mapping; start it with 'version: 1'")
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(_explain(path, node, error)) from None
    if settings.sql_dir:
        # Beside the file, wherever the process was started.
        settings = settings.model_copy(update={"sql_dir": path.parent / settings.sql_dir.expanduser()})
    settings._path, settings._node = path, node
    return settings


_WORDS = {
    "missing": "is missing",
    "dict_type": "write settings below it, each as name: value",
    "model_type": "write settings below it, each as name: value",
    "tuple_type": "write a list, each item on a line of its own after '- '",
    "too_short": "at least one is needed",
}
"""In place of pydantic's words, which are those of Python."""


def _explain(path: Path, node: yaml.Node | None, error: ValidationError, inside: tuple[str, ...] = ()) -> str:
    found = error.errors(include_url=False, include_input=False)
    lines = []
    for item in found:
        if any(_is_part_of(other["loc"], item["loc"]) for other in found):
            continue  # "no valid target" only repeats what is wrong with the target
        location = (*inside, *item["loc"])
        dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
        message = _WORDS.get(item["type"]) or item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "there is no such setting; " + _allowed(location)
        prefix = f"{path}, line {_line(node, location)}: "
        lines.append(prefix + (f"{dotted}: {message}" if dotted else message))
    return "\n".join(lines)


def _is_part_of(location: tuple[int | str, ...], whole: tuple[int | str, ...]) -> bool:
    return len(location) > len(whole) > 0 and location[: len(whole)] == whole


def _allowed(location: tuple[int | str, ...]) -> str:
    model: Any = Settings
    children = {
        "targets": Target,
        "preferences": ResourcePreferences,
        "guards": Guards,
        "retention": Retention,
        "dag": DagSettings,
        "program_name": ProgramNamePreference,
        "career_cluster": CareerClusterPreference,
        "certification_status": CertificationStatusPreference,
    }
    for part in location[:-1]:
        model = children.get(str(part), model)
    return "allowed here: " + ", ".join(model.model_fields)


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """The line of the deepest part of ``location`` that the file has."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if str(k.value) == str(part)), None)
            if found is None:
                break
            key, node = found
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
