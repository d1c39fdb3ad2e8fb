"""What keys may do, and how much of it, as their clients see it over HTTP."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from services.intake.clients.listing import list_clients
from services.intake.clients.manage import NewClient, Terms, create_client, revoke_key, rotate_key
from shared.api_keys import Mode, Scope
from shared.database import Database
from shared.tables.intake import actions
from tests.intake.builders import NOON, Intake, an_action

DAY = dt.timedelta(days=1)


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}")
    yield intake
    intake.database.close()


@pytest.fixture
def either(engine_url: str) -> Iterator[Intake]:
    """On each engine in turn."""
    intake = Intake.start(engine_url)
    yield intake
    intake.database.close()


def a_client(intake: Intake, *scopes: Scope, mode: Mode = Mode.LIVE, **terms: Any) -> NewClient:
    return create_client(
        intake.database,
        "a narrow tool",
        mode=mode,
        scopes=scopes or list(Scope),
        terms=Terms(**terms),
        clock=intake.clock,
    )


def numbered(number: int) -> dict[str, Any]:
    """An action of a supporter of its own."""
    return an_action(supporter={"name": "Ana Beispiel", "email": f"s{number}@tools.example"})


def post(intake: Intake, client: NewClient, number: int = 1, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return intake.http.post(
        "/v1/actions", json=numbered(number), headers=intake.auth(client) | named
    )


def batch(intake: Intake, client: NewClient, *lines: Any) -> Any:
    body = "\n".join(json.dumps(line) for line in lines)
    return intake.http.post(
        "/v1/actions/batch",
        data=body,
        content_type="application/x-ndjson",
        headers=intake.auth(client),
    )


def cases(intake: Intake, client: NewClient) -> Any:
    return intake.http.get("/v1/cases", headers=intake.auth(client))


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def stored(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


@pytest.mark.parametrize("scope", [Scope.CATALOGUE, Scope.READ])
def test_either_of_two_scopes_opens_the_catalogue(intake: Intake, scope: Scope) -> None:
    assert cases(intake, a_client(intake, scope)).status_code == 200


def test_a_key_with_neither_scope_is_told_both(intake: Intake) -> None:
    answer = cases(intake, a_client(intake, Scope.SUBMIT))

    assert code(answer) == (403, "scope_missing")
    assert "catalogue or read" in answer.json["detail"]


def test_an_expired_key_is_refused_at_once(intake: Intake) -> None:
    client = a_client(intake, expires_at=NOON + DAY)
    before = cases(intake, client)
    intake.clock.at += DAY

    after = cases(intake, client)

    assert before.status_code == 200
    assert code(after) == (401, "key_expired")
    assert "Bearer" in after.headers["WWW-Authenticate"]


def test_a_tool_changes_its_key_without_a_pause(intake: Intake) -> None:
    old = a_client(intake)
    new = rotate_key(intake.database, old.id, clock=intake.clock)

    both = [post(intake, key, number).status_code for number, key in enumerate((old, new))]
    revoke_key(intake.database, old.key, clock=intake.clock)
    intake.http = intake.app().test_client()  # what another process sees, or this one soon
    seen: Any = intake.http.get("/v1/actions", headers=intake.auth(new))

    assert both == [202, 202]
    assert code(post(intake, old)) == (401, "key_revoked")
    assert len(seen.json["data"]) == 2


def test_a_key_s_use_is_noted(either: Intake) -> None:
    client = a_client(either)

    cases(either, client)

    [shown] = [one for one in list_clients(either.database) if one.id == client.id]
    assert shown.keys[0].last_used_at == NOON


def test_a_key_for_another_campaign_sees_no_case_and_hands_in_nothing(either: Intake) -> None:
    client = a_client(either, campaigns=frozenset({"another"}))

    answer = post(either, client)

    assert cases(either, client).json["data"] == []
    assert code(answer) == (422, "invalid")
    assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [
        ("/case", "campaign_not_allowed")
    ]
    assert stored(either.database) == 0


def test_a_limited_client_reads_its_limits_on_every_answer(either: Intake) -> None:
    client = a_client(either, Scope.SUBMIT, rate_per_s=10, daily_actions=5_000)

    answers = [
        post(either, client),  # 202
        either.http.post("/v1/actions", json={}, headers=either.auth(client)),  # 422
        cases(either, client),  # 403
    ]

    assert [one.status_code for one in answers] == [202, 422, 403]
    for left, answer in zip((99, 98, 97), answers, strict=True):
        assert answer.headers["RateLimit-Policy"] == (
            '"requests";q=100;w=10, "actions";q=5000;w=86400;qu="actions"'
        )
        assert answer.headers["RateLimit"] == (
            f'"requests";r={left};t=10, "actions";r=4999;t=43200'
        )


def test_a_client_without_limits_reads_of_none(intake: Intake) -> None:
    answer = post(intake, a_client(intake))

    assert "RateLimit" not in answer.headers
    assert "RateLimit-Policy" not in answer.headers


def test_a_client_above_its_rate_is_told_when_to_come_back(either: Intake) -> None:
    client = a_client(either, rate_per_s=1)
    either.clock.at += dt.timedelta(seconds=3)

    answers = [cases(either, client) for _ in range(11)]
    either.clock.at += dt.timedelta(seconds=7)
    later = cases(either, client)

    assert [one.status_code for one in answers] == [200] * 10 + [429]
    assert code(answers[-1]) == (429, "rate_limited")
    assert answers[-1].headers["Retry-After"] == "7"
    assert answers[-1].headers["RateLimit"] == '"requests";r=0;t=7'
    assert later.status_code == 200


def test_two_processes_keep_one_rate(either: Intake) -> None:
    client = a_client(either, rate_per_s=1)
    processes = [either.app().test_client() for _ in range(2)]

    answers = [
        processes[number % 2].get("/v1/cases", headers=either.auth(client)).status_code
        for number in range(15)
    ]

    assert answers.count(200) == 10


def test_the_day_s_cap_ends_at_midnight_utc(either: Intake) -> None:
    client = a_client(either, daily_actions=2)

    answers = [post(either, client, number) for number in range(3)]
    either.clock.at += dt.timedelta(hours=12)
    tomorrow = post(either, client, 3)

    assert [one.status_code for one in answers] == [202, 202, 429]
    assert code(answers[2]) == (429, "daily_cap_reached")
    assert answers[2].headers["Retry-After"] == str(12 * 3600)
    assert tomorrow.status_code == 202
    assert stored(either.database) == 3


def test_looking_is_still_allowed_when_the_day_s_actions_are_used_up(intake: Intake) -> None:
    client = a_client(intake, daily_actions=1)
    post(intake, client)

    assert cases(intake, client).status_code == 200


def test_an_action_that_is_refused_does_not_count(intake: Intake) -> None:
    client = a_client(intake, daily_actions=1)

    refused = intake.http.post(
        "/v1/actions", json=an_action(case="none"), headers=intake.auth(client)
    )

    assert refused.status_code == 422
    assert post(intake, client).status_code == 202


def test_a_repeated_call_is_answered_again_and_does_not_count(either: Intake) -> None:
    client = a_client(either, daily_actions=2)

    first, again = (post(either, client, 1, Idempotency_Key="k1") for _ in range(2))
    second = post(either, client, 2, Idempotency_Key="k2")
    once_more = post(either, client, 1, Idempotency_Key="k1")
    third = post(either, client, 3, Idempotency_Key="k3")

    assert first.json == again.json == once_more.json
    assert once_more.headers["Idempotent-Replayed"] == "true"
    assert second.status_code == 202
    assert code(third) == (429, "daily_cap_reached")


def test_a_batch_above_the_cap_is_refused_whole(either: Intake) -> None:
    client = a_client(either, daily_actions=3)
    lines = [numbered(number) for number in range(4)]

    whole = batch(either, client, *lines)
    part = batch(either, client, *lines[:3], {"case": "broken"})

    assert code(whole) == (429, "daily_cap_reached")
    assert "3 are left, 4 were sent" in whole.json["detail"]
    assert part.status_code == 200
    assert stored(either.database) == 3


def test_what_a_test_key_hands_in_is_no_first_of_a_live_action(either: Intake) -> None:
    tester, tool = (a_client(either, mode=mode) for mode in (Mode.TEST, Mode.LIVE))

    rehearsed, again, live = (post(either, client).json for client in (tester, tester, tool))

    assert [one["mode"] for one in (rehearsed, again, live)] == ["test", "test", "live"]
    assert again["duplicate_of"] == rehearsed["id"]
    assert live["status"] == "accepted"


def test_a_database_that_is_away_lets_nobody_in(intake: Intake) -> None:
    client = a_client(intake, rate_per_s=10)
    cases(intake, client)
    with intake.database.begin() as connection:
        connection.execute(text("DROP TABLE client_usage"))
    intake.clock.at += dt.timedelta(seconds=10)

    assert code(cases(intake, client)) == (503, "unavailable")
