"""OSDI's helpers over HTTP: HAL, its header, its errors, and repeats."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from services.intake.clients.manage import Terms, create_client
from services.intake.packs.load import load_entries
from shared.api_keys import Mode, Scope
from shared.catalogue import Channel, Entry, Kind
from shared.tables.intake import actions
from tests.intake.builders import Intake, a_case, a_pack, a_policy
from tests.intake.osdi_bodies import a_person, an_outreach

OUTREACHES = "/osdi/v1/advocacy_campaigns/mikita/record_outreach_helper"
SIGNATURES = "/osdi/v1/petitions/mikita/record_signature_helper"


def entries() -> list[Entry]:
    policy = a_policy(
        channels=(Channel.EMAIL, Channel.LETTER),
        kinds=(Kind.APPEAL, Kind.SOLIDARITY, Kind.SIGNATURE),
    )
    return a_pack(a_case(policy=policy))


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}", entries())
    yield intake
    intake.database.close()


@pytest.fixture
def either(engine_url: str) -> Iterator[Intake]:
    """On each engine in turn."""
    intake = Intake.start(engine_url, entries())
    yield intake
    intake.database.close()


def post(intake: Intake, body: Any, path: str = OUTREACHES) -> Any:
    return intake.http.post(path, json=body, headers={"OSDI-API-Token": intake.known.key})


def rows(intake: Intake) -> list[Row[Any]]:
    with intake.database.read() as connection:
        return list(connection.execute(select(actions).order_by(actions.c.seq)))


def errors(answer: Any) -> list[tuple[str, list[str]]]:
    assert answer.content_type == "application/hal+json"
    error = answer.json["osdi:error"]
    [resource] = error["resource_status"]
    assert error["request_type"] == "atomic"
    assert error["response_code"] == resource["response_code"] == answer.status_code
    return [(one["error_code"], one["properties"]) for one in resource["error_descriptions"]]


def test_an_outreach_becomes_an_action_like_any_other(intake: Intake) -> None:
    answer = post(intake, an_outreach())

    [row] = rows(intake)
    assert answer.status_code == 200
    assert (row.kind, row.channel, row.standing) == ("appeal", "email", "clear")
    assert row.recipients == ["prosecutor"]
    assert row.supporter_name.open(row.id) == "Ana Beispiel"
    assert row.words.open(row.id) == "I think of you."


def test_an_outreach_without_targets_is_not_counted(intake: Intake) -> None:
    answer = post(intake, an_outreach(targets=[]))

    assert answer.status_code == 400
    assert errors(answer) == [("no_targets", ["targets"])]
    assert rows(intake) == []


def test_the_answer_is_hal_and_leads_to_the_action_without_the_person(intake: Intake) -> None:
    answer = post(intake, an_outreach())

    [row] = rows(intake)
    told = answer.json
    assert answer.content_type == "application/hal+json"
    assert told["identifiers"] == [f"writ:{row.id}", "my_tool:outreach-1"]
    assert told["action_date"] == "2026-05-31T11:02:15Z"
    assert (told["type"], told["targets"]) == ("email", [{"title": "The prosecutor"}])
    assert told["writ:status"] == "accepted"
    assert told["_links"]["self"]["href"].endswith(f"/v1/actions/{row.id}")
    assert told["_links"]["writ:get_timeline"]["href"].endswith(f"/v1/actions/{row.id}/timeline")
    assert not any(word in answer.text for word in ("Ana", "ana@", "think of"))


def test_everything_is_found_from_the_entry_point_by_links(intake: Intake) -> None:
    def follow(href: str) -> Any:
        path = href.removeprefix("http://127.0.0.1:0")
        return intake.http.get(path, headers={"OSDI-API-Token": intake.known.key}).json

    entry = follow("/osdi/v1/")["_links"]
    [campaign] = follow(entry["osdi:advocacy_campaigns"]["href"])["_embedded"][
        "osdi:advocacy_campaigns"
    ]
    [petition] = follow(entry["osdi:petitions"]["href"])["_embedded"]["osdi:petitions"]
    helper = campaign["_links"]["osdi:record_outreach_helper"]["href"]
    targets = [*campaign["target_list"][:2], {"title": "No such office"}]
    answer = post(intake, an_outreach(targets=targets), helper.removeprefix("http://127.0.0.1:0"))

    assert follow(campaign["_links"]["self"]["href"]) == campaign
    assert follow(petition["_links"]["self"]["href"]) == petition
    assert petition["_links"]["osdi:record_signature_helper"]["href"].endswith(SIGNATURES)
    assert answer.json["targets"] == [{"title": "The prosecutor"}, {"title": "The minister"}]


def test_the_same_identifier_again_gets_the_first_answer(either: Intake) -> None:
    first = post(either, an_outreach())
    other_words = an_outreach(message="Other words.", identifiers=["my_tool:outreach-1", "b:2"])

    again = post(either, other_words)

    assert again.status_code == 200
    assert again.json == first.json
    assert len(rows(either)) == 1


def test_a_repeat_is_answered_when_the_case_has_closed_and_the_day_is_used_up(
    intake: Intake,
) -> None:
    narrow = create_client(
        intake.database,
        "b",
        mode=Mode.LIVE,
        scopes=[Scope.SUBMIT],
        terms=Terms(daily_actions=1),
    )
    token = {"OSDI-API-Token": narrow.key}
    first = intake.http.post(OUTREACHES, json=an_outreach(), headers=token)
    other = an_outreach(identifiers=["my_tool:2"])
    over = intake.http.post(OUTREACHES, json=other, headers=token)
    load_entries(intake.database, "test", a_pack(a_case(policy=a_policy(stopped=True))))

    again = intake.http.post(OUTREACHES, json=an_outreach(), headers=token)

    assert (first.status_code, over.status_code) == (200, 429)
    assert errors(over) == [("daily_cap_reached", [])]
    assert again.json == first.json


def test_ten_at_once_with_one_identifier_are_one_action(either: Intake) -> None:
    app = either.app()

    def send(_number: int) -> int:
        token = {"OSDI-API-Token": either.known.key}
        answer = app.test_client().post(OUTREACHES, json=an_outreach(), headers=token)
        return int(answer.status_code)

    with ThreadPoolExecutor(10) as pool:
        statuses = set(pool.map(send, range(10)))

    assert statuses <= {200, 409}
    assert len(rows(either)) == 1


def test_an_identifier_is_its_clients_and_its_cases_own(intake: Intake) -> None:
    other = create_client(intake.database, "b", mode=Mode.LIVE, scopes=[Scope.SUBMIT])
    signed = {"person": a_person(), "identifiers": ["my_tool:outreach-1"]}
    post(intake, an_outreach())

    intake.http.post(OUTREACHES, json=an_outreach(), headers={"OSDI-API-Token": other.key})
    post(intake, signed, SIGNATURES)

    assert [row.kind for row in rows(intake)] == ["appeal", "appeal", "signature"]


def test_without_an_identifier_each_is_an_action(intake: Intake) -> None:
    post(intake, an_outreach(identifiers=None))
    post(intake, an_outreach(identifiers=["writ:of-ours"], message="Once more."))

    assert [row.reference for row in rows(intake)] == [None, None]


def test_every_fault_is_told_at_its_place(intake: Intake) -> None:
    person = {
        "identifiers": ["my_tool:x\u0020"],
        "email_addresses": [{"address": "nobody"}],
        "postal_addresses": [{"country": "XX"}],
        "languages_spoken": ["de"],
    }
    late = "2027-01-01T00:00:00Z"

    wrong = post(intake, an_outreach(person=person | {"identifiers": ["x"]}))
    answer = post(
        intake,
        an_outreach(person=person | {"identifiers": None}, message="x" * 3001, action_date=late),
    )

    assert errors(wrong) == [("wrong_form", ["person.identifiers[0]"])]
    assert sorted(errors(answer)) == [
        ("email_invalid", ["person.email_addresses"]),
        ("empty", ["person.given_name"]),
        ("in_the_future", ["action_date"]),
        ("language_without_template", ["person.languages_spoken"]),
        ("too_long", ["message"]),
        ("unknown_country", ["person.postal_addresses"]),
    ]
    assert rows(intake) == []


def test_a_signature_stands_under_the_petition_to_all(intake: Intake) -> None:
    body = {"person": a_person(), "identifiers": ["my_tool:s1"], "comments": "Let him go!"}

    answer = post(intake, body, SIGNATURES)
    again = post(intake, body, SIGNATURES)

    [row] = rows(intake)
    assert answer.json == again.json
    assert answer.json["identifiers"] == [f"writ:{row.id}", "my_tool:s1"]
    assert (row.kind, row.channel) == ("signature", "petition")
    assert row.recipients == ["prosecutor", "minister"]
    assert row.words.open(row.id) == "Let him go!"


def test_a_fault_of_a_signature_points_to_its_comments(intake: Intake) -> None:
    answer = post(intake, {"person": a_person(), "comments": "x" * 3001}, SIGNATURES)

    assert errors(answer) == [("too_long", ["comments"])]


def test_a_petition_that_no_case_has_is_told(intake: Intake) -> None:
    load_entries(intake.database, "test", a_pack())

    answer = post(intake, {"person": a_person()}, SIGNATURES)

    assert errors(answer) == [("kind_not_allowed", [])]
    assert intake.get("/osdi/v1/petitions").json["_embedded"]["osdi:petitions"] == []
    assert intake.get("/osdi/v1/petitions/mikita").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "key_missing"),
        ({"OSDI-API-Token": "writ_live_x"}, 401, "key_invalid"),
        ({"OSDI-API-Token": ""}, 401, "key_missing"),
    ],
)
def test_the_door_speaks_osdi_too(
    intake: Intake, headers: dict[str, str], status: int, code: str
) -> None:
    answer = intake.http.post(OUTREACHES, json=an_outreach(), headers=headers)

    assert answer.status_code == status
    assert errors(answer) == [(code, [])]


def test_the_key_may_stand_in_authorization_but_nowhere_else_in_osdis_header(
    intake: Intake,
) -> None:
    token = {"OSDI-API-Token": intake.known.key}

    assert intake.get("/osdi/v1/").status_code == 200
    assert intake.http.get("/v1/cases", headers=token).status_code == 401


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/hal+json", 400),
        (b"{}", "text/plain", 415),
        (b"x" * 70_000, "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_told_in_osdis_form(
    intake: Intake, data: bytes, content_type: str, status: int
) -> None:
    headers = {"OSDI-API-Token": intake.known.key}

    answer = intake.http.post(OUTREACHES, data=data, content_type=content_type, headers=headers)

    assert answer.status_code == status
    assert errors(answer)


def test_a_case_that_is_not_there_is_not_found(intake: Intake) -> None:
    path = "/osdi/v1/advocacy_campaigns/nobody/record_outreach_helper"

    assert errors(post(intake, an_outreach(), path)) == [("not_found", [])]


def test_a_test_key_records_tests(intake: Intake) -> None:
    tester = create_client(intake.database, "t", mode=Mode.TEST, scopes=[Scope.SUBMIT])

    answer = intake.http.post(
        OUTREACHES, json=an_outreach(), headers={"OSDI-API-Token": tester.key}
    )

    [row] = rows(intake)
    assert answer.get_json()["identifiers"][0] == f"writ:{row.id}"
    assert row.mode == "test"
