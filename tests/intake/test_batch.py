"""Many at once: each line is judged by itself, and what is right is stored together."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy import func, select

from shared.tables.intake import actions
from tests.intake.builders import Intake, an_action

NDJSON = "application/x-ndjson"


@pytest.fixture
def intake(engine_url: str) -> Iterator[Intake]:
    intake = Intake.start(engine_url)
    yield intake
    intake.database.close()


def an_action_of(number: int, **changes: Any) -> dict[str, Any]:
    supporter = {"name": f"Supporter {number}", "email": f"s{number}@tools.example"}
    return an_action(supporter=supporter, words=None, **changes)


def post(intake: Intake, body: bytes, kind: str = NDJSON, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return intake.http.post(
        "/v1/actions/batch", data=body, content_type=kind, headers=intake.auth() | named
    )


def lines(bodies: Sequence[Any]) -> bytes:
    return b"\n".join(json.dumps(one).encode() for one in bodies)


def results(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.data.splitlines()]


def stored(intake: Intake) -> int:
    with intake.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


def test_each_line_has_its_result_in_order(intake: Intake) -> None:
    first, again = an_action_of(1), an_action_of(1)
    body = lines([first, an_action_of(2, case="nobody"), again, an_action_of(3)])

    told = results(post(intake, body))

    assert [one["line"] for one in told] == [1, 2, 3, 4]
    assert [one["status"] for one in told] == ["accepted", "invalid", "duplicate", "accepted"]
    assert told[2]["duplicate_of"] == told[0]["id"]
    assert told[1] == {
        "line": 2,
        "status": "invalid",
        "errors": [{"pointer": "/case", "code": "unknown_case", "detail": ANY}],
    }
    assert stored(intake) == 3


def test_an_array_is_taken_and_summed_up(intake: Intake) -> None:
    body = json.dumps([an_action_of(1), {"case": 5}, an_action_of(2)]).encode()

    answer = post(intake, body, "application/json")

    assert answer.status_code == 200
    assert (answer.json["stored"], answer.json["invalid"]) == (2, 1)
    assert [one["status"] for one in answer.json["results"]] == ["accepted", "invalid", "accepted"]


def test_a_line_that_is_no_json_rejects_itself_alone(intake: Intake) -> None:
    body = lines([an_action_of(1)]) + b'\n{"case": \n[]\n\xff\n\n' + lines([an_action_of(2)])

    told = results(post(intake, body))

    assert [one["status"] for one in told] == ["accepted", *["invalid"] * 3, "accepted"]
    codes = [one["errors"][0]["code"] for one in told[1:4]]
    assert codes == ["malformed_json", "wrong_type", "malformed_json"]


def test_blank_lines_are_counted_and_have_no_result(intake: Intake) -> None:
    body = b"\n" + lines([an_action_of(1)]) + b"\n \r\n" + lines([{"case": 1}])

    told = results(post(intake, body))

    assert [(one["line"], one["status"]) for one in told] == [(2, "accepted"), (4, "invalid")]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (rb'{"words": "\ud83d"}', "lone_surrogate"),
        (b'{"case": "a", "case": "b"}', "malformed_json"),
        (b'{"words": NaN}', "malformed_json"),
        (b'{"words": "\xff"}', "malformed_json"),
        (b'{"words": "a\nb"}', "malformed_json"),
        (b'{"words": %s}' % (b"9" * 5_000), "malformed_json"),
        (b'"],["', "wrong_type"),
    ],
)
def test_a_bad_element_rejects_itself_alone(intake: Intake, bad: bytes, code: str) -> None:
    one, other = (json.dumps(an_action_of(number)).encode() for number in (1, 2))

    answer = post(intake, b" [%s ,\r\n%s,%s]\n" % (one, bad, other), "application/json")

    told = answer.json["results"]
    assert [each["line"] for each in told] == [1, 2, 3]
    assert [each["status"] for each in told] == ["accepted", "invalid", "accepted"]
    assert told[1]["errors"][0]["code"] == code
    assert stored(intake) == 2


def test_a_long_array_is_refused_before_its_end_is_read(intake: Intake) -> None:
    body = b"[" + b"{}," * 1_001 + b"what is no JSON"

    refused = post(intake, body, "application/json")

    assert (refused.status_code, refused.json["code"]) == (413, "too_many_actions")


def test_the_same_key_and_body_get_the_first_answer(intake: Intake) -> None:
    body = lines([an_action_of(1), {"case": 1}, an_action_of(2)])

    first = post(intake, body, Idempotency_Key="k1")
    again = post(intake, body, Idempotency_Key="k1")

    assert results(again) == results(first)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert stored(intake) == 2
    other = post(intake, lines([an_action_of(3)]), Idempotency_Key="k1")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_a_thousand_fit_and_one_more_stores_nothing(intake: Intake) -> None:
    thousand = [an_action_of(number) for number in range(1_000)]

    refused = post(intake, lines([*thousand, an_action_of(1_000)]))

    assert (refused.status_code, refused.json["code"]) == (413, "too_many_actions")
    assert stored(intake) == 0
    assert len(results(post(intake, lines(thousand)))) == 1_000
    assert stored(intake) == 1_000


@pytest.mark.parametrize("kind", [NDJSON, "application/json"])
def test_a_body_beyond_the_limit_is_refused_early(intake: Intake, kind: str) -> None:
    answer = post(intake, b" " * 10_000_001, kind)

    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "kind", "problem"),
    [
        (b"{}", "application/json", (422, "invalid")),
        (b'"[]"', "application/json", (422, "invalid")),
        (b"", "application/json", (400, "malformed_json")),
        (b"[1,", "application/json", (400, "malformed_json")),
        (b"[1,]", "application/json", (400, "malformed_json")),
        (b"[1 2]", "application/json", (400, "malformed_json")),
        (b"[1", "application/json", (400, "malformed_json")),
        (b"[", "application/json", (400, "malformed_json")),
        (b"[] []", "application/json", (400, "malformed_json")),
        (b"[" * 100_000, "application/json", (400, "malformed_json")),
        (b"a,b", "text/csv", (415, "unsupported_media_type")),
    ],
)
def test_a_body_that_is_no_batch_is_refused_as_a_whole(
    intake: Intake, body: bytes, kind: str, problem: tuple[int, str]
) -> None:
    answer = post(intake, body, kind)

    assert (answer.status_code, answer.json["code"]) == problem


def test_an_empty_batch_stores_nothing(intake: Intake) -> None:
    assert results(post(intake, b"\n\n")) == []
    assert post(intake, b" [ ] ", "application/json").json["results"] == []
