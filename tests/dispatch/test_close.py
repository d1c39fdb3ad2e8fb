"""Digests: open until their moment, bounded in size, one a day for a mailbox."""

import datetime as dt

import pytest
from sqlalchemy import update

from services.dispatch import close
from services.dispatch.paced import DUE_DIGESTS
from services.dispatch.pacing.slots import local_day
from services.dispatch.wake import mark_due
from shared.catalogue import Pace
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import actions
from tests.dispatch.builders import World
from tests.dispatch.entries import a_case, a_catalogue, a_policy, a_recipient, a_template
from tests.dispatch.paced import HOUR, HOURS, TEN, digests, many, resting_on, singles, tick
from tests.dispatch.pacing.test_hours import local


def test_a_late_action_goes_into_the_next_digest(paced_world: World) -> None:
    many(paced_world, 40)
    tick(paced_world)
    [first] = digests(paced_world)
    carried = resting_on(paced_world, first)
    paced_world.clock.at = first.next_attempt_at

    tick(paced_world)
    many(paced_world, 40)
    tick(paced_world)

    closed, following = digests(paced_world)
    assert (closed.id, closed.closed_at) == (first.id, paced_world.clock())
    assert resting_on(paced_world, closed) == carried
    assert following.closed_at is None
    assert following.next_attempt_at == local("Europe/Minsk", 2026, 6, 2, 16)


def test_an_open_digest_is_never_woken(paced_world: World) -> None:
    many(paced_world, 40)
    tick(paced_world)
    [digest] = digests(paced_world)
    later = digest.next_attempt_at + HOUR

    with paced_world.database.begin() as connection:
        ids = mark_due(connection, channel="email", now=later, backlog=99, domain_per_hour=0)

    assert digest.id not in ids


def test_two_cases_before_one_mailbox_have_their_digests_on_two_days(paced_world: World) -> None:
    many(paced_world, 60)
    many(paced_world, 60, case="nasta")

    tick(paced_world)

    assert [
        (row.case, local_day(HOURS, row.next_attempt_at).day) for row in digests(paced_world)
    ] == [
        ("mikita", 1),
        ("nasta", 2),
    ]


def test_what_is_too_much_for_a_digest_goes_into_the_next_one_the_latest_first(
    paced_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(close, "MAX_IN_DIGEST", 25)
    many(paced_world, 70)
    tick(paced_world)
    [whole] = digests(paced_world)
    order = [row.id for row in sorted(paced_world.rows(actions), key=lambda row: row.seq)]
    on_it = {
        row.action_id for row in paced_world.rows(carriages, carriages.c.delivery_id == whole.id)
    }
    paced_world.clock.at = whole.next_attempt_at

    tick(paced_world)

    first, following = digests(paced_world)
    kept = {
        row.action_id for row in paced_world.rows(carriages, carriages.c.delivery_id == first.id)
    }
    assert [one for one in order if one in on_it][:25] == [one for one in order if one in kept]
    assert resting_on(paced_world, following) == len(on_it) - 25
    assert (following.closed_at, following.state) == (None, "due")
    assert local_day(HOURS, following.next_attempt_at).day == 2


def test_a_digest_is_bounded_by_its_words_too(
    paced_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(paced_world, 20)
    for _ in range(6):
        many(paced_world, 1, words="w" * 1000)
    tick(paced_world)
    [whole] = digests(paced_world)
    number = resting_on(paced_world, whole)
    monkeypatch.setattr(close, "MAX_DIGEST_BYTES", 3500)
    paced_world.clock.at = whole.next_attempt_at

    tick(paced_world)

    sizes = [resting_on(paced_world, one) for one in digests(paced_world)]
    assert sizes == [number - 3, 3]


def test_a_held_digest_is_not_closed_until_it_is_released(small_paced: World) -> None:
    many(small_paced, 40)
    tick(small_paced)
    [digest] = digests(small_paced)
    with small_paced.database.begin() as connection:
        connection.execute(update(deliveries).values(held_reason="look at it"))
    small_paced.clock.at = digest.next_attempt_at + HOUR

    tick(small_paced)

    assert digests(small_paced)[0].closed_at is None


def test_before_an_embargo_ends_one_digest_gathers_and_nobody_else_waits(
    paced_world: World,
) -> None:
    until = TEN + dt.timedelta(days=20)
    embargoed = a_case(slug="nasta", policy=a_policy(embargo_until=until))
    paced_world.catalogue = a_catalogue(embargoed, a_template(case="nasta"))
    many(paced_world, 30, case="nasta")
    many(paced_world, 3)

    tick(paced_world)

    [digest] = digests(paced_world)
    assert (digest.case, resting_on(paced_world, digest)) == ("nasta", 30)
    assert digest.next_attempt_at >= until
    assert [row.case for row in singles(paced_world)] == ["mikita"] * 3
    assert singles(paced_world)[0].next_attempt_at == TEN


def test_a_digest_is_written_in_the_first_of_the_offices_languages_that_has_a_text(
    small_paced: World,
) -> None:
    languages = a_recipient(languages=("be", "ru", "en"), pace=Pace(per_hour=1))
    small_paced.catalogue = a_catalogue(languages, a_template(language="ru"))
    many(small_paced, 40, language="en")

    tick(small_paced)

    assert [row.language for row in digests(small_paced)] == ["ru"]
    assert {row.language for row in singles(small_paced)} == {"en"}


def test_what_has_left_is_not_read_through_to_find_the_open_digests(small_world: World) -> None:
    words = str(DUE_DIGESTS.compile(small_world.database.engine))
    with small_world.database.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", ("2026-06-01",)).all()

    assert "uq_deliveries_open_digest" in str(plan)
