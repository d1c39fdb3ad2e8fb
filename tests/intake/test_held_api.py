"""What ops ask over HTTP: what is held, why, and let it go or not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.intake.clients.manage import NewClient, Terms, create_client
from shared.api_keys import Mode, Scope
from shared.catalogue import Kind
from shared.clock import new_id
from tests.intake.builders import (
    Intake,
    a_campaign,
    a_case,
    a_pack,
    an_action,
)

LINK = "Read https://tools.example/free"
CALL = "Call me: +44 20 7946 0958"


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    second = a_case(slug="zhang", name="Zhang", campaign="second", solidarity=())
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}", [*a_pack(), *_second(second)])
    yield intake
    intake.database.close()


def _second(case: Any) -> list[Any]:
    policy = case.policy.model_copy(update={"kinds": (Kind.APPEAL,)})
    template = a_pack()[6].model_copy(update={"case": "zhang"})
    return [a_campaign(slug="second"), case.model_copy(update={"policy": policy}), template]


def another(intake: Intake, *scopes: Scope, **narrowed: Any) -> NewClient:
    mode = narrowed.pop("mode", Mode.LIVE)
    return create_client(
        intake.database,
        "another",
        mode=mode,
        scopes=scopes or list(Scope),
        terms=Terms(**narrowed),
    )


def hold(intake: Intake, known: NewClient | None = None, **changes: Any) -> str:
    somebody = {"name": "Ana Beispiel", "email": f"{new_id()}@people.example"}
    body = an_action(**{"words": LINK, "supporter": somebody} | changes)
    answer: Any = intake.http.post("/v1/actions", json=body, headers=intake.auth(known))
    assert answer.json["status"] == "held", answer.json
    return str(answer.json["id"])


def get(intake: Intake, path: str, known: NewClient | None = None) -> Any:
    answer = intake.http.get(path, headers=intake.auth(known))
    assert answer.status_code == 200, answer.json
    return answer.json


def ask(intake: Intake, path: str, body: Any, known: NewClient | None = None) -> Any:
    return intake.http.post(path, json=body, headers=intake.auth(known))


def counted(intake: Intake, known: NewClient | None = None, **selection: Any) -> Any:
    answer = ask(intake, "/v1/held/preview", {"selection": selection}, known)
    assert answer.status_code == 200, answer.json
    return answer.json


def a_decision(counts: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "selection": {},
        "seen": counts["seen"],
        "number": counts["number"],
        "verdict": "release",
        "why": "Read, and found harmless",
    } | changes


def status(intake: Intake, action_id: str) -> str:
    return str(get(intake, f"/v1/actions/{action_id}")["status"])


def test_a_held_action_is_shown_with_all_it_takes_to_decide(intake: Intake) -> None:
    action_id = hold(intake, reference="r1")

    [held] = get(intake, "/v1/held")["data"]

    assert held["id"] == action_id
    assert held["client"] == str(intake.known.id)
    assert held["words"] == LINK
    assert held["supporter_name"] == "Ana Beispiel"
    assert held["reasons"] == [
        {"code": "link", "says": "A link or an address on the net, in the words or the name."}
    ]
    assert held["reference"] == "r1"


def test_the_email_address_is_never_shown(intake: Intake) -> None:
    hold(intake)

    assert "people.example" not in str(get(intake, "/v1/held"))


def test_held_actions_are_listed_in_pages_and_narrowed(intake: Intake) -> None:
    ids = [hold(intake), hold(intake, words=CALL), hold(intake, case="zhang")]

    first = get(intake, "/v1/held?limit=2")
    rest = get(intake, f"/v1/held?limit=2&cursor={first['next']}")
    calls = get(intake, "/v1/held?reason=phone_number")
    zhang = get(intake, "/v1/held?case=zhang&reason=link")

    assert [one["id"] for one in first["data"] + rest["data"]] == ids
    assert [one["id"] for one in calls["data"]] == ids[1:2]
    assert [one["id"] for one in zhang["data"]] == ids[2:]
    assert get(intake, f"/v1/held?cursor={rest['next']}") == {"data": [], "next": None}


def test_what_was_counted_is_released(intake: Intake) -> None:
    action_id = hold(intake)
    counts = counted(intake)

    answer = ask(intake, "/v1/held/decisions", a_decision(counts))

    assert counts == counts | {"number": 1, "by_case": {"mikita": 1}, "by_reason": {"link": 1}}
    assert (answer.status_code, answer.json) == (200, {"decided": 1})
    assert status(intake, action_id) == "accepted"


def test_or_rejected_and_the_other_reasons_wait_on(intake: Intake) -> None:
    link, call = hold(intake), hold(intake, words=CALL)
    counts = counted(intake, reason="link")
    decision = a_decision(counts, selection={"reason": "link"}, verdict="reject")

    assert ask(intake, "/v1/held/decisions", decision).json == {"decided": 1}
    assert status(intake, link) == "rejected"
    assert status(intake, call) == "held"


def test_actions_are_chosen_by_their_ids(intake: Intake) -> None:
    one, other = hold(intake), hold(intake)
    counts = counted(intake, actions=[one])
    ask(intake, "/v1/held/decisions", a_decision(counts, selection={"actions": [one]}))

    assert (status(intake, one), status(intake, other)) == ("accepted", "held")


@pytest.mark.parametrize("change", [{"number": 2}, {"selection": {"case": "zhang"}}])
def test_another_number_than_was_counted_is_a_conflict(
    intake: Intake, change: dict[str, Any]
) -> None:
    action_id = hold(intake)

    answer = ask(intake, "/v1/held/decisions", a_decision(counted(intake), **change))

    assert (answer.status_code, answer.json["code"]) == (409, "selection_changed")
    assert status(intake, action_id) == "held"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"seen": "!"}, "/seen"),
        ({"seen": "AAAA"}, "/seen"),
        ({"why": ""}, "/why"),
        ({"why": "a\x00b"}, "/why"),
        ({"verdict": "delete"}, "/verdict"),
        ({"selection": {"reason": "spam"}}, "/selection/reason"),
        ({"selection": {"actions": []}}, "/selection/actions"),
    ],
)
def test_a_faulty_decision_is_told_where_it_is_faulty(
    intake: Intake, changes: dict[str, Any], pointer: str
) -> None:
    answer = ask(intake, "/v1/held/decisions", a_decision(counted(intake), **changes))

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json["errors"]] == [pointer]


def test_a_test_key_sees_and_decides_what_test_keys_handed_in(intake: Intake) -> None:
    live = hold(intake)
    tester = another(intake, mode=Mode.TEST)
    hold(intake, tester)

    [seen] = get(intake, "/v1/held", tester)["data"]
    ask(intake, "/v1/held/decisions", a_decision(counted(intake, tester)), tester)

    assert seen["mode"] == "test"
    assert status(intake, live) == "held"
    assert [one["id"] for one in get(intake, "/v1/held")["data"]] == [live]


def test_a_key_for_one_campaign_sees_and_decides_its_actions_alone(intake: Intake) -> None:
    first, second = hold(intake), hold(intake, case="zhang")
    narrow = another(intake, campaigns=frozenset({"second"}))

    seen = get(intake, "/v1/held", narrow)["data"]
    ask(intake, "/v1/held/decisions", a_decision(counted(intake, narrow)), narrow)

    assert [one["id"] for one in seen] == [second]
    assert (status(intake, first), status(intake, second)) == ("held", "accepted")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/held"),
        ("POST", "/v1/held/preview"),
        ("POST", "/v1/held/decisions"),
        ("GET", "/v1/audit"),
    ],
)
def test_only_admins_come_near(intake: Intake, method: str, path: str) -> None:
    others = another(intake, *(scope for scope in Scope if scope is not Scope.ADMIN))

    answer: Any = intake.http.open(path, method=method, json={}, headers=intake.auth(others))

    assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")


def test_the_audit_log_tells_the_newest_first_who_decided_and_why(intake: Intake) -> None:
    hold(intake)
    ask(intake, "/v1/held/decisions", a_decision(counted(intake)))

    newest = get(intake, "/v1/audit?limit=1")
    made = get(intake, f"/v1/audit?cursor={newest['next']}")

    [entry] = newest["data"]
    assert entry["actor"] == str(intake.known.id)
    assert (entry["act"], entry["number"]) == ("actions_released", 1)
    assert (entry["subject"], entry["why"]) == ("all that was held", "Read, and found harmless")
    assert [one["act"] for one in made["data"]] == ["key_made"]
    assert get(intake, "/v1/audit?act=key_made")["data"] == made["data"]


def test_a_narrow_key_reads_of_the_audit_log_what_it_did_itself(intake: Intake) -> None:
    hold(intake)
    ask(intake, "/v1/held/decisions", a_decision(counted(intake)))
    tester = another(intake, mode=Mode.TEST)
    ask(intake, "/v1/held/decisions", a_decision(counted(intake, tester)), tester)

    [entry] = get(intake, "/v1/audit", tester)["data"]

    assert entry["actor"] == str(tester.id)
