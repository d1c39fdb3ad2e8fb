import datetime as dt
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from services.intake.clients.manage import create_client
from services.intake.idempotency import PURGE_EVERY, forget, read_key
from services.intake.packs.load import load_entries
from shared.api_keys import Mode, Scope
from shared.http.problems import Problem
from shared.tables.intake import actions, idempotency_records
from tests.intake.builders import Intake, a_case, a_pack, a_policy, an_action


@pytest.fixture
def intake(engine_url: str) -> Iterator[Intake]:
    intake = Intake.start(engine_url)
    yield intake
    intake.database.close()


def stored(intake: Intake) -> tuple[int, int]:
    """How many actions and how many records there are."""
    with intake.database.read() as connection:
        counted = [
            connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (actions, idempotency_records)
        ]
    return counted[0], counted[1]


def test_a_repeat_gets_the_first_answer_and_stores_nothing(intake: Intake) -> None:
    first = intake.post(an_action(), key="one")
    again = intake.post(an_action(), key="one")

    assert first.status_code == again.status_code == 202
    assert first.data == again.data
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert stored(intake) == (1, 1)


def test_the_order_of_fields_and_spaces_make_no_other_body(intake: Intake) -> None:
    intake.post(an_action(), key="one")
    turned = dict(reversed(an_action().items()))

    again = intake.post(turned, key='"one"')

    assert again.headers["Idempotent-Replayed"] == "true"


def test_another_body_with_the_same_key_is_refused(intake: Intake) -> None:
    intake.post(an_action(), key="one")

    other = intake.post(an_action(words="Something else."), key="one")

    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert stored(intake) == (1, 1)


def test_without_a_key_every_request_is_an_action(intake: Intake) -> None:
    intake.post(an_action())
    intake.post(an_action())

    assert stored(intake) == (2, 0)


def test_nothing_is_remembered_of_a_refused_request(intake: Intake) -> None:
    refused = intake.post(an_action(words="\x00"), key="one")
    mended = intake.post(an_action(), key="one")

    assert (refused.status_code, mended.status_code) == (422, 202)
    assert stored(intake) == (1, 1)


def test_a_key_belongs_to_its_client(intake: Intake) -> None:
    other = create_client(intake.database, "another tool", mode=Mode.LIVE, scopes=[Scope.SUBMIT])
    intake.post(an_action(), key="one")

    headers = intake.auth(other) | {"Idempotency-Key": "one"}
    answer = intake.http.post("/v1/actions", json=an_action(words="Other"), headers=headers)

    assert answer.status_code == 202
    assert stored(intake) == (2, 2)


def test_a_key_may_be_used_anew_after_seven_days(intake: Intake) -> None:
    intake.post(an_action(), key="one")
    intake.clock.at += dt.timedelta(days=7, seconds=1)

    anew = intake.post(an_action(words="Something else."), key="one")

    assert anew.status_code == 202
    assert stored(intake) == (2, 1)


def test_what_is_too_old_is_forgotten_while_others_come(intake: Intake) -> None:
    intake.post(an_action(), key="old")
    intake.clock.at += dt.timedelta(days=7, seconds=1)

    for number in range(PURGE_EVERY):
        intake.post(an_action(), key=f"new-{number}")

    assert stored(intake) == (PURGE_EVERY + 1, PURGE_EVERY)


def test_what_is_too_old_is_forgotten_in_chunks_also_when_no_more_come(intake: Intake) -> None:
    for number in range(2 * PURGE_EVERY):
        intake.post(an_action(), key=f"old-{number}")
    intake.clock.at += dt.timedelta(days=4)
    intake.post(an_action(), key="young")
    intake.clock.at += dt.timedelta(days=3, seconds=1)

    more = [forget(intake.database, intake.clock()) for _ in range(2)]

    assert more == [True, False]
    assert stored(intake)[1] == 1


def test_the_first_answer_comes_also_when_the_case_was_stopped_since(intake: Intake) -> None:
    first = intake.post(an_action(), key="one")
    load_entries(intake.database, "test", a_pack(a_case(policy=a_policy(stopped=True))))
    intake.http = intake.app().test_client()

    assert intake.post(an_action(), key="one").data == first.data
    assert intake.post(an_action(), key="two").status_code == 422


def test_a_request_under_way_is_told(intake: Intake) -> None:
    name = f"idempotency {intake.known.id} one"
    if not intake.database.is_postgresql:
        pytest.skip("SQLite makes the second request wait for the first")

    with intake.database.begin() as connection:
        intake.database.hold(connection, name)
        answer = intake.post(an_action(), key="one")

    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_in_flight")
    assert answer.headers["Retry-After"] == "1"
    assert stored(intake) == (0, 0)


def test_twenty_at_once_with_one_key_make_one_action(intake: Intake) -> None:
    app = intake.app()

    def post(_number: int) -> Any:
        headers = intake.auth() | {"Idempotency-Key": "one"}
        return app.test_client().post("/v1/actions", json=an_action(), headers=headers)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(post, range(20)))

    assert stored(intake) == (1, 1)
    statuses = Counter(one.status_code for one in answers)
    assert set(statuses) <= {202, 409}
    assert len({one.data for one in answers if one.status_code == 202}) == 1
    fresh = [one for one in answers if one.status_code == 202 and not _replayed(one)]
    assert len(fresh) == 1


def _replayed(answer: Any) -> bool:
    return "Idempotent-Replayed" in answer.headers


@pytest.mark.parametrize(
    ("header", "key"),
    [(None, None), ("abc", "abc"), ('"abc"', "abc"), (' "a b" ', "a b"), ("k" * 255, "k" * 255)],
)
def test_a_key_may_stand_in_quotes(header: str | None, key: str | None) -> None:
    assert read_key(header) == key


@pytest.mark.parametrize("header", ["", '""', '"a', "a b", "k" * 256, "\u00e9", 'a"b', "a\\b"])
def test_a_key_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(Problem) as refused:
        read_key(header)

    assert refused.value.kind.status == 400
    assert refused.value.kind.code == "idempotency_key_malformed"
