"""Run on each engine: the questions are SQL."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select

from services.intake.accept import Action
from services.intake.moderation.bursts import held_by_bursts, remember
from services.intake.moderation.rules import Reason
from services.intake.moderation.word_prints import forget
from services.intake.take import rows
from shared.api_keys import Mode
from shared.catalogue import Case, Catalogue, Channel, Moderation
from shared.clock import new_id
from shared.database import Database
from shared.migrate import migrate
from shared.tables.intake import Standing, actions, api_clients, word_prints
from tests.intake.accepted import CLIENT, KEY, LETTER, OTHER_LETTER, an_accepted
from tests.intake.builders import KEYRING, NOON, a_case, a_policy

HOUR = dt.timedelta(hours=1)
THREE = Moderation(similar_per_hour=3, per_supporter_per_hour=3)
SOMEBODY = b"s" * 32


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    database = Database(engine_url, KEYRING)
    migrate(database)
    yield database
    database.close()


def a_rule(**changes: Any) -> Case:
    return a_case(policy=a_policy(moderation=THREE.model_copy(update=changes)))


def taken(
    database: Database,
    some: Sequence[Action],
    *,
    at: dt.datetime = NOON,
    case: Case | None = None,
) -> list[list[Reason]]:
    """Judged, stored and remembered as take.py does it; the reasons of each, in order."""
    catalogue = Catalogue(
        [case or a_rule(), a_case(slug="other", policy=a_policy(moderation=THREE))]
    )
    with database.begin() as connection:
        held = held_by_bursts(connection, some, catalogue, KEY, at)
        stored = [_stored(one, held.get(one.id, ()), at) for one in some]
        connection.execute(insert(actions), rows(stored))
        remember(connection, stored, KEY)
    return [[*held.get(one.id, ())] for one in some]


def _stored(one: Action, held_for: Sequence[Reason], at: dt.datetime) -> Action:
    standing = Standing.HELD if held_for else one.standing
    return replace(one, held_for=tuple(held_for), accepted_at=at, standing=standing)


def a_client(database: Database, *, daily_actions: int, client_id: UUID = CLIENT) -> None:
    with database.begin() as connection:
        connection.execute(
            insert(api_clients).values(
                id=client_id,
                name="a tool",
                mode="live",
                scopes=[],
                rate_per_s=0,
                daily_actions=daily_actions,
                created_at=NOON,
            )
        )


def letters(number: int, **changes: Any) -> list[Action]:
    return [an_accepted(**changes) for _ in range(number)]


def silent(number: int, **changes: Any) -> list[Action]:
    return letters(number, words=None, **changes)


def prints(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(word_prints)) or 0


def test_the_fourth_of_near_identical_texts_is_held_in_the_same_call(database: Database) -> None:
    found = taken(database, [an_accepted(words=f"{LETTER} {n}") for n in range(5)])

    assert found == [[], [], [], [Reason.SIMILAR_TEXT], [Reason.SIMILAR_TEXT]]


def test_and_over_several_calls_whoever_writes(database: Database) -> None:
    texts = [f"Dear Sir, {LETTER}", f"Hello,\n{LETTER}", LETTER.upper(), LETTER]

    found = [taken(database, letters(1, words=one))[0] for one in texts]

    assert found == [[], [], [], [Reason.SIMILAR_TEXT]]


def test_other_words_and_other_cases_are_not_like_them(database: Database) -> None:
    taken(database, letters(4))

    found = taken(database, [*letters(1, words=OTHER_LETTER), *letters(1, case="other")])

    assert found == [[], []]


def test_in_an_hour_as_many_pass_as_the_policy_says(database: Database) -> None:
    taken(database, letters(10))

    later = [taken(database, letters(2), at=NOON + HOUR * n) for n in (0.9, 1.1, 1.2)]

    assert later == [[[Reason.SIMILAR_TEXT]] * 2, [[], []], [[], [Reason.SIMILAR_TEXT]]]


def test_words_that_are_not_carried_and_duplicates_are_not_counted(database: Database) -> None:
    taken(database, letters(3, channel=Channel.OWN_POST))
    taken(database, letters(3, standing=Standing.DUPLICATE))

    assert taken(database, letters(3)) == [[], [], []]


def test_a_limit_of_none_holds_nothing(database: Database) -> None:
    case = a_rule(similar_per_hour=0, per_supporter_per_hour=0)

    found = taken(database, letters(9, supporter_identity=SOMEBODY), case=case)

    assert found == [[]] * 9


def test_what_a_test_key_hands_in_holds_up_nobody_else(database: Database) -> None:
    taken(database, letters(9, mode=Mode.TEST, supporter_identity=SOMEBODY))

    assert taken(database, letters(3, supporter_identity=SOMEBODY)) == [[], [], []]


def test_the_fourth_action_of_a_supporter_within_an_hour_is_held(database: Database) -> None:
    taken(database, silent(2, supporter_identity=SOMEBODY))

    found = taken(database, [*silent(2, supporter_identity=SOMEBODY), *silent(1)])
    later = taken(database, silent(3, supporter_identity=SOMEBODY), at=NOON + HOUR)

    assert found == [[], [Reason.SUPPORTER_BURST], []]
    assert later == [[], [], []]


def test_a_supporter_is_counted_through_all_tools_and_in_all_cases(database: Database) -> None:
    one = dict(supporter_identity=SOMEBODY)
    taken(database, [*silent(2, case="other", **one), *silent(1, client_id=new_id(), **one)])

    assert taken(database, silent(1, **one)) == [[Reason.SUPPORTER_BURST]]


def test_a_tool_may_hand_in_half_of_its_day_within_an_hour(database: Database) -> None:
    a_client(database, daily_actions=10)
    taken(database, silent(4))

    found = taken(database, silent(2))
    later = taken(database, silent(5), at=NOON + HOUR)

    assert found == [[], [Reason.CLIENT_BURST]]
    assert later == [[]] * 5


def test_of_a_large_tool_a_part_is_counted_for_the_whole(database: Database) -> None:
    a_client(database, daily_actions=4_000)
    for _ in range(3):
        taken(database, silent(1_000))

    [found] = taken(database, silent(1))

    assert found == [Reason.CLIENT_BURST]


def test_a_tool_without_a_daily_cap_and_a_file_have_no_burst(database: Database) -> None:
    a_client(database, daily_actions=4)
    free = new_id()
    a_client(database, daily_actions=0, client_id=free)

    assert taken(database, silent(20, client_id=free)) == [[]] * 20
    assert taken(database, silent(20, import_id=new_id())) == [[]] * 20


def test_several_reasons_are_told_together(database: Database) -> None:
    a_client(database, daily_actions=6)
    taken(database, letters(3, supporter_identity=SOMEBODY))

    [found] = taken(database, letters(1, supporter_identity=SOMEBODY))

    assert found == [Reason.SIMILAR_TEXT, Reason.SUPPORTER_BURST, Reason.CLIENT_BURST]


def test_a_flood_does_not_make_the_table_long(database: Database) -> None:
    taken(database, letters(500))

    assert prints(database) == 3 * 4


def test_prints_are_forgotten_after_a_day(database: Database) -> None:
    taken(database, letters(2))
    taken(database, letters(1), at=NOON + HOUR)

    more = [forget(database, NOON + 24.5 * HOUR) for _ in range(2)]

    assert more == [True, False]
    assert prints(database) == 4
