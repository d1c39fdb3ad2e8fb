"""Actions that wait for their supporter: reminded once, let go in time, answered once."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from services.intake.confirmation import unconfirmed
from services.intake.confirmation.confirm import Confirmations
from services.intake.confirmation.unconfirmed import Reminders, Waits, answer, expire, look
from shared.tables.intake import Standing, actions, clearances, notices
from tests.intake.builders import NOON, Intake, a_campaign, a_pack, an_action

DAY = dt.timedelta(days=1)


@pytest.fixture
def intake(engine_url: str) -> Iterator[Intake]:
    """Its campaign asks every supporter for a confirmation."""
    intake = Intake.start(engine_url, a_pack(campaign=a_campaign(confirmation=True)))
    yield intake
    intake.database.close()


@pytest.fixture
def reminders(intake: Intake) -> Reminders:
    return Reminders(intake.database, Confirmations(b"i" * 32, "http://x.example", intake.clock))


def test_a_waiting_action_has_one_notice_and_is_not_cleared(intake: Intake) -> None:
    action_id = waiting(intake)

    assert noticed(intake) == [(action_id, "confirm")]
    assert cleared(intake) == []


def test_a_yes_clears_it_once(intake: Intake) -> None:
    action_id = waiting(intake)

    say(intake, action_id, yes=True)
    say(intake, action_id, yes=True)

    assert standing(intake, action_id) == Standing.CLEAR
    assert cleared(intake) == [action_id]


def test_a_no_after_a_yes_changes_nothing(intake: Intake) -> None:
    action_id = waiting(intake)

    say(intake, action_id, yes=True)
    say(intake, action_id, yes=False)

    assert standing(intake, action_id) == Standing.CLEAR


def test_a_yes_after_a_no_changes_nothing(intake: Intake) -> None:
    action_id = waiting(intake)

    say(intake, action_id, yes=False)
    say(intake, action_id, yes=True)

    assert standing(intake, action_id) == Standing.DISOWNED
    assert cleared(intake) == []


def test_a_yes_counts_until_the_seventh_day_has_passed(intake: Intake) -> None:
    early, late = waiting(intake), waiting(intake, "bo")

    say(intake, early, yes=True, at=NOON + 7 * DAY - dt.timedelta(seconds=1))
    say(intake, late, yes=True, at=NOON + 7 * DAY)

    assert standing(intake, early) == Standing.CLEAR
    assert standing(intake, late) == Standing.UNCONFIRMED
    assert seen(intake, late, NOON + 7 * DAY) is Waits.EXPIRED


def test_what_was_erased_is_asked_no_more(intake: Intake) -> None:
    action_id = waiting(intake)
    with intake.database.begin() as connection:
        connection.execute(actions.update().values(erased_at=NOON))

    with intake.database.read() as connection:
        assert look(connection, action_id, NOON) is None


def test_nobody_is_reminded_before_a_day_has_passed(intake: Intake, reminders: Reminders) -> None:
    waiting(intake)

    reminders.remind(NOON + DAY - dt.timedelta(seconds=1))

    assert [kind for _, kind in noticed(intake)] == ["confirm"]


def test_everybody_is_reminded_once(intake: Intake, reminders: Reminders) -> None:
    action_id = waiting(intake)

    reminders.remind(NOON + DAY)
    reminders.remind(NOON + 2 * DAY)

    assert noticed(intake) == [(action_id, "confirm"), (action_id, "remind")]


def test_a_steward_that_starts_anew_reminds_nobody_twice(
    intake: Intake, reminders: Reminders
) -> None:
    waiting(intake)
    confirmations = Confirmations(b"i" * 32, "http://x.example", intake.clock)

    reminders.remind(NOON + DAY)
    Reminders(intake.database, confirmations).remind(NOON + DAY)

    assert [kind for _, kind in noticed(intake)] == ["confirm", "remind"]


def test_who_has_answered_is_not_reminded(intake: Intake, reminders: Reminders) -> None:
    say(intake, waiting(intake), yes=True)
    say(intake, waiting(intake, "bo"), yes=False)

    reminders.remind(NOON + DAY)

    assert {kind for _, kind in noticed(intake)} == {"confirm"}


def test_who_is_reminded_has_a_day_to_answer(intake: Intake, reminders: Reminders) -> None:
    waiting(intake)

    reminders.remind(NOON + 6 * DAY + dt.timedelta(seconds=1))

    assert [kind for _, kind in noticed(intake)] == ["confirm"]


def test_many_at_one_moment_are_reminded_in_chunks(
    intake: Intake, reminders: Reminders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unconfirmed, "CHUNK", 2)
    for name in ("ana", "bo", "cy"):
        waiting(intake, name)

    more = [reminders.remind(NOON + DAY) for _ in range(3)]

    assert more == [True, False, False]
    assert sorted(kind for _, kind in noticed(intake)) == ["confirm"] * 3 + ["remind"] * 3


def test_an_unanswered_action_is_let_go_after_seven_days(intake: Intake) -> None:
    action_id = waiting(intake)

    expire(intake.database, NOON + 7 * DAY - dt.timedelta(seconds=1))
    before = standing(intake, action_id)
    expire(intake.database, NOON + 7 * DAY)

    assert before == Standing.UNCONFIRMED
    assert standing(intake, action_id) == Standing.EXPIRED
    assert cleared(intake) == []


def test_many_are_let_go_in_chunks(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed, "CHUNK", 2)
    ids = [waiting(intake, name) for name in ("ana", "bo", "cy")]

    more = [expire(intake.database, NOON + 8 * DAY) for _ in range(2)]

    assert more == [True, False]
    assert {standing(intake, one) for one in ids} == {Standing.EXPIRED}


def test_what_waits_is_found_by_its_index_however_much_is_done(
    intake: Intake, reminders: Reminders
) -> None:
    waiting(intake)
    said: list[tuple[str, Any]] = []
    listen = lambda *about: said.append((about[2], about[3]))  # noqa: E731  (an event listener)
    event.listen(intake.database.engine, "before_cursor_execute", listen)
    reminders.remind(NOON + DAY)
    expire(intake.database, NOON + 8 * DAY)
    event.remove(intake.database.engine, "before_cursor_execute", listen)

    asked = [one for one in said if "ORDER BY actions.accepted_at" in one[0]]
    plans = [explained(intake, *one) for one in asked]

    assert len(plans) == 2
    assert all("ix_actions_unconfirmed" in plan for plan in plans)


def explained(intake: Intake, query: str, values: Any) -> str:
    """How the engine would go about it, were the table large."""
    word = "EXPLAIN" if intake.database.is_postgresql else "EXPLAIN QUERY PLAN"
    with intake.database.read() as connection:
        if intake.database.is_postgresql:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return "\n".join(map(str, connection.exec_driver_sql(f"{word} {query}", values)))


def waiting(intake: Intake, name: str = "ana") -> UUID:
    """An action that waits for its supporter."""
    supporter = {"name": name, "email": f"{name}@tools.example"}
    answered: Any = intake.post(an_action(supporter=supporter))
    assert answered.json["status"] == "unconfirmed"
    return UUID(answered.json["id"])


def say(intake: Intake, action_id: UUID, *, yes: bool, at: dt.datetime = NOON) -> None:
    with intake.database.begin() as connection:
        answer(connection, action_id, at, yes=yes)


def seen(intake: Intake, action_id: UUID, at: dt.datetime) -> Waits | None:
    with intake.database.read() as connection:
        question = look(connection, action_id, at)
    return question.waits if question else None


def standing(intake: Intake, action_id: UUID) -> str:
    with intake.database.read() as connection:
        found = connection.scalar(select(actions.c.standing).where(actions.c.id == action_id))
    return str(found)


def noticed(intake: Intake) -> list[tuple[UUID, str]]:
    with intake.database.read() as connection:
        rows = connection.execute(
            select(notices.c.action_id, notices.c.kind).order_by(notices.c.seq)
        )
        return [(row.action_id, row.kind) for row in rows]


def cleared(intake: Intake) -> list[UUID]:
    with intake.database.read() as connection:
        return list(connection.scalars(select(clearances.c.action_id)))
