"""An edge that others have specified keeps to their media types, their header and their errors."""

from typing import ClassVar
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel

from shared.api_keys import Client, Key, Mode, Scope
from shared.http import docs
from shared.http.dialects import Dialect
from shared.http.guard import Guard
from shared.http.limits import Limits
from shared.http.operations import About, Api, op
from shared.http.problems import Problem, ProblemForm
from shared.http.shares import OwnStore

CLIENT = Client(id=UUID(int=1), mode=Mode.LIVE, scopes=frozenset({"read"}))


class OneKey:
    def find(self, text: str) -> Key | None:
        return Key(id=UUID(int=2), client=CLIENT) if text == "good" else None


class Tea(BaseModel):
    name: str


class Oops(BaseModel):
    oops: str
    number: int


def _write(problem: Problem) -> Oops:
    return Oops(oops=problem.kind.code, number=len(problem.faults))


THEIRS = Dialect(
    gives="application/tea+json",
    takes=("application/json", "application/tea+json"),
    key_header="Tea-Token",
    problems=ProblemForm(
        media_type="application/oops+json", model=Oops, write=_write, statuses={422: 400}
    ),
)


class ForeignEdge:
    dialect: ClassVar[Dialect] = THEIRS

    @op("POST", "/foreign", scope=Scope.READ)
    def brew(self, body: Tea) -> Tea:
        """Brew as they do."""
        return body


class OwnEdge:
    @op("POST", "/own", scope=Scope.READ)
    def steep(self, body: Tea) -> Tea:
        """Brew as we do."""
        return body


def an_app() -> Flask:
    guard = Guard(OneKey(), Limits(OwnStore()))  # type: ignore[arg-type]
    api = Api(Flask("tea", static_folder=None), About("Tea", "1", ""), guard, max_body_bytes=1000)
    api.add(ForeignEdge())
    api.add(OwnEdge())
    docs.publish(api)
    return api.app


def http() -> FlaskClient:
    return an_app().test_client()


TOKEN = {"Tea-Token": "good"}


def test_the_key_may_stand_in_their_header_at_their_edge_alone() -> None:
    assert http().post("/foreign", json={"name": "green"}, headers=TOKEN).status_code == 200
    assert http().post("/own", json={"name": "green"}, headers=TOKEN).status_code == 401


def test_bodies_and_answers_are_of_their_media_types() -> None:
    body, theirs = b'{"name": "green"}', "application/tea+json"

    answer = http().post("/foreign", data=body, content_type=theirs, headers=TOKEN)
    refused = http().post("/own", data=body, content_type=theirs, headers={"Authorization": "x"})

    assert (answer.status_code, answer.content_type) == (200, theirs)
    assert refused.content_type == "application/problem+json"


def test_errors_have_their_form_and_their_status() -> None:
    answer = http().post("/foreign", json={}, headers=TOKEN)

    assert (answer.status_code, answer.content_type) == (400, "application/oops+json")
    assert answer.json == {"oops": "invalid", "number": 1}


def test_at_the_next_edge_errors_are_ours_again() -> None:
    both = http()
    both.post("/foreign", json={}, headers=TOKEN)

    answer = both.post("/own", json={}, headers={"Authorization": "Bearer good"})

    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")


def test_the_document_says_so() -> None:
    document = docs.document_of(an_app())

    theirs, ours = (document["paths"][path]["post"] for path in ("/foreign", "/own"))
    assert theirs["security"] == [{"key": []}, {"Tea-Token": []}]
    assert ours["security"] == [{"key": []}]
    assert document["components"]["securitySchemes"]["Tea-Token"]["name"] == "Tea-Token"
    assert set(theirs["requestBody"]["content"]) == {"application/json"}
    assert set(theirs["responses"]["200"]["content"]) == {"application/tea+json"}
    assert set(theirs["responses"]["400"]["content"]) == {"application/oops+json"}
    assert "422" not in theirs["responses"]
    assert "422" in ours["responses"]
    assert (theirs["tags"], ours["tags"]) == (["foreign"], ["own"])
