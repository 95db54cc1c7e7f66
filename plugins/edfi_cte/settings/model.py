"""The whole settings file: targets, guards, retention, and what a cluster's team sets of the DAG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, PrivateAttr, StringConstraints, ValidationError, field_validator, model_validator

from edfi_cte.settings.mistakes import explained
from edfi_cte.settings.preferences import ResourcePreferences
from edfi_cte.settings.values import ConnectionId, DottedPath, Misplaced, Schedule, Section, SettingsError, matches
from edfi_cte.suggestions import did_you_mean

_DISTRICT_NUMBER = 'a district number is six digits, in quotes, with its leading zeros: "039141"'


class Guards(Section):
    """When a year stops rather than does harm."""

    max_delete_fraction: Annotated[float, Field(ge=0, le=1)] = 0.10
    """Share of the mapped records that may be deleted in the window (the delete of a Delete/Post included); more
    waits for a person ..."""
    max_delete_count: Annotated[int, Field(ge=0)] = 5
    """... once it is more than this many."""
    delete_window_hours: Annotated[float, Field(gt=0, le=24 * 31)] = 24
    """The time over which deletes are counted, whatever the runs were called."""
    approval_days: Annotated[float, Field(gt=0, le=366)] = 7
    """A list of deletes that no run has seen for so long can't be approved any more."""
    out_of_reach_days: Annotated[float, Field(gt=0, le=366)] = 7
    """After so long a delete that the ODS refused is tried again."""
    max_failure_fraction: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Failed events as a share of the desired records: with more the run fails, and no Delete/Post starts ..."""
    max_failure_count: Annotated[int, Field(ge=0)] = 10
    """... once it is more than this many."""
    max_plan_age_hours: Annotated[float, Field(gt=0, le=72)] = 6
    """How many hours after its reading of Campus a run may begin to send: a task that is cleared later says to clear
    the run from ``extract`` on."""


class Retention(Section):
    """How long the ledger keeps what is no longer needed for the sync."""

    days: Annotated[int, Field(ge=1, le=3650)] = 400
    """Runs, finished events and their attempts older than this many days are removed."""


class LimitSettings(Section):
    """How long the ledger's database is waited for; what meets a limit fails the try, and the next one goes on."""

    statement_seconds: Annotated[float, Field(ge=1, le=86400)] = 300
    """Seconds for one statement."""
    lock_seconds: Annotated[float, Field(ge=1, le=3600)] = 60
    """Seconds for a lock that another session holds; less than ``statement_seconds``, which counts the wait, too."""
    idle_seconds: Annotated[float, Field(ge=10, le=86400)] = 600
    """Seconds in which a transaction may stand still before PostgreSQL ends it, as that of a frozen worker.

    SQL Server and SQLite have no such limit.
    """

    @model_validator(mode="after")
    def _lock_first(self) -> Self:
        if self.lock_seconds >= self.statement_seconds:
            raise ValueError(
                f"lock_seconds ({self.lock_seconds:g}) is not less than statement_seconds "
                f"({self.statement_seconds:g}). A statement that waits for a lock would be ended as one that takes "
                "too long, and nobody would look for the session that holds the lock. Lower lock_seconds, or raise "
                "statement_seconds."
            )
        return self


class Notification(Section):
    """Whom to tell, by an Airflow notifier."""

    notifier: DottedPath
    """The import path of a notifier's class, or of a function that takes the task's context. Example:
    ``airflow.providers.smtp.notifications.smtp.SmtpNotifier``.
    """
    arguments: dict[str, Any] = {}
    """What it is made with, or called with beside the context. A notifier's own templated fields may hold Jinja, as
    in ``subject: "{{ ti.task_id }}: {{ exception }}"``. Example: ``{to: data@district.example.org}``.
    """


class DagSettings(Section):
    """What a cluster's team sets of the DAG without editing its file."""

    schedule: Schedule | None = "@daily"
    """When the DAG runs: ``@daily`` or the like, or a cron expression such as ``'30 9 * * 1-5'``. Null is by hand
    only.
    """
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    """How often Airflow tries a failed task again."""
    retry_delay_minutes: Annotated[float, Field(ge=0, le=1440)] = 10
    """Minutes between two tries."""
    execution_timeout_minutes: Annotated[float, Field(gt=0, le=2880)] = 180
    """Minutes after which Airflow ends a task. Its retry goes on where it stopped."""
    deadline_minutes: Annotated[float, Field(gt=0, le=10080)] | None = None
    """Airflow's deadline alert: a run that has not ended so long after it was queued is told of.
    Example: ``120``."""
    deadline_callback: DottedPath = "edfi_cte.operators.deadline.log_missed_deadline"
    """The async function, importable by the triggerer, that is called then with the ``context``."""
    on_failure: tuple[Notification, ...] = ()
    """Who is told when a target's run has failed, after its last try; ``exception`` in the context says why.
    Example: ``[{notifier: our_package.alerts.page}]``."""
    on_waiting: tuple[Notification, ...] = ()
    """Who is told when records of a target wait for a person; ``edfi_cte`` in the context has ``target``, ``waiting``
    (a number) and ``message``. Example: ``[{notifier: our_package.alerts.mail}]``.
    """
    pool: Annotated[str, StringConstraints(min_length=1)] = "default_pool"
    """The Airflow pool that the tasks take their slots from."""
    queue: str | None = None
    """The queue that the tasks go to, where only some workers reach Campus. Null is the default queue.
    Example: ``campus``."""
    sending_tasks: Annotated[int, Field(ge=1, le=12)] = 1
    """How many tasks share the sending of a target's events; one is enough for any district."""
    lanes_per_task: Annotated[int, Field(ge=1, le=500)] | None = None
    """How many targets a mapped task takes, one after the other through its step. Example: ``25``.

    Each keeps its own lease, report and asset. Null: 1 up to 200 targets, 50 above, where a process a target and step
    costs more than its work. Airflow maps no more than ``[core] max_map_length`` lists (1,024 by default).
    """
    owner: str = "edfi-cte"
    """The owner that Airflow shows."""
    tags: tuple[str, ...] = ("ed-fi", "campus", "cte")
    """The tags that Airflow shows."""


class UiSettings(Section):
    """The pages in Airflow's UI."""

    ledger_conn_id: ConnectionId | None = None
    """The Airflow connection that the pages read the ledger by, with a login that may only read it. Null:
    the pages use ``ledger_conn_id``, and read only all the same. Example: ``edfi_cte_ledger_reader``."""


class CampusMapping(Section):
    """The parts of the mapping file that fit this Campus, so that the file needs no copy for them.

    What a part reads, and what of it is assumed, stands in the head of campus_mapping.sql.
    """

    career_technical_fields: Literal["enrollment_mo", "enrollment", "custom_fields"] = "enrollment_mo"
    """Where Career Cluster and CTE Program Type are: columns of EnrollmentMO, of Enrollment, or custom fields."""
    programs: Literal["none", "participation"] = "none"
    """Where the Career Tech Program and the Student Status are: not read, or Program and ProgramParticipation."""
    certifications: Literal["none", "program_certification"] = "none"
    """Where certifications are: not read, or ProgramCertification."""
    school_number: Literal["number", "stateSchoolNumber"] = "number"
    """The column of School whose number reports and pages show."""


class Target(Section):
    """A scope year of a district, with its own Ed-Fi connection, toggle and preferences."""

    district_number: Annotated[str, matches(r"[0-9]{6}", _DISTRICT_NUMBER)]
    """The State District Number, six digits in quotes. Example: ``"039141"``."""
    scope_year: Annotated[int, Field(ge=2015, le=2100)]
    """The school year by its ending year. 2026 is 2025-26. Example: ``2026``."""
    campus_conn_id: ConnectionId
    """The Airflow connection of Campus. Example: ``campus``."""
    edfi_conn_id: ConnectionId
    """The Airflow connection of the year's ODS. Example: ``edfi_2026``."""
    enabled: bool = True
    """The resource toggle. False stops every write of this target and keeps what was sent."""
    preferences: str = "default"
    """The name of the resource preferences that apply."""
    education_organization_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None
    """The Ed-Fi District Number, where it differs from the State District Number. Example: ``3914100``."""
    student_id: Literal["stateID", "edFiID", "studentNumber"] = "stateID"
    """Which of Campus's numbers is sent as studentUniqueId. Not to be changed once data was sent."""
    first_contact: Literal["wait", "clean_up"] = "wait"
    """What happens to records in the ODS that match no record in Campus, where the ledger does not know this
    ODS yet: they wait for a person, or are cleaned up within the guard."""
    campus_isolation: Literal["read_committed", "snapshot"] = "read_committed"
    """SQL Server's isolation level for reading Campus; ``snapshot`` needs ALLOW_SNAPSHOT_ISOLATION there."""
    campus_timeout_seconds: Annotated[int, Field(ge=1, le=86400)] = 600
    """The longest that one answer of Campus (a connection, a statement, a batch of rows) is waited for."""
    exclude_also: tuple[Literal["enrollment_state_exclude", "grade_level_exclude", "summer_school"], ...] = ()
    """Rules that the page does not have, which exclude a record all the same; each needs its column in the mapping
    file. Example: ``[summer_school]``."""
    campus_mapping: CampusMapping = CampusMapping()
    """The parts of the mapping file that fit this Campus."""

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


class Settings(Section):
    """The whole file."""

    version: Literal[1]
    """The version of this format. Example: ``1``."""
    ledger_conn_id: ConnectionId = "edfi_cte_ledger"
    """The Airflow connection of the ledger's database."""
    sql_dir: Path | None = None
    """A folder with the district's own copies of the SQL templates; a template it lacks is the shipped one.

    A relative path starts at the settings file's folder. Example: ``sql``.
    """
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    """One entry a district and scope year."""
    preferences: dict[str, dict[str, Any]] = {"default": {}}
    """Resource preferences by name; validated target by target, so that a mistake stops only its own years."""
    full_resync_days: Annotated[int, Field(ge=1, le=90)] = 7
    """After how many days a resync reads every record in the ODS again.

    In between it reads what has changed, where the API has change queries. What those can't show is found then.
    """
    guards: Guards = Guards()
    """When deletes wait for a person, and when failures fail a run."""
    retention: Retention = Retention()
    """How long the ledger keeps history."""
    limits: LimitSettings = LimitSettings()
    """How long the ledger's database is waited for."""
    dag: DagSettings = DagSettings()
    """The DAG, without editing its file."""
    ui: UiSettings = UiSettings()
    """The pages in Airflow's UI."""

    _path: Path = PrivateAttr(default=Path("settings"))
    _node: yaml.Node | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._unique(
            "scope_year", "district_number and scope_year", [t.target_id for t in self.targets], "Remove one of them."
        )
        self._unique(
            "edfi_conn_id",
            "edfi_conn_id",
            [t.edfi_conn_id for t in self.targets],
            "In one ODS they would delete each other's records: name each scope year's own connection.",
        )
        self._unique(
            "education_organization_id",
            "education organization and scope_year",
            [f"{t.edorg_id}, {t.scope_year}" for t in self.targets],
            "They would delete each other's records: correct district_number or education_organization_id.",
        )
        for index, target in enumerate(self.targets):
            if target.preferences not in self.preferences:
                known = ", ".join(sorted(self.preferences)) or "none"
                raise Misplaced(
                    ("targets", index, "preferences"),
                    f"there are no preferences named '{target.preferences}'."
                    f"{did_you_mean(target.preferences, self.preferences)} Defined: {known}",
                )
        return self

    @staticmethod
    def _unique(key: str, what: str, values: list[str], advice: str) -> None:
        seen: dict[str, int] = {}
        for index, value in enumerate(values):
            if (first := seen.setdefault(value, index)) < index:
                raise Misplaced(
                    ("targets", index, key),
                    f"two targets share the same {what} ({value}): this one and targets[{first}]. {advice}",
                )

    def target(self, target_id: str) -> Target:
        """The configured target of that name; :class:`SettingsError` if there is none."""
        for target in self.targets:
            if target.target_id == target_id:
                return target
        near = did_you_mean(target_id, [target.target_id for target in self.targets])
        raise SettingsError(f"no target '{target_id}' is configured.{near} Configured: {self._names()}")

    def targets_of(self, scope_year: int | None, district_number: str | None = None) -> list[Target]:
        """The targets of one scope year and district, ``None`` standing for every one.

        :class:`SettingsError` if the scope year or the district is not configured ("Data will only send for the years
        that have valid configuration", page: Scope Year Logic).
        """
        chosen = [t for t in self.targets if scope_year in (None, t.scope_year)]
        of_district = [t for t in chosen if district_number in (None, t.district_number)]
        if chosen and not of_district:
            raise SettingsError(
                f"district {district_number} is not configured"
                + (f" for scope year {scope_year}" if scope_year else "")
                + f", so nothing is done; configured: {self._names()}"
            )
        chosen = of_district
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
            raise explained(self._path, self._node, error, ResourcePreferences, inside) from None

    def _names(self) -> str:
        return ", ".join(t.target_id for t in self.targets)
