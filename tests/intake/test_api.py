import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from services.intake.clients.manage import create_client, revoke_client
from services.intake.packs.load import load_entries
from shared.api_keys import Mode, Scope, new_key
from shared.database import Database
from shared.tables.intake import actions
from tests.intake.builders import KEYRING, Intake, a_case, a_pack, a_policy, an_action
from tests.personal import opened


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


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


def raw(intake: Intake, body: bytes, content_type: str = "application/json") -> Any:
    return intake.http.post(
        "/v1/actions", data=body, content_type=content_type, headers=intake.auth()
    )


def problem(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == answer.status_code
    return answer.status_code, answer.json["code"]


def test_an_accepted_action_is_stored_and_answered(either: Intake) -> None:
    answer = either.post(an_action(reference="r1"))

    action_id = answer.json["id"]
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/actions/{action_id}"
    assert answer.json == {
        "id": action_id,
        "status": "accepted",
        "duplicate_of": None,
        "supporter_ref": answer.json["supporter_ref"],
        "mode": "live",
        "case": "mikita",
        "campaign": "letters-2026",
        "recipients": ["prosecutor", "minister"],
        "links": {
            "self": f"/v1/actions/{action_id}",
            "timeline": f"/v1/actions/{action_id}/timeline",
        },
    }
    with either.database.read() as connection:
        row = opened(connection.execute(select(actions)).one())
    assert row.id == UUID(action_id)
    assert (row.supporter_name, row.supporter_email) == ("Ana Beispiel", "ana@tools.example")
    assert row.words == "I think of you."


def test_personal_data_is_sealed_in_the_table(either: Intake) -> None:
    either.post(an_action())

    with either.database.read() as connection:
        row = connection.execute(text("SELECT supporter_name, supporter_email, words FROM actions"))
        sealed = b"".join(bytes(value) for value in row.one())
    assert b"Ana" not in sealed
    assert b"think" not in sealed


def test_an_action_is_seen_again_without_the_person(either: Intake) -> None:
    posted = either.post(an_action(reference="r1", occurred_at="2026-05-31T12:00:00+02:00"))

    seen = either.get(posted.headers["Location"])

    assert seen.status_code == 200
    assert seen.json["reference"] == "r1"
    assert seen.json["occurred_at"] == "2026-05-31T10:00:00Z"
    assert seen.json["accepted_at"] == "2026-06-01T12:00:00Z"
    for personal in ("Ana", "ana@", "think"):
        assert personal not in seen.text


def test_anothers_action_is_not_found(intake: Intake) -> None:
    posted = intake.post(an_action())
    other = create_client(intake.database, "b", mode=Mode.LIVE, scopes=[Scope.READ])

    answer = intake.http.get(posted.headers["Location"], headers=intake.auth(other))

    assert problem(answer) == (404, "not_found")


@pytest.mark.parametrize("action_id", ["01a2029d-8c0a-7d3e-9f6b-3c1de1a0b111", "x", "%00"])
def test_an_action_that_is_not_there_is_not_found(intake: Intake, action_id: str) -> None:
    assert problem(intake.get(f"/v1/actions/{action_id}")) == (404, "not_found")


def test_a_list_is_followed_by_its_cursor_to_the_end_and_on(either: Intake) -> None:
    posted = [either.post(an_action(reference=f"r{number}")).json["id"] for number in range(5)]
    seen: list[str] = []
    cursor = ""

    while (page := either.get(f"/v1/actions?limit=2{cursor}").json)["next"]:
        cursor = f"&cursor={page['next']}"
        seen += [one["id"] for one in page["data"]]
    late = either.post(an_action()).json["id"]
    after = either.get(f"/v1/actions?limit=2{cursor}").json["data"]

    assert seen == posted
    assert [one["id"] for one in after] == [late]


def test_a_list_is_narrowed_by_case_and_reference(either: Intake) -> None:
    wanted = either.post(an_action(reference="r1")).json["id"]
    either.post(an_action(reference="r2"))

    found = either.get("/v1/actions?case=mikita&reference=r1").json["data"]

    assert [one["id"] for one in found] == [wanted]
    assert either.get("/v1/actions?case=other").json == {"data": [], "next": None}


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", ("?limit", "too_small")),
        ("limit=x", ("?limit", "wrong_form")),
        ("limit=1&limit=2", ("?limit", "repeated")),
        ("cursor=zzz", ("?cursor", "wrong_form")),
        ("cursor=MQ", ("?cursor", "wrong_form")),
        ("reference=%00", ("?reference", "wrong_form")),
        ("colour=red", ("?colour", "unknown_field")),
    ],
)
def test_a_faulty_query_is_told(intake: Intake, query: str, fault: tuple[str, str]) -> None:
    answer = intake.get(f"/v1/actions?{query}")

    assert problem(answer) == (422, "invalid")
    assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [fault]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"case": "a", "case": "b"}',
        b'{"case": NaN}',
        b'{"words": "\\ud800"}',
        b'{"words": -Infinity}',
        b"[" * 60_000,
        json.dumps(an_action()).encode("utf-16"),
    ],
)
def test_what_is_not_json_is_malformed(intake: Intake, body: bytes) -> None:
    assert problem(raw(intake, body)) == (400, "malformed_json")
    assert count(intake.database) == 0


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"words": "\\ud800"}', ["/words"]),
        (b'{"case": "\\ud83d\\ude00", "supporter": {"name": "a\\udc00"}}', ["/supporter/name"]),
        (b'{"recipients": ["a", "\\udfff"], "words": "\\ud800"}', ["/recipients/1", "/words"]),
        (b'{"consent": {"\\ud800": true}}', ["/consent"]),
    ],
)
def test_half_a_character_is_told_with_its_place(
    intake: Intake, body: bytes, where: list[str]
) -> None:
    answer = raw(intake, body)

    told = [(one["pointer"], one["code"]) for one in answer.json["errors"]]
    assert problem(answer) == (400, "malformed_json")
    assert told == [(pointer, "lone_surrogate") for pointer in where]
    assert count(intake.database) == 0


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null"])
def test_a_body_must_be_an_object(intake: Intake, body: bytes) -> None:
    assert problem(raw(intake, body)) == (422, "invalid")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"colour": "red"}, ("/colour", "unknown_field")),
        ({"case": None}, ("/case", "missing")),
        ({"case": 1}, ("/case", "wrong_type")),
        ({"channel": "fax"}, ("/channel", "unknown_word")),
        ({"consent": {"replies": "yes"}}, ("/consent/replies", "wrong_type")),
        ({"supporter": {"name": "A", "a/b~": 1}}, ("/supporter/a~1b~0", "unknown_field")),
        ({"occurred_at": "yesterday"}, ("/occurred_at", "wrong_form")),
        ({"occurred_at": "2026-05-31T12:00:00"}, ("/occurred_at", "no_time_zone")),
        ({"occurred_at": 1780000000}, ("/occurred_at", "wrong_type")),
        ({"words": "a\x00b"}, ("/words", "control_character")),
        ({"case": "zz"}, ("/case", "unknown_case")),
    ],
)
def test_a_faulty_body_is_told_with_pointers(
    intake: Intake, changes: dict[str, Any], fault: tuple[str, str]
) -> None:
    answer = intake.post(an_action(**changes))

    assert problem(answer) == (422, "invalid")
    assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [fault]
    assert count(intake.database) == 0


def test_only_json_is_taken(intake: Intake) -> None:
    body = json.dumps(an_action()).encode()

    assert problem(raw(intake, body, "text/plain")) == (415, "unsupported_media_type")
    assert raw(intake, body, "application/json; charset=utf-8").status_code == 202


def test_a_large_body_is_refused_with_and_without_its_length(intake: Intake) -> None:
    large = json.dumps(an_action(words="a" * 70_000)).encode()
    stream = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    told = raw(intake, large)
    chunked = intake.http.post(
        "/v1/actions",
        input_stream=BytesIO(large),
        content_type="application/json",
        headers=intake.auth(),
        environ_overrides=stream,
    )

    assert problem(told) == (413, "body_too_large")
    assert problem(chunked) == (413, "body_too_large")
    assert count(intake.database) == 0


def test_a_key_is_needed_known_and_in_force(intake: Intake) -> None:
    revoked = create_client(intake.database, "b", mode=Mode.LIVE, scopes=list(Scope))
    revoke_client(intake.database, revoked.id)
    wrong = {"Authorization": f"Bearer {new_key(Mode.LIVE).text}"}
    basic = {"Authorization": "Basic YTpi"}

    answers = [
        intake.http.post("/v1/actions", json=an_action(), headers=headers)
        for headers in ({}, wrong, basic, intake.auth(revoked))
    ]

    codes = ["key_missing", "key_invalid", "key_invalid", "key_revoked"]
    assert [problem(one) for one in answers] == [(401, code) for code in codes]
    assert all("Bearer" in one.headers["WWW-Authenticate"] for one in answers)


def test_a_key_without_the_scope_is_refused(intake: Intake) -> None:
    reader = create_client(intake.database, "b", mode=Mode.LIVE, scopes=[Scope.READ])

    answer = intake.http.post("/v1/actions", json=an_action(), headers=intake.auth(reader))

    assert problem(answer) == (403, "scope_missing")
    assert count(intake.database) == 0


def test_a_test_key_makes_test_actions(intake: Intake) -> None:
    tester = create_client(intake.database, "b", mode=Mode.TEST, scopes=list(Scope))

    answer = intake.http.post("/v1/actions", json=an_action(), headers=intake.auth(tester))

    assert answer.get_json()["mode"] == "test"


def test_open_cases_are_listed_without_addresses(either: Intake) -> None:
    (case,) = either.get("/v1/cases").json["data"]

    assert case["slug"] == "mikita"
    assert case["channels"] == ["email"]
    assert case["kinds"] == [
        {
            "kind": "appeal",
            "languages": ["en", "ru"],
            "recipients": [
                {"slug": "prosecutor", "office": "The prosecutor"},
                {"slug": "minister", "office": "The minister"},
            ],
        },
        {
            "kind": "solidarity",
            "languages": ["en"],
            "recipients": [{"slug": "family", "office": None}],
        },
    ]


def test_a_stopped_case_is_not_listed(intake: Intake) -> None:
    load_entries(intake.database, "test", a_pack(a_case(policy=a_policy(stopped=True))))

    assert intake.get("/v1/cases").json == {"data": []}


def test_a_request_is_logged_once_without_people(intake: Intake) -> None:
    with capture_logs() as lines:
        answer = intake.post(an_action())

    (line,) = lines
    assert line["event"] == "request"
    assert (line["route"], line["status"]) == ("/v1/actions", 202)
    assert line["client_id"] == str(intake.known.id)
    assert line["request_id"] == answer.headers["Request-Id"]
    assert "Ana" not in str(line)


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}")
    intake.database.close()
    (tmp_path / "writ.db").unlink()
    intake.database = Database(f"sqlite:///{tmp_path / 'gone' / 'writ.db'}", KEYRING)
    http = intake.app().test_client()

    answer = http.post("/v1/actions", json=an_action(), headers=intake.auth())
    ready = http.get("/readyz")

    assert problem(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert problem(ready) == (503, "not_ready")
    assert http.get("/livez").json == {"status": "ok"}
