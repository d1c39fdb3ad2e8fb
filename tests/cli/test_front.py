"""One address for both services, and one document of both."""

import re
from pathlib import Path

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from werkzeug.test import Client

from services.cli.front import make_front
from services.cli.openapi import both, merged
from shared.api_keys import Client as Caller
from shared.http import docs
from shared.http.guard import Guard
from shared.http.limits import Limits
from shared.http.operations import About, Api, op
from shared.http.shares import OwnStore

RUNBOOK = Path(__file__).parents[2] / "deploy" / "README.md"
_ROW = re.compile(r"^\| (`/.*?) \| (intake|tracking), \d+ \|", re.MULTILINE)


class Tea(BaseModel):
    served_by: str


class Cup(BaseModel):
    name: str


class Tin:
    class Tea(BaseModel):
        """Another thing of the same name."""

        leaves: int


class TeaEdge:
    @op("POST", "/v1/teas")
    def brew(self) -> Tea:
        """Brew a tea."""
        return Tea(served_by="intake")


class HealthEdge:
    @op("GET", "/livez")
    def livez(self) -> Tea:
        """Live."""
        return Tea(served_by="intake")


class CupsEdge:
    @op("GET", "/v1/teas/{name}/cup")
    def cup(self, path: Cup) -> Tea:
        """Look at the cup."""
        return Tea(served_by=f"tracking, {path.name}")

    @op("GET", "/console/")
    def console(self) -> Tea:
        """Watch."""
        return Tea(served_by="tracking")


class ReceiptsEdge:
    @op("POST", "/v1/receipts")
    def receive(self) -> Tin.Tea:
        """Take a receipt."""
        return Tin.Tea(leaves=1)


class TornEdge:
    @op("GET", "/v1/leaves")
    def leaves(self) -> Tin.Tea:
        """Count leaves."""
        return Tin.Tea(leaves=1)


class NoKeys:
    def find(self, _text: str) -> Caller | None:
        return None


def an_app(title: str, *edges: object) -> Flask:
    guard = Guard(NoKeys(), Limits(OwnStore()))  # type: ignore[arg-type]
    api = Api(Flask(title), About(title, "1", f"About {title}."), guard, max_body_bytes=1000)
    for edge in edges:
        api.add(edge)
    docs.publish(api)
    return api.app


@pytest.fixture
def front() -> Client:
    intake = an_app("Intake", TeaEdge(), HealthEdge())
    return Client(make_front(intake, an_app("Tracking", CupsEdge(), HealthEdge())))


@pytest.mark.parametrize(
    ("method", "path", "served_by"),
    [
        ("POST", "/v1/teas", "intake"),
        ("GET", "/v1/teas/green/cup", "tracking, green"),
        ("GET", "/v1/teas/gr%C3%BCn/cup", "tracking, grün"),
        ("GET", "/livez", "intake"),
    ],
)
def test_each_path_goes_to_the_service_that_knows_it(
    front: Client, method: str, path: str, served_by: str
) -> None:
    answer = front.open(path, method=method)

    assert answer.json == {"served_by": served_by}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/teas", 405),
        ("DELETE", "/v1/teas/green/cup", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/nowhere", 404),
        ("GET", "/console/", 404),
    ],
)
def test_what_neither_knows_is_a_problem_of_intakes(
    front: Client, method: str, path: str, status: int
) -> None:
    answer = front.open(path, method=method)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


def test_the_document_and_its_page_are_of_both(front: Client) -> None:
    document = dict(front.get("/openapi.json").json or {})
    page = front.get("/docs").text

    assert set(document["paths"]) == {"/v1/teas", "/v1/teas/{name}/cup", "/console/"}
    assert document["info"]["description"] == "About Intake.\nAbout Tracking."
    assert 'id="brew"' in page
    assert 'id="cup"' in page


def test_what_is_not_for_tools_is_left_out_with_its_schemas() -> None:
    document = merged(an_app("Intake", TeaEdge()), an_app("Tracking", ReceiptsEdge()))

    assert set(document["paths"]) == {"/v1/teas"}
    assert "leaves" not in str(document["components"]["schemas"])


def test_one_name_for_two_things_is_refused() -> None:
    with pytest.raises(ValueError, match="Tea"):
        merged(an_app("Intake", TeaEdge()), an_app("Tracking", TornEdge()))


def test_the_real_document_is_valid_and_names_each_operation_once() -> None:
    document = merged(*both())

    names = [
        one["operationId"] for methods in document["paths"].values() for one in methods.values()
    ]
    OpenAPIV31SpecValidator(document).validate()
    assert len(names) == len(set(names))
    assert {"post_action", "get_timeline", "record_outreach_helper"} <= set(names)


def test_the_runbook_sends_every_path_where_it_is_served() -> None:
    table = dict(_rows())

    for path, service in _served():
        fitting = [prefix for prefix in table if path.startswith(prefix)]
        assert fitting, path
        assert table[max(fitting, key=len)] == service, path


def _rows() -> list[tuple[str, str]]:
    return [
        (prefix, row[2])
        for row in _ROW.finditer(RUNBOOK.read_text(encoding="utf-8"))
        for prefix in re.findall(r"`(/.*?)`", row[1])
    ]


def _served() -> list[tuple[str, str]]:
    return [
        (path, service)
        for service, app in zip(("intake", "tracking"), both(), strict=True)
        for path in docs.document_of(app)["paths"]
        if path not in {"/livez", "/readyz"}
    ]
