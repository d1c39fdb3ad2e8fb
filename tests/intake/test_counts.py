"""Numbers without names: a claim, kept apart from actions, told and taken back by their client."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from services.intake.clients.manage import Terms, create_client
from shared.api_keys import Mode, Scope
from shared.catalogue import Channel, Kind
from shared.tables.intake import actions, audit_log
from shared.tables.writing_events import reported_counts
from tests.intake.builders import NOON, Intake, a_campaign, a_case, a_pack, a_policy

CHANNELS = (Channel.LETTER, Channel.POSTCARD, Channel.PETITION)
TODAY = NOON.date()


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    yield from counting(f"sqlite:///{tmp_path / 'writ.db'}")


@pytest.fixture
def either(engine_url: str) -> Iterator[Intake]:
    """On each engine in turn."""
    yield from counting(engine_url)


def counting(url: str) -> Iterator[Intake]:
    case = a_case(policy=a_policy(channels=CHANNELS, kinds=(Kind.APPEAL, Kind.SIGNATURE)))
    campaign = a_campaign(closes=dt.date(2026, 7, 1))
    intake = Intake.start(url, a_pack(case, campaign))
    yield intake
    intake.database.close()


def a_count(**changes: Any) -> dict[str, Any]:
    body = {
        "case": "mikita",
        "channel": "letter",
        "number": 120,
        "organiser": "Kirchenfeld school",
        "event_on": "2026-05-20",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def post(intake: Intake, **changes: Any) -> Any:
    return intake.http.post("/v1/counts", json=a_count(**changes), headers=intake.auth())


def faults(answer: Any) -> set[tuple[str, str]]:
    return {(one["pointer"], one["code"]) for one in answer.json["errors"]}


def number_of(intake: Intake, table: Any) -> int:
    with intake.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def acts(intake: Intake) -> list[tuple[str, int, int]]:
    with intake.database.read() as connection:
        log = select(audit_log).where(audit_log.c.act.startswith("count_"))
        rows = connection.execute(log.order_by(audit_log.c.seq)).all()
    return [(row.act, row.details["before"], row.number) for row in rows]


def test_a_count_is_kept_and_is_no_action(either: Intake) -> None:
    answer = post(either, reference="event-1")

    told = answer.json
    assert (answer.status_code, answer.headers["Location"]) == (201, told["links"]["self"])
    assert {**told, "id": "", "links": ""} == {
        "id": "",
        "mode": "live",
        "campaign": "letters-2026",
        "case": "mikita",
        "kind": "appeal",
        "channel": "letter",
        "number": 120,
        "event_on": "2026-05-20",
        "reference": "event-1",
        "reported_at": "2026-06-01T12:00:00Z",
        "withdrawn_at": None,
        "links": "",
    }
    assert either.get(told["links"]["self"]).json == told
    assert (number_of(either, reported_counts), number_of(either, actions)) == (1, 0)


def test_who_organised_it_is_sealed_and_never_given_back(either: Intake) -> None:
    told = post(either)

    with either.database.read() as connection:
        row = connection.execute(select(reported_counts)).one()
        raw = connection.exec_driver_sql("SELECT organiser FROM reported_counts").scalar_one()
    assert row.organiser.open(row.id) == "Kirchenfeld school"
    assert b"Kirchenfeld" not in bytes(raw)
    assert b"Kirchenfeld" not in told.data + either.get("/v1/counts").data


def test_a_repeat_under_one_reference_is_the_same_count(either: Intake) -> None:
    first, again = post(either, reference="event-1"), post(either, reference="event-1")

    assert (again.status_code, again.json) == (201, first.json)
    assert number_of(either, reported_counts) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 121},
        {"channel": "postcard"},
        {"organiser": "Another"},
        {"event_on": "2026-05-21"},
    ],
)
def test_a_reference_does_not_stand_for_two_counts(changes: dict[str, Any], intake: Intake) -> None:
    post(intake, reference="event-1")

    refused = post(intake, reference="event-1", **changes)

    assert (refused.status_code, refused.json["code"]) == (409, "reference_taken")


def test_counts_without_a_reference_are_each_their_own(intake: Intake) -> None:
    post(intake)
    post(intake)

    assert number_of(intake, reported_counts) == 2


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"case": "nobody"}, ("/case", "unknown_case")),
        ({"kind": "solidarity"}, ("/kind", "kind_not_allowed")),
        ({"channel": "petition"}, ("/channel", "channel_not_of_kind")),
        ({"channel": "email"}, ("/channel", "channel_not_allowed")),
        ({"number": 0}, ("/number", "too_small")),
        ({"number": 1_000_001}, ("/number", "too_large")),
        ({"number": 1.5}, ("/number", "wrong_type")),
        ({"number": True}, ("/number", "wrong_type")),
        ({"number": None}, ("/number", "missing")),
        ({"organiser": " "}, ("/organiser", "empty")),
        ({"organiser": "two\nlines"}, ("/organiser", "line_break")),
        ({"organiser": "x" * 201}, ("/organiser", "too_long")),
        ({"reference": "x" * 121}, ("/reference", "too_long")),
        ({"event_on": "yesterday"}, ("/event_on", "wrong_form")),
        ({"event_on": "2026-06-03"}, ("/event_on", "in_the_future")),
        ({"event_on": "2025-12-31"}, ("/event_on", "before_campaign")),
        ({"supporter": "Ana"}, ("/supporter", "unknown_field")),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    changes: dict[str, Any], fault: tuple[str, str], intake: Intake
) -> None:
    refused = post(intake, **changes)

    assert (refused.status_code, faults(refused)) == (422, {fault})
    assert number_of(intake, reported_counts) == 0


def test_all_that_is_wrong_is_told_at_once(intake: Intake) -> None:
    refused = post(intake, organiser="", channel="email", event_on="2026-06-03")

    assert len(faults(refused)) == 3


def test_where_the_day_has_begun_already_it_may_be_reported(intake: Intake) -> None:
    assert post(intake, event_on="2026-06-02").status_code == 201


def test_reports_may_come_in_after_the_campaign_but_not_of_later_events(intake: Intake) -> None:
    intake.clock.at = dt.datetime(2026, 7, 20, tzinfo=dt.UTC)

    assert post(intake, event_on="2026-06-30").status_code == 201
    assert faults(post(intake, event_on="2026-07-02")) == {("/event_on", "after_campaign")}


def test_counts_are_listed_page_by_page_the_oldest_first(either: Intake) -> None:
    ids = [post(either, number=number).json["id"] for number in (1, 2, 3)]

    first = either.get("/v1/counts?limit=2").json
    second = either.get(f"/v1/counts?limit=2&cursor={first['next']}").json
    last = either.get(f"/v1/counts?cursor={second['next']}").json

    assert [one["id"] for one in first["data"] + second["data"]] == ids
    assert (last["data"], last["next"]) == ([], None)


def test_counts_are_found_by_case_and_by_reference(intake: Intake) -> None:
    post(intake, reference="event-1")
    post(intake, reference="event-2")

    assert len(intake.get("/v1/counts?case=mikita").json["data"]) == 2
    assert len(intake.get("/v1/counts?case=nobody").json["data"]) == 0
    [one] = intake.get("/v1/counts?reference=event-2").json["data"]
    assert one["reference"] == "event-2"


def test_a_count_is_withdrawn_once_and_kept(either: Intake) -> None:
    here = post(either).json["links"]["self"]

    gone: Any = either.http.delete(here, headers=either.auth()).json
    either.clock.at += dt.timedelta(hours=1)
    again = either.http.delete(here, headers=either.auth()).json

    assert gone["withdrawn_at"] == "2026-06-01T12:00:00Z"
    assert again == gone == either.get(here).json
    assert acts(either) == [("count_withdrawn", 120, 120)]


@pytest.mark.parametrize("cursor", ["!", "LTEuLTEuLTE", "MS4y"])
def test_a_cursor_that_is_none_of_ours_breaks_nothing(cursor: str, intake: Intake) -> None:
    assert intake.get(f"/v1/counts?cursor={cursor}").status_code in {200, 422}


def test_another_client_sees_nothing_of_it(intake: Intake) -> None:
    here = post(intake, reference="event-1").json["links"]["self"]
    other = create_client(intake.database, "other", mode=Mode.LIVE, scopes=list(Scope))
    theirs = intake.auth(other)

    for method in ("get", "delete"):
        assert getattr(intake.http, method)(here, headers=theirs).status_code == 404
    assert intake.http.get("/v1/counts", headers=theirs).json == {"data": [], "next": None}
    mine = intake.http.post("/v1/counts", json=a_count(reference="event-1"), headers=theirs)
    assert mine.status_code == 201


def test_a_key_for_other_campaigns_is_refused(intake: Intake) -> None:
    other = create_client(
        intake.database,
        "other",
        mode=Mode.LIVE,
        scopes=list(Scope),
        terms=Terms(campaigns=frozenset({"elsewhere"})),
    )

    refused = intake.http.post("/v1/counts", json=a_count(), headers=intake.auth(other))

    assert faults(refused) == {("/case", "campaign_not_allowed")}
