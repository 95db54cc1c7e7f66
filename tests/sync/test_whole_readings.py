"""Where the changes alone would not do, the resync reads all, says why, and puts all right."""

from typing import Any

import pytest

from edfi_cte.ods import EdFiClient
from edfi_cte.ods.message import Answer, Request
from edfi_cte.sync import changes, reading
from edfi_cte.sync.changes import BY_CHANGE
from tests.sync.test_changes import document_of, edit, leave, newest, read_by, set_state, stranger
from tests.sync.world import RESOURCE, World


@pytest.fixture
def sent(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    # The small ODS has fewer versions than are read again, which would make every reading a whole one.
    monkeypatch.setattr(changes, "OVERLAP", 0)
    for number in range(1, 7):
        world.campus.add(number, person=number)
    world.run()
    world.run()
    return world


@pytest.mark.parametrize(("number", "read"), [(2, BY_CHANGE), (3, "all, since more than 2 records have changed")])
def test_more_changes_than_are_kept_in_memory(sent: World, monkeypatch: pytest.MonkeyPatch, number: int, read: str):
    monkeypatch.setattr(changes, "MOST", 2)
    set_state(sent, earlier_version=newest(sent) + 1, newest_version=newest(sent))
    for person in range(1, number + 1):
        edit(sent, person)
    assert sent.run().counts["resync found"]["edited"] == number
    assert read_by(sent) == read
    assert sent.there() == sent.expected()


def test_more_records_out_of_reach_than_are_asked_for_one_by_one(sent: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "MOST_HIDDEN", 1)
    for person, read in ((1, BY_CHANGE), (2, "all, since more than 1 records are out of reach")):
        leave(sent, person)
        sent.run()
        sent.run()
        assert read_by(sent) == read


def test_a_record_more_than_is_known(sent: World):
    """Its change is below those that are read."""
    stranger(sent)
    set_state(sent, earlier_version=10**6, newest_version=newest(sent))
    assert sent.run().counts["resync found"]["no_source"] == 1
    assert read_by(sent) == "all, since the API counts 1 records more than are known"
    assert sent.there() == sent.expected()


def test_a_record_of_ours_that_the_list_shows_as_another_program_types_is_left_alone(
    sent: World, monkeypatch: pytest.MonkeyPatch, between: Any
):
    """The sandbox heeds every filter, and lets nobody change a key: both are mocked."""
    name = document_of(sent, 2)["id"]
    filtered = EdFiClient.pages

    def unfiltered(client: EdFiClient, resource: str, _filters: object = None, **options: Any) -> Any:
        return filtered(client, resource, **options)

    def renamed(request: Request, answer: Answer) -> Answer:
        if request.method != "GET" or RESOURCE not in request.url.path or name.encode() not in answer.body:
            return answer
        at = answer.body.index(name.encode())
        before, rest = answer.body[:at], answer.body[at:]
        return answer._replace(body=before + rest.replace(b"#Career and Technical Education", b"#Athletics", 1))

    monkeypatch.setattr(EdFiClient, "pages", unfiltered)
    between(renamed)
    sent.odses[2026].control.clear_log()
    found = sent.run(whole_resync=True).counts["resync found"]
    assert (found["in_ods"], found["out_of_reach"], found["not_in_ods"], found["edited"]) == (5, 1, 0, 0)
    assert {r.method for r in sent.odses[2026].control.requests() if RESOURCE in r.path} == {"GET"}
