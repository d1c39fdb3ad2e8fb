"""Emails to supporters: planned once, sent as long as somebody waits, and to nobody too often."""

from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from services.dispatch import notices
from services.dispatch.notices import MOST_A_DAY, plan_notices
from services.dispatch.providers.contract import Email
from shared.clock import new_id
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import Standing, actions
from shared.tables.intake import notices as asked
from tests.dispatch.builders import NOON, World
from tests.dispatch.entries import a_case, a_catalogue
from tests.personal import sealing

LINK = "https://writ.example/confirm/abcdefgh-ijklmnop"


def test_a_notice_becomes_a_delivery_to_the_supporter(world: World) -> None:
    action = a_question(world)

    planned(world)

    [delivery] = world.rows(deliveries)
    [carriage] = world.rows(carriages)
    assert (delivery.carrier, delivery.kind, delivery.channel) == ("notice", "confirm", "email")
    assert (delivery.campaign, delivery.case, delivery.mode) == ("letters", "mikita", "live")
    assert (carriage.action_id, carriage.recipient) == (action, "notice/confirm")
    assert delivery.recipient == "notice/confirm"
    assert delivery.why == "An email asks the supporter: was this you?"


def test_a_notice_is_planned_once(world: World) -> None:
    a_question(world)

    planned(world)
    planned(world)
    with world.database.begin() as connection:  # as after a restored backup
        connection.exec_driver_sql("UPDATE cursors SET xact = 0, seq = 0")
    planned(world)

    assert len(world.rows(deliveries)) == 1


def test_many_notices_are_planned_in_batches(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "BATCH", 2)
    for _ in range(3):
        a_question(small_world, supporter_identity=new_id().bytes * 2)

    more = [planned(small_world) for _ in range(2)]

    assert more == [True, False]
    assert len(small_world.rows(deliveries)) == 3


def test_the_supporter_gets_the_link_and_nobody_else_gets_anything(world: World) -> None:
    a_question(world)

    sent(world)

    [email] = world.emails.handed
    assert isinstance(email, Email)
    assert email.to == "ana@people.example"
    assert email.from_ == '"Friends of Letters" <letters@send.example>'
    assert email.reply_to is None
    assert LINK in email.text
    assert f'<a href="{LINK}"' in email.html
    assert not world.letters.handed


def test_nothing_that_was_typed_is_carried_to_a_stranger(world: World) -> None:
    a_question(world, supporter_name="Cheap pills", words="Buy at once")

    sent(world)

    [email] = world.emails.handed
    assert isinstance(email, Email)
    assert not {"Cheap", "pills", "Buy"} & set((email.text + email.html + email.from_).split())


def test_what_was_sent_is_kept_with_its_attempt(world: World) -> None:
    a_question(world)

    [one] = sent(world)

    [attempt] = world.attempts(one)
    kept = (world.data_dir / "documents" / attempt.document).read_bytes()
    message = message_from_bytes(kept, policy=policy.default)
    body = message.get_body(("plain",))
    assert (attempt.address, attempt.holder) == ("ana@people.example", None)
    assert message["To"] == "ana@people.example"
    assert body is not None
    assert LINK in body.get_content()


def test_a_reminder_says_that_it_is_one(world: World) -> None:
    a_question(world, notice="remind")

    sent(world)

    [email] = world.emails.handed
    assert isinstance(email, Email)
    assert email.subject == "Still waiting for your answer: your action for Mikita"
    assert "We shall not ask again." in email.text


def test_a_test_is_rendered_and_never_sent(world: World) -> None:
    a_question(world, mode="test")

    [one] = sent(world)

    [attempt] = world.attempts(one)
    assert world.delivery(one).provider == "dry_run"
    assert (world.data_dir / "documents" / attempt.document).exists()
    assert not world.emails.handed


@pytest.mark.parametrize(
    "standing", [Standing.CLEAR, Standing.HELD, Standing.DISOWNED, Standing.EXPIRED]
)
def test_a_question_that_was_settled_is_not_asked(world: World, standing: Standing) -> None:
    a_question(world)
    planned(world)
    with world.database.begin() as connection:
        connection.execute(update(actions).values(standing=standing))

    [one] = sent(world)

    delivery = world.delivery(one)
    assert (delivery.state, delivery.held_reason, delivery.woken_at) == ("cancelled", None, None)
    assert delivery.why.endswith("It was not needed any more: the question was settled.")
    assert not world.emails.handed


def test_a_question_whose_time_is_over_is_not_asked(world: World) -> None:
    a_question(world)
    planned(world)
    world.clock.pass_s(7 * 86400)

    [one] = sent(world)

    assert world.delivery(one).state == "cancelled"
    assert not world.emails.handed


def test_a_case_that_is_gone_is_for_a_person_to_look_at(small_world: World) -> None:
    a_question(small_world, case="gone")

    [one] = sent(small_world)

    delivery = small_world.delivery(one)
    assert delivery.state == "due"
    assert delivery.held_reason == "The campaign or the case is no longer in the catalogue."


def test_of_a_stopped_case_nobody_is_asked(small_world: World) -> None:
    """The question names the case: nothing leaves means nothing."""
    policy = a_case().policy.model_copy(update={"stopped": True})
    small_world.catalogue = a_catalogue(a_case(policy=policy))
    a_question(small_world)

    [one] = sent(small_world)

    assert small_world.delivery(one).held_reason == "The case is stopped."
    assert small_world.emails.handed == []


def test_a_stranger_is_not_flooded(world: World) -> None:
    for _ in range(MOST_A_DAY - 1):
        a_question(world)
    planned(world)
    a_question(world)
    a_question(world)

    sent(world)

    held = [one for one in world.rows(deliveries) if one.held_reason]
    assert len(world.emails.handed) == MOST_A_DAY
    assert [one.held_reason for one in held] == [
        "This supporter was asked 20 times within a day: is the address misused?"
    ]


def test_on_another_day_the_same_supporter_may_be_asked_again(small_world: World) -> None:
    for _ in range(MOST_A_DAY):
        a_question(small_world)
    planned(small_world)
    small_world.clock.pass_s(86400)
    a_question(small_world, accepted_at=small_world.clock())

    planned(small_world)

    assert not [one for one in small_world.rows(deliveries) if one.held_reason]


def a_question(world: World, *, notice: str = "confirm", **changes: Any) -> UUID:
    """An action that waits for its supporter, and the notice that asks."""
    action = world.an_action(**{"standing": Standing.UNCONFIRMED} | changes)
    row = {
        "id": new_id(),
        "action_id": action,
        "kind": notice,
        "link": LINK,
        "made_at": world.clock(),
    }
    with world.database.begin() as connection:
        connection.execute(insert(asked), [sealing(asked, row)])
    return action


def planned(world: World) -> bool:
    with world.database.begin() as connection:
        return plan_notices(connection, world.clock())


def sent(world: World) -> list[UUID]:
    """Plans, wakes and delivers; the ids of what may leave."""
    planned(world)
    with world.database.begin() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.held_reason.is_(None)).values(woken_at=NOON)
        )
    ids = [one.id for one in world.rows(deliveries) if one.held_reason is None]
    world.deliver(*ids)
    return ids
