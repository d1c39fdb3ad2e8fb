from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from click.testing import Result
from sqlalchemy import insert, select

from services.intake.moderation.rules import Reason
from services.intake.take import rows
from shared.api_keys import Mode
from shared.database import Database
from shared.tables.intake import Standing, actions, audit_log
from tests.intake.accepted import an_accepted

Held = Callable[..., Result]


@pytest.fixture
def held(terminal: Held) -> Held:
    """`writ held …` on a terminal wide enough for the table."""
    return partial(terminal, "held", columns=200)


def hold(database: Database, **changes: Any) -> UUID:
    action = an_accepted(
        **{"standing": Standing.HELD, "held_for": (Reason.LINK,), "words": "See [tools.example]"}
        | changes
    )
    with database.begin() as connection:
        connection.execute(insert(actions), rows([action]))
    return action.id


def standings(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(actions.c.standing).order_by(actions.c.seq)))


def test_held_actions_are_listed_with_their_words_and_why(held: Held, database: Database) -> None:
    action_id = hold(database)
    hold(database, mode=Mode.TEST, words="Another tool's test")

    shown = held("list")

    assert shown.exit_code == 0
    for said in (str(action_id), "mikita", "link: A link", "See [tools.example]", "— Ana Beispiel"):
        assert said in shown.output
    assert "1 of 1 held actions" in shown.output
    assert "people.example" not in shown.output
    assert "Another tool" not in shown.output


def test_a_decision_is_made_after_the_count_and_a_yes(held: Held, database: Database) -> None:
    hold(database)
    hold(database, case="other")

    done = held("release", "--case", "mikita", answers="harmless\ny\n")

    assert done.exit_code == 0
    assert "1 held actions" in done.output
    assert "1 released" in done.output
    assert standings(database) == ["clear", "held"]
    with database.read() as connection:
        entry = connection.execute(select(audit_log)).one()
    assert (entry.actor, entry.act, entry.why) == ("operator ada", "actions_released", "harmless")


def test_a_no_changes_nothing(held: Held, database: Database) -> None:
    hold(database)

    done = held("reject", "--why", "spam", answers="n\n")

    assert done.exit_code == 1
    assert standings(database) == ["held"]


def test_named_actions_are_rejected_without_a_question_when_told_so(
    held: Held, database: Database
) -> None:
    one, other, _ = (hold(database) for _ in range(3))

    done = held("reject", "--action", str(one), "--action", str(other), "--why", "threats", "--yes")

    assert done.exit_code == 0
    assert standings(database) == ["rejected", "rejected", "held"]


@pytest.mark.parametrize("words", [("list",), ("release", "--reason", "threat")])
def test_where_nothing_is_held_it_says_so(
    held: Held, database: Database, words: tuple[str, ...]
) -> None:
    hold(database, mode=Mode.TEST)

    done = held(*words)

    assert done.exit_code == 0
    assert "Nothing is held" in done.output
