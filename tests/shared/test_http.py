import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from shared.api_keys import Client, Key, Mode, Scope
from shared.faults import Fault, Refused
from shared.http.guard import Guard
from shared.http.limits import Limits
from shared.http.operations import About, Answer, Api, op
from shared.http.paging import read_cursor, write_cursor
from shared.http.problems import NOT_FOUND, Problem
from shared.http.shares import OwnStore

CLIENT = Client(id=UUID(int=1), mode=Mode.LIVE, scopes=frozenset({"read"}))


class OneKey:
    """A registry that knows one key."""

    def find(self, text: str) -> Key | None:
        return Key(id=UUID(int=2), client=CLIENT) if text == "good" else None


class Tea(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    cups: int = 1


class TeaPath(BaseModel):
    number: int


class CupPath(BaseModel):
    id: UUID


class TeaEdge:
    def __init__(self, brew: Callable[[Tea], Tea] = lambda tea: tea) -> None:
        self._brew = brew

    @op("POST", "/teas", status=201)
    def brew(self, body: Tea) -> Answer[Tea]:
        """Brew a tea."""
        return Answer(body=self._brew(body), headers={"Location": "/teas/1"})

    @op("GET", "/teas/{number}")
    def look(self, path: TeaPath) -> Tea:
        """Look at a tea."""
        return Tea(name="green", cups=path.number)

    @op("DELETE", "/teas", status=204, scope=Scope.READ)
    def pour_away(self) -> None:
        """Pour all away."""

    @op("GET", "/mine", scope=Scope.READ)
    def mine(self, client: Client) -> Tea:
        """Look at my tea."""
        return Tea(name=str(client.id))

    @op("GET", "/secret", scope=Scope.SUBMIT)
    def secret(self) -> Tea:
        """Look at a secret tea."""
        return Tea(name="secret")

    @op("POST", "/raw", status=204)
    def raw(self, body: bytes) -> None:
        """Take whatever comes."""
        assert isinstance(body, bytes)


def http(edge: object | None = None) -> FlaskClient:
    guard = Guard(OneKey(), Limits(OwnStore()))  # type: ignore[arg-type]
    api = Api(Flask("tea", static_folder=None), About("Tea", "1", ""), guard, max_body_bytes=1000)
    api.add(edge or TeaEdge())
    return api.app.test_client()


def failing(error: Exception) -> FlaskClient:
    def brew(_tea: Tea) -> Tea:
        raise error

    return http(TeaEdge(brew))


def problem(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    document = answer.json
    assert set(document) == {"type", "title", "status", "code", "detail", "errors"}
    assert document["status"] == answer.status_code
    assert document["type"] == f"/docs#problem-{document['code']}"
    return answer.status_code, document["code"]


def test_a_model_comes_in_and_a_model_goes_out() -> None:
    answer = http().post("/teas", json={"name": "green"})

    assert (answer.status_code, answer.json) == (201, {"name": "green", "cups": 1})
    assert answer.headers["Location"] == "/teas/1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert UUID(answer.headers["Request-Id"]).version == 7


def test_a_path_is_typed_and_what_cannot_be_is_not_found() -> None:
    assert http().get("/teas/3").json == {"name": "green", "cups": 3}
    assert problem(http().get("/teas/x")) == (404, "not_found")


def test_beside_an_id_another_word_is_a_path_of_its_own() -> None:
    class Cups:
        @op("GET", "/cups/{id}")
        def cup(self, path: CupPath) -> Tea:
            """Look at a cup."""
            return Tea(name=str(path.id))

        @op("POST", "/cups/many", status=204)
        def cups(self) -> None:
            """Take many cups."""

    cups = http(Cups())

    assert cups.get(f"/cups/{UUID(int=1)}").get_json()["name"] == str(UUID(int=1))
    assert problem(cups.get("/cups/x")) == (404, "not_found")
    assert problem(cups.get("/cups/many")) == (405, "method_not_allowed")


def test_nothing_is_answered_as_nothing() -> None:
    answer = http().delete("/teas", headers={"Authorization": "Bearer good"})

    assert (answer.status_code, answer.data) == (204, b"")


def test_an_operation_is_given_its_client() -> None:
    answer = http().get("/mine", headers={"Authorization": "bearer good"})

    assert answer.json == {"name": str(CLIENT.id), "cups": 1}


@pytest.mark.parametrize(
    ("path", "authorization", "expected"),
    [
        ("/mine", None, (401, "key_missing")),
        ("/mine", "Bearer bad", (401, "key_invalid")),
        ("/mine", "Bearer", (401, "key_invalid")),
        ("/secret", "Bearer good", (403, "scope_missing")),
    ],
)
def test_the_door_is_guarded(
    path: str, authorization: str | None, expected: tuple[int, str]
) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    assert problem(http().get(path, headers=headers)) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nowhere", (404, "not_found")),
        ("GET", "//teas/1", (404, "not_found")),
        ("GET", "/teas/1/", (404, "not_found")),
        ("PUT", "/teas", (405, "method_not_allowed")),
    ],
)
def test_what_flask_refuses_is_a_problem_too(
    method: str, path: str, expected: tuple[int, str]
) -> None:
    assert problem(http().open(path, method=method)) == expected


def test_a_wrong_method_tells_the_right_ones() -> None:
    assert set(http().put("/teas").headers["Allow"].split(", ")) == {"POST", "DELETE", "OPTIONS"}


def test_a_raw_body_is_taken_as_it_is_within_its_size() -> None:
    assert http().post("/raw", data=b"\xff", content_type="text/plain").status_code == 204
    assert problem(http().post("/raw", data=b"x" * 1001)) == (413, "body_too_large")


def test_a_hundred_faults_are_enough() -> None:
    many = {f"{number}": 1 for number in range(120)}
    body = json.dumps(many, separators=(",", ":"))

    answer = http().post("/teas", data=body, content_type="application/json")

    assert problem(answer) == (422, "invalid")
    assert len(answer.get_json()["errors"]) == 100


def test_a_verb_that_refuses_is_answered_with_pointers() -> None:
    answer = failing(Refused([Fault("/name", "too_hot", "Wait")])).post("/teas", json={"name": "x"})

    assert problem(answer) == (422, "invalid")
    assert answer.get_json()["errors"] == [
        {"pointer": "/name", "code": "too_hot", "detail": "Wait"}
    ]


def test_a_problem_raised_below_is_answered() -> None:
    answer = failing(Problem(NOT_FOUND, "No such tea")).post("/teas", json={"name": "x"})

    assert problem(answer) == (404, "not_found")
    assert answer.get_json()["detail"] == "No such tea"


def test_what_breaks_says_nothing_of_people_to_anybody() -> None:
    with capture_logs() as lines:
        answer = failing(ValueError("Ana's words")).post("/teas", json={"name": "x"})

    assert problem(answer) == (500, "internal_error")
    assert "Ana" not in answer.text + str(lines)
    assert lines[0]["error"] == "ValueError"
    assert lines[0]["place"].startswith("test_http.py:")


def test_a_database_that_is_away_is_told_apart() -> None:
    away = OperationalError("SELECT", {}, Exception("gone"))

    answer = failing(away).post("/teas", json={"name": "x"})

    assert problem(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"


def test_an_operation_that_takes_what_nobody_gives_does_not_start() -> None:
    class Odd:
        @op("GET", "/odd")
        def odd(self, cookie: str) -> None:
            """Be odd."""

    with pytest.raises(TypeError, match="cookie"):
        http(Odd())


@pytest.mark.parametrize("numbers", [(0, 1), (2**62, 7)])
def test_a_cursor_is_read_as_it_was_written(numbers: tuple[int, ...]) -> None:
    assert read_cursor(write_cursor(*numbers), 2) == numbers
    assert read_cursor(None, 2) is None


@pytest.mark.parametrize("cursor", ["", "!", "\u00e9", "MQ", "MS4yLjM", write_cursor(2**63, 1)])
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        read_cursor(cursor, 2)

    assert refused.value.faults[0].pointer == "?cursor"
