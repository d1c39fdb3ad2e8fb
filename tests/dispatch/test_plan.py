"""Each accepted action rests on exactly one carrier for each recipient, whatever happens."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update

from services.dispatch.cursors import move, position, rewind_after_restore
from services.dispatch.plan import BATCH, CURSOR, Planned, plan_new_actions
from shared.migrate import migrate
from shared.tables.dispatch import carriages, cursors, deliveries
from shared.tables.intake import actions
from tests.dispatch.builders import NOON, World
from tests.dispatch.entries import a_case, a_catalogue, a_policy


def plan(world: World) -> Planned:
    with world.database.begin() as connection:
        return plan_new_actions(connection, world.catalogue, world.clock())


def carried(world: World) -> list[tuple[object, str]]:
    return sorted((row.action_id, row.recipient) for row in world.rows(carriages))


def test_an_action_gets_one_carriage_for_each_recipient(world: World) -> None:
    one = world.an_action(recipients=["minister", "prosecutor"])

    planned = plan(world)

    assert planned == Planned(1, 2)
    assert carried(world) == [(one, "minister"), (one, "prosecutor")]
    rows = world.rows(deliveries)
    assert {row.id for row in rows} == {row.delivery_id for row in world.rows(carriages)}
    assert {(row.state, row.why) for row in rows} == {("due", "A message of its own, due at once.")}
    assert {(row.next_attempt_at, row.woken_at, row.attempts) for row in rows} == {(NOON, None, 0)}


def test_a_delivery_is_told_what_its_action_asks(small_world: World) -> None:
    small_world.an_action(mode="test", kind="solidarity", channel="letter", language="ru")

    plan(small_world)

    [row] = small_world.rows(deliveries)
    said = (row.mode, row.campaign, row.case, row.kind, row.channel, row.language, row.recipient)
    assert said == ("test", "letters", "mikita", "solidarity", "letter", "ru", "prosecutor")
    assert row.carrier == "single"


def test_a_recipient_named_twice_is_written_to_once(small_world: World) -> None:
    one = small_world.an_action(recipients=["prosecutor", "prosecutor"])

    plan(small_world)

    assert carried(small_world) == [(one, "prosecutor")]


def test_planning_again_changes_nothing(world: World) -> None:
    world.an_action()
    plan(world)
    before = carried(world), world.rows(deliveries)

    again = plan(world)

    assert again == Planned(0, 0)
    assert (carried(world), world.rows(deliveries)) == before


def test_a_cursor_that_was_put_back_or_lost_plans_nothing_twice(world: World) -> None:
    world.an_action()
    plan(world)
    before = carried(world)

    with world.database.begin() as connection:
        move(connection, CURSOR, 0, 0)
    put_back = plan(world)
    with world.database.begin() as connection:
        connection.execute(delete(cursors))
    lost = plan(world)

    assert (put_back, lost) == (Planned(1, 0), Planned(1, 0))
    assert carried(world) == before


def test_only_the_missing_recipients_of_an_action_are_planned(world: World) -> None:
    one = world.an_action(recipients=["a", "b", "c"])
    plan(world)
    with world.database.begin() as connection:
        connection.execute(delete(carriages).where(carriages.c.recipient == "b"))
        move(connection, CURSOR, 0, 0)

    planned = plan(world)

    assert planned.deliveries == 1
    assert carried(world) == [(one, "a"), (one, "b"), (one, "c")]


@pytest.mark.parametrize("first_ever", [True, False])
def test_two_planners_at_once_plan_each_action_once(first_ever: bool, world: World) -> None:
    if not first_ever:
        plan(world)
    wanted = sorted((world.an_action(), "prosecutor") for _ in range(40))

    with ThreadPoolExecutor(4) as threads:
        planned = [one.result() for one in [threads.submit(plan, world) for _ in range(4)]]

    assert carried(world) == wanted
    assert sorted(one.actions for one in planned) == [0, 0, 0, 40]


def test_planning_that_fails_leaves_all_for_the_next(world: World) -> None:
    world.an_action()

    def breaks() -> None:
        with world.database.begin() as connection:
            plan_new_actions(connection, world.catalogue, NOON)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        breaks()

    assert carried(world) == []
    assert plan(world) == Planned(1, 1)


def a_copy(row: Any, number: int) -> dict[str, Any]:
    """The same action under another id, without what is sealed for the first."""
    own = {"seq", "xact", "id", "supporter_name", "supporter_email", "words"}
    kept = {name: value for name, value in row._mapping.items() if name not in own}
    return kept | {"id": UUID(int=number)}


def test_actions_are_planned_five_hundred_at_a_time(world: World) -> None:
    one = world.an_action()
    [row] = world.rows(actions, actions.c.id == one)
    more = [a_copy(row, n) for n in range(BATCH)]
    with world.database.begin() as connection:
        connection.execute(actions.insert(), more)

    planned = [plan(world).actions for _ in range(3)]

    assert planned == [500, 1, 0]
    assert len(carried(world)) == 501


def test_an_action_that_commits_late_is_not_stepped_over(postgres_world: World) -> None:
    world = postgres_world
    early = world.an_action()
    with world.database.begin() as late:
        [row] = world.rows(actions, actions.c.id == early)
        late.execute(actions.insert(), [a_copy(row, 7)])
        after = world.an_action()

        meanwhile = plan(world)
        waiting = carried(world)

    assert meanwhile == Planned(1, 1)
    assert waiting == [(early, "prosecutor")]
    assert plan(world) == Planned(2, 2)
    assert carried(world) == sorted((one, "prosecutor") for one in (early, UUID(int=7), after))


def test_an_embargo_makes_it_due_later_and_says_so(world: World) -> None:
    until = NOON + dt.timedelta(days=3, hours=2)
    world.catalogue = a_catalogue(a_case(policy=a_policy(embargo_until=until)))
    world.an_action()

    plan(world)

    [row] = world.rows(deliveries)
    assert row.next_attempt_at == until
    assert row.why.endswith("under embargo until 04 June 2026 14:00 UTC.")


def test_an_embargo_is_told_in_utc_wherever_it_was_written(small_world: World) -> None:
    until = dt.datetime(2026, 6, 4, 16, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    small_world.catalogue = a_catalogue(a_case(policy=a_policy(embargo_until=until)))
    small_world.an_action()

    plan(small_world)

    [row] = small_world.rows(deliveries)
    assert row.why.endswith("under embargo until 04 June 2026 14:00 UTC.")


def test_an_embargo_that_is_over_delays_nothing(small_world: World) -> None:
    small_world.catalogue = a_catalogue(a_case(policy=a_policy(embargo_until=NOON)))
    small_world.an_action()

    plan(small_world)

    [row] = small_world.rows(deliveries)
    assert (row.next_attempt_at, row.why) == (NOON, "A message of its own, due at once.")


def test_a_cursor_ahead_of_its_server_begins_again(postgres_world: World) -> None:
    world = postgres_world
    world.an_action()
    plan(world)
    with world.database.begin() as connection:
        move(connection, CURSOR, 10**15, 5)
        connection.execute(text("INSERT INTO cursors VALUES ('obeyed', 1, 1)"))

    with world.database.begin() as connection:
        rewind_after_restore(connection)
        places = position(connection, CURSOR), position(connection, "obeyed")

    assert places == ((0, 0), (1, 1))
    assert plan(world) == Planned(1, 0)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.sampled_from(["accept", "plan", "rewind", "erase"]), max_size=12))
def test_in_any_order_of_events_every_action_ends_on_one_carrier(
    steps: list[str], small_world: World
) -> None:
    for step in steps:
        if step == "accept":
            small_world.an_action(recipients=["a", "b"])
        elif step == "plan":
            plan(small_world)
        elif step == "rewind":
            with small_world.database.begin() as connection:
                connection.execute(update(cursors).values(xact=0, seq=0))
        else:
            with small_world.database.begin() as connection:
                connection.execute(delete(cursors))

    while plan(small_world).actions:
        pass

    ids = [row.id for row in small_world.rows(actions)]
    assert carried(small_world) == sorted((one, name) for one in ids for name in ("a", "b"))
    assert len(small_world.rows(deliveries)) == 2 * len(ids)


def test_what_a_dump_brought_into_a_new_cluster_is_planned_once_it_is_migrated(
    postgres_world: World,
) -> None:
    done = postgres_world.an_action()
    plan(postgres_world)
    waiting = postgres_world.an_action()
    with postgres_world.database.begin() as connection:
        beyond = 2**40  # what the old cluster counted to
        connection.execute(update(actions).values(xact=beyond))
        connection.execute(update(cursors).values(xact=beyond - 1))

    before = plan(postgres_world)
    migrate(postgres_world.database)
    after = plan(postgres_world)

    assert before == Planned(0, 0)
    assert after == Planned(2, 1)
    assert {action for action, _ in carried(postgres_world)} == {done, waiting}
