"""Held actions: seen, counted, decided on.  On each engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from services.intake.audit import read
from services.intake.moderation.decide import (
    CHUNK,
    Changed,
    Counts,
    Selection,
    Verdict,
    decide,
    held,
    preview,
)
from services.intake.moderation.rules import Reason
from services.intake.take import rows
from shared.api_keys import Mode
from shared.clock import new_id
from shared.database import Database
from shared.migrate import migrate
from shared.tables.intake import Standing, actions, clearances
from tests.intake.accepted import an_accepted
from tests.intake.builders import KEYRING, NOON

ALL = Selection()
LINK, THREAT = (Reason.LINK,), (Reason.THREAT,)


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    database = Database(engine_url, KEYRING)
    migrate(database)
    yield database
    database.close()


def hold(database: Database, **changes: Any) -> UUID:
    fields = {"standing": Standing.HELD, "held_for": LINK} | changes
    action = an_accepted(**fields)
    with database.begin() as connection:
        connection.execute(insert(actions), rows([action]))
    return action.id


def look(database: Database, selection: Selection = ALL) -> Counts:
    with database.read() as connection:
        return preview(connection, selection)


def decided(
    database: Database,
    verdict: Verdict,
    counts: Counts | None = None,
    selection: Selection = ALL,
) -> int:
    seen = (counts or look(database, selection)).seen
    with database.begin() as connection:
        return decide(
            connection, selection, verdict, seen, actor="ada", why="I read them", now=NOON
        )


def standings(database: Database) -> dict[UUID, str]:
    with database.read() as connection:
        return {row.id: row.standing for row in connection.execute(select(actions))}


def cleared(database: Database) -> set[UUID]:
    with database.read() as connection:
        return set(connection.scalars(select(clearances.c.action_id)))


def test_a_preview_counts_by_case_and_by_reason(database: Database) -> None:
    hold(database)
    hold(database, held_for=(Reason.LINK, Reason.THREAT), case="other")
    hold(database, standing=Standing.CLEAR, held_for=LINK)
    hold(database, standing=Standing.DUPLICATE)

    counts = look(database)

    assert counts.seen.number == 2
    assert counts.by_case == {"mikita": 1, "other": 1}
    assert counts.by_reason == {"link": 2, "threat": 1}


def test_what_is_released_goes_its_way(database: Database) -> None:
    email, posted = hold(database), hold(database, channel="own_post")

    assert decided(database, Verdict.RELEASE) == 2
    assert standings(database) == {email: Standing.CLEAR, posted: Standing.COUNTED}
    assert cleared(database) == {email}


def test_what_is_rejected_is_kept_and_never_carried(database: Database) -> None:
    rejected = hold(database)

    assert decided(database, Verdict.REJECT) == 1
    assert standings(database) == {rejected: Standing.REJECTED}
    assert cleared(database) == set()


def test_a_selection_meets_what_fits_all_that_it_says(database: Database) -> None:
    chosen = hold(database, held_for=(Reason.PHONE_NUMBER, Reason.LINK))
    hold(database)
    hold(database, held_for=(Reason.PHONE_NUMBER,), case="other")
    hold(database, held_for=(Reason.PHONE_NUMBER,), mode=Mode.TEST)
    hold(database, held_for=(Reason.PHONE_NUMBER,), campaign="letters-2025")
    selection = Selection(
        mode=Mode.LIVE,
        campaigns=frozenset({"letters-2026"}),
        case="mikita",
        reason=Reason.PHONE_NUMBER,
    )

    decided(database, Verdict.RELEASE, selection=selection)

    assert cleared(database) == {chosen}


def test_actions_are_chosen_by_name(database: Database) -> None:
    one, two, _ = (hold(database) for _ in range(3))

    decided(database, Verdict.RELEASE, selection=Selection(actions=(one, two, new_id())))

    assert cleared(database) == {one, two}


def test_what_arrives_after_the_preview_waits_for_the_next(database: Database) -> None:
    seen = hold(database)
    counts = look(database)
    late = hold(database)

    assert decided(database, Verdict.RELEASE, counts) == 1
    assert standings(database) == {seen: Standing.CLEAR, late: Standing.HELD}


def test_when_somebody_else_decided_nothing_is_done(database: Database) -> None:
    one, other = hold(database), hold(database)
    counts = look(database)
    decided(database, Verdict.REJECT, selection=Selection(actions=(one,)))

    with pytest.raises(Changed):
        decided(database, Verdict.RELEASE, counts)

    assert standings(database)[other] == Standing.HELD


def test_an_action_that_takes_the_place_of_another_is_noticed(database: Database) -> None:
    waiting = hold(database, standing=Standing.UNCONFIRMED)
    gone, last = hold(database), hold(database)
    counts = look(database)
    decided(database, Verdict.REJECT, selection=Selection(actions=(gone,)))
    with database.begin() as connection:
        confirmed = update(actions).where(actions.c.id == waiting)
        connection.execute(confirmed.values(standing=Standing.HELD))

    assert look(database).seen.number == counts.seen.number
    with pytest.raises(Changed):
        decided(database, Verdict.RELEASE, counts)
    assert standings(database)[last] == Standing.HELD


def test_a_decision_that_was_made_is_not_made_again(database: Database) -> None:
    hold(database)
    counts = look(database)
    decided(database, Verdict.RELEASE, counts)

    with pytest.raises(Changed):
        decided(database, Verdict.RELEASE, counts)


def test_more_than_one_statement_can_hold_are_decided_at_once(database: Database) -> None:
    many = [an_accepted(standing=Standing.HELD, held_for=LINK) for _ in range(CHUNK + 1)]
    with database.begin() as connection:
        connection.execute(insert(actions), rows(many))

    assert decided(database, Verdict.RELEASE) == CHUNK + 1
    assert cleared(database) == {one.id for one in many}


def test_an_erased_action_has_nothing_to_decide_on(database: Database) -> None:
    erased = hold(database)
    with database.begin() as connection:
        gone = update(actions).where(actions.c.id == erased)
        connection.execute(gone.values(erased_at=NOON, words=None, supporter_name=None))

    assert look(database).seen.number == 0
    assert decided(database, Verdict.RELEASE) == 0
    assert standings(database) == {erased: Standing.HELD}


def test_each_decision_is_in_the_audit_log(database: Database) -> None:
    hold(database)
    one = hold(database, held_for=THREAT)
    decided(database, Verdict.REJECT, selection=Selection(actions=(one,)))
    decided(database, Verdict.RELEASE, selection=Selection(case="mikita", reason=Reason.LINK))

    with database.read() as connection:
        released, rejected = read(connection, limit=10)

    assert (rejected.act, rejected.subject) == ("actions_rejected", str(one))
    assert (released.act, released.subject) == ("actions_released", "held: mikita, link")
    assert (released.actor, released.why, released.number) == ("ada", "I read them", 1)
    assert released.details == {"case": "mikita", "reason": "link", "newest": 1}
    assert released.at == NOON


def test_the_audit_log_is_read_in_pages_and_narrowed(database: Database) -> None:
    for _ in range(3):
        hold(database)
        decided(database, Verdict.RELEASE)
    with database.read() as connection:
        newest = read(connection, limit=2)
        rest = read(connection, before=newest[-1].seq, limit=2)
        nobody = read(connection, actor="eve", limit=2)
        rejected = read(connection, act="actions_rejected", limit=2)

    assert [one.seq for one in newest] == sorted((one.seq for one in newest), reverse=True)
    assert len(rest) == 1
    assert (nobody, rejected) == ([], [])


def test_held_actions_are_listed_opened_and_without_the_email(database: Database) -> None:
    ids = [hold(database, words=f"Look at tools.example/{n}") for n in range(3)]
    with database.read() as connection:
        first = held(connection, ALL, limit=2)
        rest = held(connection, ALL, after=first[-1].id, limit=2)

    assert [one.id for one in (*first, *rest)] == ids
    assert first[0].words == "Look at tools.example/0"
    assert first[0].supporter_name == "Ana Beispiel"
    assert first[0].reasons == LINK
    assert not hasattr(first[0], "supporter_email")
    assert "Beispiel" not in repr(first[0])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_happens_meanwhile_only_what_was_seen_is_decided(
    lasting: Database, data: st.DataObject
) -> None:
    before = _four(lasting, data)
    counts = look(lasting)
    _change_some(lasting, data)
    hold(lasting)
    now = _held_up_to(lasting, counts.seen.newest)

    try:
        number = decided(lasting, Verdict.RELEASE, counts)
    except Changed:
        assert now != before
        assert cleared(lasting) == set()
    else:
        assert now == before == cleared(lasting)
        assert number == len(before)


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Database]:
    """Emptied by `_four`, for many examples in turn."""
    database = Database(f"sqlite:///{tmp_path / 'writ.db'}", KEYRING)
    migrate(database)
    yield database
    database.close()


STATES = st.sampled_from([Standing.HELD, Standing.UNCONFIRMED])
LATER = st.sampled_from([Standing.HELD, Standing.CLEAR, Standing.DISOWNED])


def _four(database: Database, data: st.DataObject) -> set[UUID]:
    """New actions, held or not; those that are."""
    with database.begin() as connection:
        connection.execute(delete(actions))
        connection.execute(delete(clearances))
    made = {
        hold(database, standing=state): state for state in data.draw(st.lists(STATES, max_size=4))
    }
    return {one for one, state in made.items() if state is Standing.HELD}


def _change_some(database: Database, data: st.DataObject) -> None:
    every = list(standings(database))
    changes = data.draw(st.lists(st.tuples(st.integers(0, 3), LATER), max_size=3))
    with database.begin() as connection:
        for which, state in changes:
            mine = actions.c.id.in_(every[which : which + 1])
            connection.execute(update(actions).where(mine).values(standing=state))


def _held_up_to(database: Database, newest: int) -> set[UUID]:
    mine = (actions.c.standing == Standing.HELD, actions.c.seq <= newest)
    with database.read() as connection:
        return set(connection.scalars(select(actions.c.id).where(*mine)))
