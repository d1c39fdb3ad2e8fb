"""What the pace makes of many emails: singles in their places, and digests for the rest."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from services.dispatch.pacing.breaker import refused
from services.dispatch.pacing.slots import closest, horizon, local_day, opens
from services.dispatch.plan import plan_new_actions
from shared.catalogue import Pace
from shared.clock import new_id
from shared.tables.dispatch import carriages, cursors, deliveries
from shared.tables.intake import actions
from shared.tables.pacing import paces, stops
from tests.dispatch.builders import World
from tests.dispatch.entries import a_catalogue, a_mailbox, a_recipient
from tests.dispatch.paced import (
    BOX,
    HOUR,
    HOURS,
    TEN,
    digests,
    leave,
    many,
    resting_on,
    singles,
    tick,
)
from tests.dispatch.pacing.test_hours import local


def test_an_email_to_an_idle_mailbox_is_due_at_once(paced_world: World) -> None:
    many(paced_world, 1)

    [woken] = tick(paced_world)

    assert (woken.carrier, woken.next_attempt_at, woken.mailbox) == ("single", TEN, BOX)
    assert woken.why == "A message of its own, due at once."


def test_those_behind_it_wait_in_line_and_know_their_turn(paced_world: World) -> None:
    paced_world.catalogue = a_catalogue()
    many(paced_world, 4)

    tick(paced_world)

    found = singles(paced_world)
    moments = [row.next_attempt_at for row in found]
    assert all(later - one >= closest(HOURS) for one, later in pairwise(moments))
    assert "at most 30 emails an hour" in found[1].why
    assert f"its turn is 01 June 2026 {moments[3]:%H}" not in found[3].why  # its hour in UTC
    assert "its turn is 01 June 2026 10:0" in found[3].why
    assert not any("before it" in row.why for row in found)  # others' emails are others' business


def test_what_finds_no_place_within_a_working_day_travels_in_one_digest(
    paced_world: World,
) -> None:
    many(paced_world, 300)

    tick(paced_world)

    [digest] = digests(paced_world)
    alone = singles(paced_world)
    assert 8 <= len(alone) <= 12  # a slow mailbox: one an hour, and less at night
    assert resting_on(paced_world, digest) == 300 - len(alone)
    assert max(row.next_attempt_at for row in alone) <= horizon(HOURS, TEN)
    assert digest.next_attempt_at == local("Europe/Minsk", 2026, 6, 1, 16)
    assert "Due 01 June 2026 16:00 (Europe/Minsk)" in digest.why


def test_planning_again_in_the_same_hour_changes_nothing_of_what_was_planned(
    small_paced: World,
) -> None:
    many(small_paced, 50)
    tick(small_paced)
    before = [(row.id, row.next_attempt_at) for row in singles(small_paced)]

    many(small_paced, 50)
    tick(small_paced)

    after = [(row.id, row.next_attempt_at) for row in singles(small_paced)]
    assert after[: len(before)] == before
    assert len(after) <= len(before) + 1  # one that is drawn nearer may find the last place
    assert len(digests(small_paced)) == 1


@pytest.mark.parametrize("what", ["mailbox", "recipient", "domain"])
def test_while_a_mailbox_is_stopped_nothing_but_a_digest_waits_for_it(
    what: str, paced_world: World
) -> None:
    key = {"mailbox": BOX, "recipient": "recipient:prosecutor"}.get(what)
    with paced_world.database.begin() as connection:
        if key is None:
            for _ in range(7):  # seven rejections, four of them after another chance
                paced_world.clock.at += dt.timedelta(hours=73)
                for _again in range(3):
                    refused(connection, "prosecutor.example", paced_world.clock())
        else:
            stop = {
                "id": new_id(),
                "key": key,
                "why": "hard_bounce",
                "detail": "no such mailbox",
                "stopped_at": TEN,
                "stopped_by": "tracking",
            }
            connection.execute(insert(stops).values(stop))
    many(paced_world, 5)

    woken = tick(paced_world)

    assert woken == []
    if what != "domain":
        [digest] = digests(paced_world)
        assert resting_on(paced_world, digest) == 5
        assert singles(paced_world) == []
    else:
        assert all(row.next_attempt_at >= TEN + 6 * HOUR for row in singles(paced_world))


def test_of_two_offices_behind_one_mailbox_only_the_stopped_one_gets_no_place(
    paced_world: World,
) -> None:
    offices = [a_recipient(slug=slug) for slug in ("one", "other")]
    paced_world.catalogue = a_catalogue(*offices)
    for stopped in ("one", "other"):
        with paced_world.database.begin() as connection:
            for table in (stops, deliveries, carriages):
                connection.execute(delete(table))
            key = f"recipient:{stopped}"
            told = {"why": "person", "detail": "wait", "stopped_at": TEN, "stopped_by": "ops"}
            connection.execute(insert(stops).values(id=new_id(), key=key, **told))
        many(paced_world, 2, recipients=["one", "other"])

        tick(paced_world)

        assert [row.recipient for row in digests(paced_world)] == [stopped]
        assert {row.recipient for row in singles(paced_world)} == {"one", "other"} - {stopped}


def test_a_domains_mailboxes_are_planned_for_no_more_than_the_domain_takes(
    paced_world: World,
) -> None:
    members = [
        a_recipient(slug=f"m{n}", mailboxes=(a_mailbox(email=f"m{n}@parliament.example"),))
        for n in range(20)
    ]
    paced_world.catalogue = a_catalogue(*members)
    many(paced_world, 30, recipients=[one.slug for one in members])

    tick(paced_world, domain_per_hour=20)

    moments = [row.next_attempt_at for row in singles(paced_world)]
    assert 150 < len(moments) < 250  # 20 × 9.92, and what is left of today
    assert max(moments) <= horizon(HOURS, TEN)
    assert len(digests(paced_world)) == 20


def test_test_mode_uses_up_no_pace(paced_world: World) -> None:
    many(paced_world, 40, mode="test")
    many(paced_world, 1)

    woken = tick(paced_world)

    assert len(woken) == 41
    assert [row.mailbox for row in woken].count(None) == 40


def test_letters_know_no_pace(small_paced: World) -> None:
    many(small_paced, 40, channel="letter")

    tick(small_paced)

    assert {(row.carrier, row.next_attempt_at, row.mailbox) for row in singles(small_paced)} == {
        ("single", TEN, None)
    }


def test_without_a_mailbox_a_person_must_look_and_no_pace_counts(small_paced: World) -> None:
    small_paced.catalogue = a_catalogue(a_recipient(mailboxes=()))
    many(small_paced, 3)

    woken = tick(small_paced)

    assert [(row.carrier, row.mailbox) for row in woken] == [("single", None)] * 3


def test_without_the_pace_all_is_due_at_once_and_the_mailbox_is_known(world: World) -> None:
    many(world, 40)

    with world.database.begin() as connection:
        plan_new_actions(connection, world.catalogue, world.clock())

    assert {(row.mailbox, row.next_attempt_at) for row in singles(world)} == {(BOX, world.clock())}


def test_a_solidarity_recipient_is_written_to_at_its_pace_too(small_paced: World) -> None:
    family = a_recipient(
        slug="family", kind="solidarity", mailboxes=(a_mailbox(email="family@home.example"),)
    )
    small_paced.catalogue = a_catalogue(family)
    many(small_paced, 400, kind="solidarity", recipients=["family"])

    tick(small_paced)

    [digest] = digests(small_paced)
    assert (digest.kind, digest.recipient) == ("solidarity", "family")
    assert len(singles(small_paced)) > 200


def test_a_changed_end_of_the_campaign_changes_no_pace(paced_world: World) -> None:
    """Drips that spread all over the time that is left flood a mailbox when that is cut short."""
    many(paced_world, 30)
    tick(paced_world)
    before = [(row.id, row.next_attempt_at) for row in singles(paced_world)]
    campaign = paced_world.catalogue.campaigns["letters"]
    tomorrow = campaign.model_copy(update={"closes": TEN.date() + dt.timedelta(days=1)})
    paced_world.catalogue = a_catalogue(tomorrow, a_recipient(pace=Pace(per_hour=1)))
    many(paced_world, 30)

    tick(paced_world)

    assert [(row.id, row.next_attempt_at) for row in singles(paced_world)] == before
    assert len(digests(paced_world)) == 1


def test_nothing_is_planned_for_a_day_off(paced_world: World) -> None:
    paced_world.clock.at = local("Europe/Minsk", 2026, 7, 3, 12).astimezone(dt.UTC)  # a holiday
    many(paced_world, 60)

    tick(paced_world)

    monday = local("Europe/Minsk", 2026, 7, 6)
    assert singles(paced_world)[0].next_attempt_at == opens(HOURS, paced_world.clock()) == monday
    assert digests(paced_world)[0].next_attempt_at == monday + 16 * HOUR


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["mikita", "nasta"]), st.integers(0, 40), st.integers(0, 40)),
        min_size=1,
        max_size=10,
    )
)
def test_however_actions_come_each_rests_on_one_carrier_and_no_two_are_too_near(
    steps: list[tuple[str, int, int]], small_paced: World
) -> None:
    world = small_paced
    with world.database.begin() as connection:
        for table in (deliveries, carriages, actions, paces, cursors):
            connection.execute(delete(table))
    world.clock.at, accepted = TEN, 0
    for case, number, hours in steps:
        if number:
            many(world, number, case=case)
            accepted += number
        leave(world, *tick(world))
        world.clock.at += hours * HOUR

    tick(world)

    resting = world.rows(carriages)
    assert len({row.action_id for row in resting}) == len(resting) == accepted
    moments = [row.next_attempt_at for row in singles(world)]
    assert all(later - one >= HOUR for one, later in pairwise(moments))
    waiting = [row for row in digests(world) if row.state == "due"]
    days = [local_day(HOURS, row.next_attempt_at) for row in waiting]
    assert len(set(days)) == len(days)
