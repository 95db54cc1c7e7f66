"""Targets share nothing: two districts whose Campuses have equal enrollmentIDs, keys and runs, in one full ledger.

Each function of the ledger that takes a target is called twice: on a ledger of this target alone, and on one where
others have the very same rows. It has to answer the same, leave the same of its own, and every row of the others.
A function whose arguments are not known here fails, so that none is forgotten.
"""

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import GeneratorType
from typing import Any

import pytest
import sqlalchemy as sa

import edfi_cte.ledger as ledger_package
from edfi_cte.associations.model import EnrollmentRecord
from edfi_cte.ledger import bulk, events, history, kept, leases, listing, mappings, records, resyncs, runs, settling
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.events import Failure, Result
from edfi_cte.ledger.leases import LeaseHeld, LeaseLost, Needs, Owner, PlanPast, Step
from edfi_cte.ledger.records import Outcome
from edfi_cte.ledger.schema import attempt, enrollment_record, event, identity_mapping, metadata
from tests.ledger.everything import OLD, fill, of_others

OWN, OTHERS = "039141-2026", ("050001-2026", "039141-2025")
K = [f"{place:032}" for place in range(100)]
LATER = datetime(2021, 1, 1)  # noqa: DTZ001 - as the ledger keeps times
MODULES = sorted(module.name for module in pkgutil.iter_modules(ledger_package.__path__) if not module.ispkg)
OF_ALL = {"runs.other_target_at"}
"""They are asked of others."""

OWNER = Owner("deployment", "dag", K[1])
ARGUMENTS: dict[str, Any] = {
    "run_id": K[1],
    "step": "upsert",
    "part": "upsert",
    "later": ["1"],
    "token": K[0],
    "limit": 50,
    "key_ids": K[:3],
    "key_id": K[0],
    "keys": K[:3],
    "fingerprint": K[1],
    "ods_ids": K[:3],
    "ods_id": K[1],
    "enrollment_ids": [1, 2, 3],
    "enrollment_id": 1,
    "before": LATER,
    "start": OLD,
    "since": OLD,
    "seen_at": LATER,
    "found_by": kept.FoundBy.RESYNC,
    "plan_after": 0,
    "state": "waiting",
    "reason": "guard",
    "list_id": K[1],
    "outcome": Outcome.SUPERSEDED,
    "owner": OWNER,
    "parameters": {},
    "status": "ok",
    "message": "-",
    "settings_digest": K[2],
    "days": 400,
    "approved_by": "somebody",
    "address": "https://ods.example/data/v3",
    "edorg_id": 7,
    "edfi_conn_id": "-",
    "scope_year": 2026,
}
OTHERS_ALONE = 999
OF_OTHERS = {
    "run_id": f"{OTHERS_ALONE:032}",
    "token": f"{OTHERS_ALONE:032}",
    "key_ids": [f"{OTHERS_ALONE:032}"],
    "key_id": f"{OTHERS_ALONE:032}",
    "keys": [f"{OTHERS_ALONE:032}"],
    "fingerprint": f"{OTHERS_ALONE:032}",
    "ods_ids": [f"{OTHERS_ALONE:032}"],
    "ods_id": f"{OTHERS_ALONE:032}",
    "enrollment_ids": [OTHERS_ALONE + 1],
    "enrollment_id": OTHERS_ALONE + 1,
    "list_id": f"{OTHERS_ALONE:032}",
}
"""What the others have, and this target has not."""

Call = Callable[[sa.Connection], Any]


def _claimed(connection: sa.Connection) -> Sequence[sa.Row[Any]]:
    return events.claim(connection, OWN, "upsert", K[5], 9)


def _settled(connection: sa.Connection) -> list[Result]:
    """Answers of each kind to what was claimed."""
    refused = Failure("reference", "-", "-", http_status=409)
    return [
        Result(row, http_status=200, deleted=place % 3 == 0, ods_id=K[9] if place % 3 == 1 else None)
        if place % 4
        else Result(row, failure=refused)
        for place, row in enumerate(_claimed(connection))
    ]


def _mapping(connection: sa.Connection) -> sa.Row[Any]:
    return connection.execute(sa.select(identity_mapping).where(identity_mapping.c.target_id == OWN)).all()[0]


def _record() -> EnrollmentRecord:
    names = list(EnrollmentRecord.__dataclass_fields__)
    return EnrollmentRecord(**(dict.fromkeys(names) | {"enrollment_id": 1}))


def _mapping_row(connection: sa.Connection) -> dict[str, Any]:
    return dict(_mapping(connection)._mapping)


ROW = {"step": "upsert", "action": "Post", "cause": "new_record", "key_id": K[0]}
OWN_WAY: dict[str, Call] = {
    "events.add": lambda c: events.add(c, OWN, K[1], [ROW]),
    "events.add_decided": lambda c: events.add_decided(c, OWN, K[1], []),
    "settling.settle": lambda c: settling.settle(c, OWN, _settled(c)),
    "settling.clear_doubt": lambda c: settling.clear_doubt(c, OWN, _settled(c)),
    "mappings.save": lambda c: mappings.save(c, OWN, [_mapping_row(c) | {"ods_id": K[8]}]),
    "mappings.attribute": lambda c: mappings.attribute(c, OWN, {K[0]: 99}),
    "records.write_source": lambda c: records.write_source(c, OWN, [(_record(), K[3])], [1]),
    "records.write_outcomes": lambda c: records.write_outcomes(
        c, OWN, [{"enrollment_id": 1, "outcome": "excluded", "transformed_with": "-"}], [1]
    ),
    "records.untransformed": lambda c: list(records.untransformed(c.engine, OWN, K[0])),
    "runs.describe": lambda c: runs.describe(c, OWN, data_standard="5.0"),
    "runs.keep": lambda c: runs.keep(c, OWN, K[1], "upsert", "upsert", runs.Task(OLD, None, None), {"sent": 1}),
    "kept.keep": lambda c: kept.keep(
        c, OWN, K[1], kept.FoundBy.RESYNC, LATER, [dict(kept.of_keys(c, OWN, K[:1])[0]._mapping) | {"reason": "x"}]
    ),
    "deletions.record": lambda c: import_module("edfi_cte.ledger.deletions").record(
        c, OWN, [{"deleted_at": OLD, "run_id": K[1], "key_id": K[0], "ods_id": None, "enrollment_id": 1,
                  "cause": "x", "list_id": None}]
    ),
    "lasting.save": lambda c: import_module("edfi_cte.ledger.lasting").save(
        c, OWN, {K[0]: {"beginDate": K[1]}}, remembered=True
    ),
    "bulk.remove": lambda c: bulk.remove(c, enrollment_record, OWN, "enrollment_id", [1, 2]),
    "bulk.replace": lambda c: bulk.replace(
        c, identity_mapping, OWN, "key_id", [_mapping_row(c) | {"ods_id": K[8]}]
    ),
    "resyncs.save": lambda c: resyncs.save(
        c, OWN, data_url="-", scope=K[0], whole_at=OLD, earlier_version=1, newest_version=2
    ),
    "leases.begin": lambda c: leases.begin(c, OWN, OWNER, Step("extract", 1, "extract"), K[7], Needs()),
    "leases.renew": lambda c: leases.renew(c, OWN, Step("0", 1, "0"), K[0]),
    "listing.records": lambda c: listing.records(c, OWN, listing.Records()),
    "listing.events": lambda c: listing.events(c, OWN, listing.Events()),
    "history.last_sent_body": lambda c: history.last_sent_body(c, OWN, _mapping(c)),
}  # fmt: skip
"""How the functions are called that take more than plain values."""


def functions() -> Iterator[str]:
    for name in MODULES:
        module = import_module(f"edfi_cte.ledger.{name}")
        for function, found in inspect.getmembers(module, inspect.isfunction):
            own = found.__module__ == module.__name__ and not function.startswith("_")
            if own and "target_id" in inspect.signature(found).parameters and f"{name}.{function}" not in OF_ALL:
                yield f"{name}.{function}"


def call(connection: sa.Connection, name: str, given_by_name: dict[str, Any]) -> Any:
    if name in OWN_WAY:
        return OWN_WAY[name](connection)
    module, function = name.split(".")
    found = getattr(import_module(f"edfi_cte.ledger.{module}"), function)
    given: dict[str, Any] = {}
    for parameter in inspect.signature(found).parameters.values():
        if parameter.name in ("connection", "ledger"):
            given[parameter.name] = connection if parameter.name == "connection" else connection.engine
        elif parameter.name == "target_id":
            given["target_id"] = OWN
        elif parameter.default is inspect.Parameter.empty or parameter.name in ARGUMENTS:
            given[parameter.name] = given_by_name[parameter.name]
    return found(**given)


def plain(value: Any) -> Any:
    """A result as it can be compared: a moment of the test's own is only that."""
    if isinstance(value, datetime):
        return value if value.year < 2025 else "now"
    if isinstance(value, GeneratorType):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {repr(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=repr)
    if is_dataclass(value):
        return repr(value)
    if isinstance(value, list | tuple | sa.Row):
        return [plain(item) for item in value]
    return value


def rows_of(ledger: sa.Engine, target_id: str) -> dict[str, list[Any]]:
    """The target's rows without the numbers that the database gives them."""
    found: dict[str, list[Any]] = {}
    with ledger.connect() as connection:
        own = sa.select(event.c.event_id).where(event.c.target_id == target_id)
        for table in metadata.sorted_tables:
            columns = [c for c in table.c if not (c.primary_key and c.autoincrement is True)]
            statement = sa.select(*columns)
            if table is attempt:
                statement = statement.where(table.c.event_id.in_(own)).with_only_columns(table.c.error_type)
            elif "target_id" in table.c:
                statement = statement.where(table.c.target_id == target_id)
            found[table.name] = sorted((plain(row) for row in connection.execute(statement)), key=repr)
    return found


def full(path: Path, targets: Sequence[str]) -> sa.Engine:
    ledger = open_ledger(f"sqlite:///{path}")
    with ledger.begin() as connection:
        for number, target_id in enumerate(targets):
            fill(connection, target_id, number, also=() if target_id == OWN else (OTHERS_ALONE,))
    return ledger


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """The files of both ledgers."""
    made = []
    for name, targets in (("alone", (OWN,)), ("crowded", (OWN, *OTHERS))):
        path = tmp_path_factory.mktemp("ledgers") / name
        ledger = full(path, targets)
        with ledger.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        ledger.dispose()
        made.append(path.read_bytes())
    return made[0], made[1]


def asked_of(name: str) -> set[str]:
    module, function = name.split(".")
    found = getattr(import_module(f"edfi_cte.ledger.{module}"), function)
    return set(inspect.signature(found).parameters)


BOTH = [(name, ARGUMENTS) for name in functions()] + [
    (name, ARGUMENTS | OF_OTHERS) for name in functions() if name not in OWN_WAY and asked_of(name) & OF_OTHERS.keys()
]


@pytest.mark.parametrize(
    ("name", "given"), BOTH, ids=[name if given is ARGUMENTS else f"{name} of others" for name, given in BOTH]
)
def test_a_function_knows_its_target_only(
    name: str, given: dict[str, Any], templates: tuple[bytes, bytes], tmp_path: Path
):
    outcomes = []
    for kind, template in zip(("alone", "crowded"), templates, strict=True):
        (tmp_path / kind).write_bytes(template)
        ledger = open_ledger(f"sqlite:///{tmp_path / kind}")
        others = of_others(ledger, OWN)
        try:
            with ledger.begin() as connection:
                result = plain(call(connection, name, given))
        except (LeaseHeld, LeaseLost, PlanPast) as refused:
            result = str(refused)
        assert of_others(ledger, OWN) == others
        outcomes.append((result, rows_of(ledger, OWN)))
        ledger.dispose()
    assert outcomes[0][0] == outcomes[1][0]
    assert outcomes[0][1] == outcomes[1][1]


def test_the_functions_are_found():
    assert len(list(functions())) > 90
