"""A list becomes the one in force all at once, changes nothing the second time, forgets nothing."""

import datetime as dt

import pytest
from sqlalchemy import select

from services.dispatch.destinations.import_list import (
    ChangedMeanwhile,
    Changes,
    compare,
    current,
    import_list,
)
from services.dispatch.destinations.limits import Rule, in_force, read, stamp
from shared.tables.routes import LimitKind, route_limits
from tests.dispatch.builders import NOON, World
from tests.dispatch.destinations.limited import DAY, a_rule, noted

LATER = NOON + dt.timedelta(days=3)


def changes(world: World, *rules: Rule) -> Changes:
    with world.database.read() as connection:
        return compare(connection, rules)


def known(world: World) -> list[Rule]:
    with world.database.read() as connection:
        return [one.rule for one in current(connection)]


def test_the_same_list_again_changes_nothing(world: World) -> None:
    noted(world.database, a_rule(), a_rule(country="IR"))

    again = changes(world, a_rule(noted_by="another"), a_rule(country="IR"))

    assert not again
    assert (again.added, again.dropped, again.kept) == ((), (), 2)


def test_what_left_the_list_is_dropped_and_not_forgotten(world: World) -> None:
    noted(world.database, a_rule(), a_rule(country="IR"))
    noted(world.database, a_rule(country="IR"), a_rule(country="SY"), at=LATER)

    with world.database.read() as connection:
        history = {one.rule.country: (one.noted_at, one.dropped_at) for one in read(connection)}

    assert [one.country for one in known(world)] == ["IR", "SY"]
    assert history == {"BY": (NOON, LATER), "IR": (NOON, None), "SY": (LATER, None)}


def test_a_corrected_row_is_dropped_and_noted_anew(small_world: World) -> None:
    noted(small_world.database, a_rule())

    told = changes(small_world, a_rule(ends=DAY))

    assert told.added == (a_rule(ends=DAY),)
    assert [one.rule for one in told.dropped] == [a_rule()]


def test_nothing_is_done_that_nobody_was_told_of(world: World) -> None:
    told = changes(world, a_rule())
    noted(world.database, a_rule(country="IR"))

    with pytest.raises(ChangedMeanwhile):
        import_list(world.database, [a_rule()], told, LATER)

    assert [one.country for one in known(world)] == ["IR"]


def test_an_import_at_the_same_moment_is_noticed(postgres_world: World) -> None:
    told = changes(postgres_world, a_rule())

    with postgres_world.database.begin() as other:
        assert postgres_world.database.hold(other, "route_limits")
        with pytest.raises(ChangedMeanwhile):
            import_list(postgres_world.database, [a_rule()], told, NOON)


def test_suspensions_come_first_and_of_restrictions_the_newest(world: World) -> None:
    old = a_rule(kind=LimitKind.RESTRICTED, reason="old")
    new = a_rule(kind=LimitKind.RESTRICTED, reason="new")
    over, later = a_rule(ends=DAY - dt.timedelta(days=1)), a_rule(starts=DAY + dt.timedelta(days=1))
    noted(world.database, old)
    noted(world.database, old, new, a_rule(), over, later, at=LATER)

    with world.database.read() as connection:
        found = [one.rule for one in in_force(connection, DAY)]

    assert found == [a_rule(), new, old]


def test_every_import_leaves_another_stamp(small_world: World) -> None:
    stamps = []
    for rules, at in (((), NOON), ((a_rule(),), NOON), ((), LATER)):
        noted(small_world.database, *rules, at=at)
        with small_world.database.read() as connection:
            stamps.append(stamp(connection))

    assert len(set(stamps)) == 3
    with small_world.database.read() as connection:
        assert connection.execute(select(route_limits)).one().dropped_at == LATER
