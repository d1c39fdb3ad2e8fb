import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.intake.accept import FAULT_CODES
from shared.http.bodies import VALIDATION_CODES
from tests.intake.builders import Intake

ROOT = Path(__file__).parents[2]
RAISED = re.compile(r'ProblemKind\(\s*\d+,\s*"(\w+)"')


@pytest.fixture
def http(tmp_path: Path) -> Iterator[FlaskClient]:
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}")
    yield intake.http
    intake.database.close()


@pytest.fixture
def document(http: FlaskClient) -> dict[str, Any]:
    answer = http.get("/openapi.json")
    assert answer.content_type == "application/json"
    return dict(answer.get_json())


def test_the_document_is_valid_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"

    OpenAPIV31SpecValidator(document).validate()


def test_every_example_keeps_to_its_schema(document: dict[str, Any]) -> None:
    examples = [
        (name, example)
        for name, schema in document["components"]["schemas"].items()
        for example in schema.get("examples", [])
    ]

    assert {name for name, _ in examples} >= {"NewAction", "AcceptedAction", "ActionView"}
    for name, example in examples:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        OAS31Validator(schema).validate(example)


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for methods in document["paths"].values() for one in methods.values()]


def test_every_operation_has_its_words_and_a_name_of_its_own(document: dict[str, Any]) -> None:
    found = operations(document)
    names = [one["operationId"] for one in found]

    assert len(names) == len(set(names)) > 30
    assert all(one["summary"] and one["tags"] != [""] for one in found)
    assert {"post_action", "post_batch", "post_preview", "post_import", "post_count"} <= set(names)
    assert {"erase_supporter", "record_outreach_helper", "record_signature_helper"} <= set(names)


def test_every_code_that_can_be_answered_is_documented(document: dict[str, Any]) -> None:
    sources = [*ROOT.glob("shared/http/*.py"), *ROOT.glob("services/intake/**/*.py")]
    raised = {code for file in sources for code in RAISED.findall(file.read_text())}
    told = {
        code
        for operation in operations(document)
        for answer in operation["responses"].values()
        for code in answer.get("x-codes", {})
    }

    # Answered to a method that no operation has.
    assert raised - told == {"method_not_allowed"}


def test_an_action_may_be_refused_in_every_way_that_the_document_says(
    document: dict[str, Any],
) -> None:
    responses = document["paths"]["/v1/actions"]["post"]["responses"]
    told = responses["422"]["x-fault-codes"]
    source = (ROOT / "services/intake/accept.py").read_text()
    used = set(re.findall(r'faults\.add\(\s*[^,]+,\s*"(\w+)"', source))

    assert used
    assert used <= set(told)
    assert set(told) == {*FAULT_CODES, *VALIDATION_CODES}
    assert set(responses) >= {"202", "400", "401", "403", "409", "413", "415", "422", "429", "500"}


def test_an_operation_of_osdi_speaks_as_osdi_does(document: dict[str, Any]) -> None:
    helper = document["paths"]["/osdi/v1/petitions/{case}/record_signature_helper"]["post"]

    assert helper["security"] == [{"key": []}, {"OSDI-API-Token": []}]
    assert set(helper["requestBody"]["content"]) == {"application/json"}
    assert "422" not in helper["responses"]
    assert "unknown_case" in helper["responses"]["400"]["x-fault-codes"]
    assert all(
        set(answer["content"]) == {"application/hal+json"}
        for answer in helper["responses"].values()
    )


def test_limits_checked_later_are_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["Supporter"]["properties"]["name"]["maxLength"] == 200
    assert schemas["NewAction"]["properties"]["words"]["maxLength"] == 3000
    assert schemas["NewAction"]["additionalProperties"] is False


def test_the_page_shows_every_operation_and_needs_nothing_from_elsewhere(
    http: FlaskClient, document: dict[str, Any]
) -> None:
    page = http.get("/docs")

    assert page.content_type == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script|\ssrc=|<link|@import|\sstyle=", page.text)
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page.text
    ids = re.findall(r' id="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', page.text):
        assert f'id="{target}"' in page.text
