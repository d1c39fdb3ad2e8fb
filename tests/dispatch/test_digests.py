"""A digest on its whole way: many actions, one email, each action to be found again on it."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, insert, select, update

from services.dispatch import digests
from services.dispatch.claims import claim
from services.dispatch.close import close_digests
from services.dispatch.documents import Documents
from services.dispatch.forget import forget
from services.dispatch.pacing.line import Line
from services.dispatch.plan import plan_new_actions
from services.dispatch.providers.contract import Email, Unclear
from services.dispatch.read_due import read_due
from services.dispatch.rendering.digest import LONG
from services.dispatch.routing import make_route
from services.tracking.queries import timeline
from shared.catalogue import Channel, Pace
from shared.clock import new_id
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import actions, erasures
from tests.dispatch.builders import NOON, World, a_delivery_row
from tests.dispatch.entries import a_catalogue, a_recipient
from tests.dispatch.rendering.digests import pages_of
from tests.dispatch.sandboxed import a_sandboxed_ses

CLOSED = NOON - dt.timedelta(minutes=1)


def a_digest(world: World, *action_ids: UUID, **changes: Any) -> UUID:
    """Closed, due and woken, with these actions on it."""
    row = a_delivery_row(**{"carrier": "digest", "closed_at": CLOSED} | changes)
    rests = [{"action_id": one, "recipient": "prosecutor"} for one in action_ids]
    with world.database.begin() as connection:
        connection.execute(insert(deliveries), [row])
        connection.execute(insert(carriages), [one | {"delivery_id": row["id"]} for one in rests])
    found: UUID = row["id"]
    return found


def some_actions(world: World, number: int, **changes: Any) -> list[UUID]:
    """Of as many people."""
    return [
        world.an_action(words=f"Word{one:05}.", supporter_identity=one.to_bytes(32), **changes)
        for one in range(1, number + 1)
    ]


def erase(world: World, *action_ids: UUID) -> None:
    """As intake does it."""
    gone = {"supporter_name": None, "supporter_email": None, "words": None, "erased_at": NOON}
    with world.database.begin() as connection:
        connection.execute(update(actions).where(actions.c.id.in_(action_ids)).values(gone))
        told = [{"action_id": one, "erased_at": NOON} for one in action_ids]
        connection.execute(insert(erasures), told)


def handed(world: World) -> list[Email]:
    return [one for one in world.emails.handed if isinstance(one, Email)]


def test_a_long_digest_reaches_the_office_with_everybody_but_the_erased(
    world: World, tmp_path: Path
) -> None:
    ids = some_actions(world, LONG + 5)
    erase(world, ids[2], ids[20])
    digest = a_digest(world, *ids)

    with a_sandboxed_ses(tmp_path / "sandbox") as sandbox:
        world.deliver(digest, route=make_route({Channel.EMAIL: sandbox.ses}))
        [arrived] = sandbox.emails()

    [kept] = world.attempts(digest)
    [pdf] = arrived["attachments"]
    written = (world.data_dir / "documents" / kept.document).read_bytes()
    assert (arrived["delivery_id"], arrived["destination"]) == (
        str(digest),
        ["office@prosecutor.example"],
    )
    assert arrived["subject"] == f"{LONG + 3} people wrote to you about Mikita"
    assert pdf["content_type"] == "application/pdf"
    assert world.delivery(digest).state == "handed_over"
    assert b"Word00001." in written
    assert b"Word00003." not in written


def test_every_action_points_to_the_digest_that_carried_it(world: World) -> None:
    ids = some_actions(world, 3)
    digest = a_digest(world, *ids)

    world.deliver(digest)

    [email] = handed(world)
    with world.database.read() as connection:
        for one in ids:
            told = timeline.of_action(connection, one)
            assert {moment.delivery_id for moment in told} == {None, digest}
            assert "attempt_sent" in [moment.word for moment in told]
            assert email.text.count(str(one)) == 1


def test_entries_come_in_the_order_in_which_they_were_accepted(world: World) -> None:
    ids = some_actions(world, 3)
    digest = a_digest(world, ids[1], ids[2], ids[0])

    with world.database.read() as connection:
        [due] = read_due(connection, [digest, new_id()])

    assert [entry.reference for entry in due.entries] == ids
    assert (due.carrier, due.people, due.supporter_email) == ("digest", 3, None)


def test_nobodys_name_is_opened_without_their_consent(small_world: World) -> None:
    silent = small_world.an_action(consent={}, words=None)
    shown = small_world.an_action()
    digest = a_digest(small_world, silent, shown)

    with small_world.database.read() as connection:
        [due] = read_due(connection, [digest])

    said = [(entry.name, entry.country, entry.words) for entry in due.entries]
    assert said == [(None, None, None), ("Ana Beispiel", "CH", "I think of him.")]
    assert due.people == 1  # the same supporter
    assert "Ana" not in repr(due)


def test_singles_and_digests_are_read_together_and_nothing_twice(small_world: World) -> None:
    digest, single = a_digest(small_world, *some_actions(small_world, 3)), small_world.a_delivery()

    with small_world.database.read() as connection:
        found = read_due(connection, [digest, single])

    assert sorted(due.id for due in found) == sorted([digest, single])
    assert [len(due.entries) for due in found] == [0, 3]


def test_where_all_are_singles_no_digest_is_asked_for(small_world: World) -> None:
    single = small_world.a_delivery()
    asked: list[str] = []
    engine = small_world.database.engine
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    with small_world.database.read() as connection:
        read_due(connection, [single])

    assert sum("SELECT" in one for one in asked) == 1


@pytest.mark.parametrize("changes", [{"closed_at": None}, {"woken_at": None}, {"state": "sending"}])
def test_a_digest_that_is_open_or_not_due_is_not_read(
    changes: dict[str, Any], small_world: World
) -> None:
    digest = a_digest(small_world, *some_actions(small_world, 2), **changes)

    small_world.deliver(digest)

    assert small_world.emails.calls == []


def test_digests_are_opened_only_as_many_as_fit_at_once(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "MOST_ENTRIES", 5)
    ids = some_actions(small_world, 10)
    made = [
        a_digest(small_world, *ids[:6], closed_at=CLOSED),
        a_digest(small_world, *ids[6:], closed_at=CLOSED),
    ]

    with small_world.database.read() as connection:
        first = read_due(connection, made)
        second = read_due(connection, made[1:])

    assert [len(due.entries) for due in first + second] == [6, 4]


def test_one_who_is_erased_after_it_was_rendered_does_not_leave(world: World) -> None:
    ids = some_actions(world, 3)
    digest = a_digest(world, *ids)
    desk = world.desk()
    with world.database.read() as connection:
        [due] = read_due(connection, [digest])
    rendered = desk.preparer.prepare(due, NOON)
    erase(world, ids[1])

    with world.database.begin() as connection:
        assert claim(connection, [(rendered, "ses")], NOON) == set()

    world.deliver(digest)
    [email] = handed(world)
    assert "Word00001." in email.text
    assert "Word00002." not in email.text


def test_one_of_which_everybody_was_erased_is_cancelled(world: World) -> None:
    ids = some_actions(world, 2)
    digest, other = a_digest(world, *ids), a_digest(world, *some_actions(world, 1))
    erase(world, *ids)

    world.deliver(digest, other)

    assert [world.delivery(one).state for one in (digest, other)] == ["cancelled", "handed_over"]
    assert world.emails.calls == [other]


def test_one_that_may_have_left_stays_unknown_when_everybody_is_erased(world: World) -> None:
    ids = some_actions(world, 2)
    digest = a_digest(world, *ids)
    world.an_attempt(digest, number=1)
    erase(world, *ids)

    forget(world.database, Documents(world.data_dir))

    assert world.delivery(digest).state == "unknown"


def test_what_was_rendered_of_a_digest_is_forgotten_with_the_first_who_asks(world: World) -> None:
    ids = some_actions(world, 3)
    digest = a_digest(world, *ids)
    world.deliver(digest)
    [before] = world.attempts(digest)
    erase(world, ids[0])

    forget(world.database, Documents(world.data_dir))

    [attempt] = world.attempts(digest)
    assert (world.data_dir / "documents" / before.document).exists() is False
    assert attempt.document is None
    assert attempt.address == "office@prosecutor.example"  # the office's, and nobody else's
    assert world.delivery(digest).state == "handed_over"


def test_erasing_one_does_not_stop_a_digest_that_waits(world: World) -> None:
    ids = some_actions(world, 3)
    digest = a_digest(world, *ids, woken_at=None)
    erase(world, ids[0])

    forget(world.database, Documents(world.data_dir))

    assert world.delivery(digest).state == "due"


def test_one_that_nobody_can_tell_of_is_repeated_by_nobody(small_world: World) -> None:
    digest = a_digest(small_world, *some_actions(small_world, 2))
    small_world.emails.script = [Unclear("read timeout")]

    small_world.deliver(digest)
    small_world.deliver(digest)

    assert small_world.delivery(digest).state == "unknown"
    assert small_world.emails.calls == [digest]


def test_the_pages_hold_everybody_whom_the_email_does_not(small_world: World) -> None:
    ids = some_actions(small_world, LONG + 20)
    digest = a_digest(small_world, *ids)

    small_world.deliver(digest)

    [email] = handed(small_world)
    [file] = email.attachments
    everything = email.text + "".join(pages_of(file.content))
    with small_world.database.read() as connection:
        rests = connection.scalars(
            select(carriages.c.action_id).where(carriages.c.delivery_id == digest)
        ).all()
    assert sorted(rests) == sorted(ids)
    assert all(everything.count(str(one)) == 1 for one in ids)
    assert all(everything.count(f"Word{n:05}.") == 1 for n in range(1, LONG + 21))


def test_what_the_pace_does_not_carry_travels_in_one_email_that_day(world: World) -> None:
    world.catalogue = a_catalogue(a_recipient(pace=Pace(per_hour=1)))
    ids = some_actions(world, 60)
    for day in range(4):
        world.clock.at = NOON + dt.timedelta(days=day, hours=3)
        with world.database.begin() as connection:
            line = Line(connection, world.clock(), domain_per_hour=0)
            plan_new_actions(connection, world.catalogue, world.clock(), line)
            close_digests(connection, world.catalogue, line)
            connection.execute(
                update(deliveries)
                .where(deliveries.c.closed_at.is_not(None), deliveries.c.state == "due")
                .values(woken_at=world.clock())
            )
        world.deliver(*(row.id for row in world.rows(deliveries, deliveries.c.carrier == "digest")))

    [email] = handed(world)
    pages = "".join("".join(pages_of(file.content)) for file in email.attachments)
    singles = world.rows(deliveries, deliveries.c.carrier == "single")
    assert email.subject == f"{60 - len(singles)} people wrote to you about Mikita"
    assert sum(str(one) in email.text + pages for one in ids) == 60 - len(singles)
