"""Where an action stands: what is carried, counted, waits, or was there before."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from services.intake.accept import Action, accept
from services.intake.clear import confirm, drop, release
from services.intake.clients.manage import create_client
from services.intake.confirmation.confirm import Confirmations
from services.intake.models import NewAction
from services.intake.take import Taker
from shared.api_keys import Client, Mode, Scope
from shared.catalogue import Case, Catalogue, Channel, Duplicates, Kind, Moderation
from shared.tables.intake import Standing, actions, clearances, notices
from tests.intake.builders import (
    NOON,
    Intake,
    a_campaign,
    a_case,
    a_pack,
    a_policy,
    a_recipient,
    an_action,
)

EVERY_KIND = a_policy(channels=(Channel.EMAIL, Channel.LETTER, Channel.POSTCARD), kinds=tuple(Kind))
LINK = "Read https://spam.example"


@pytest.fixture
def intake(engine_url: str) -> Iterator[Intake]:
    intake = Intake.start(engine_url, a_pack(a_case(policy=EVERY_KIND)))
    yield intake
    intake.database.close()


Start = Callable[..., Intake]


@pytest.fixture
def started(engine_url: str) -> Iterator[Start]:
    """An intake with a campaign, or a case, of its own."""
    with ExitStack() as stack:

        def start(case: Case | None = None, **campaign: Any) -> Intake:
            pack = a_pack(case or a_case(policy=EVERY_KIND), a_campaign(**campaign))
            intake = Intake.start(engine_url, pack)
            stack.callback(intake.database.close)
            return intake

        yield start


def posted(intake: Intake, **changes: Any) -> Any:
    answer = intake.post(an_action(**changes))
    assert answer.status_code == 202, answer.json
    return answer.json


def row(intake: Intake, action_id: str) -> Any:
    with intake.database.read() as connection:
        return connection.execute(select(actions).where(actions.c.id == UUID(action_id))).one()


def cleared(intake: Intake) -> list[UUID]:
    with intake.database.read() as connection:
        return list(connection.scalars(select(clearances.c.action_id)))


def a_supporter(email: str | None = None, **changes: Any) -> dict[str, Any]:
    return {"name": "Ana Beispiel", **({"email": email} if email else {}), **changes}


@pytest.mark.parametrize(
    ("kind", "channel", "standing", "to"),
    [
        ("appeal", "email", Standing.CLEAR, ["prosecutor", "minister"]),
        ("appeal", "letter", Standing.CLEAR, ["prosecutor", "minister"]),
        ("appeal", "postcard", Standing.CLEAR, ["prosecutor", "minister"]),
        ("appeal", "own_post", Standing.COUNTED, ["prosecutor", "minister"]),
        ("solidarity", "letter", Standing.CLEAR, ["family"]),
        ("solidarity", "own_post", Standing.COUNTED, ["family"]),
        ("signature", "petition", Standing.CLEAR, ["prosecutor", "minister"]),
        ("public_post", "public", Standing.COUNTED, []),
    ],
)
def test_each_kind_is_taken_and_told_apart(
    intake: Intake, kind: str, channel: str, standing: Standing, to: list[str]
) -> None:
    told = posted(intake, kind=kind, channel=channel)

    assert told["status"] == "accepted"
    assert told["recipients"] == to
    assert row(intake, told["id"]).standing == standing


@pytest.mark.parametrize(
    ("kind", "channel"),
    [("appeal", "petition"), ("signature", "email"), ("public_post", "letter")],
)
def test_a_channel_that_does_not_fit_the_kind_is_refused(
    intake: Intake, kind: str, channel: str
) -> None:
    answer = intake.post(an_action(kind=kind, channel=channel))

    assert answer.status_code == 422
    assert [one["code"] for one in answer.json["errors"]] == ["channel_not_of_kind"]


def test_what_is_only_counted_needs_no_text_in_its_language(intake: Intake) -> None:
    told = posted(intake, kind="public_post", channel="public", language="fi", words=None)

    assert row(intake, told["id"]).language == "fi"


def test_a_finer_language_gets_the_text_of_the_coarser_one(intake: Intake) -> None:
    told = posted(intake, language="ru-UA")

    assert row(intake, told["id"]).language == "ru"


def test_the_same_supporter_twice_is_a_duplicate_and_kept(intake: Intake) -> None:
    first = posted(intake)
    second = posted(intake, supporter=a_supporter("ANA+again@tools.example"), words="Again.")

    assert (second["status"], second["duplicate_of"]) == ("duplicate", first["id"])
    assert second["supporter_ref"] == first["supporter_ref"]
    assert row(intake, second["id"]).standing == Standing.DUPLICATE


def test_another_channel_case_or_recipient_is_no_duplicate(intake: Intake) -> None:
    posted(intake, recipients=["minister"])

    for changes in ({"channel": "letter"}, {"recipients": ["prosecutor"]}, {"kind": "solidarity"}):
        assert posted(intake, **changes)["status"] == "accepted"


def test_a_namesake_is_no_duplicate(intake: Intake) -> None:
    for _ in range(2):
        assert posted(intake, supporter=a_supporter())["status"] == "accepted"


def test_a_clients_own_id_stands_in_for_an_email(intake: Intake) -> None:
    first = posted(intake, supporter=a_supporter(ref="crm-17"))

    assert posted(intake, supporter=a_supporter(ref="crm-17"))["duplicate_of"] == first["id"]
    assert posted(intake, supporter=a_supporter(ref="crm-18"))["status"] == "accepted"


def test_who_acted_elsewhere_is_told_to_be_held_as_anybody_would_be(intake: Intake) -> None:
    other = create_client(intake.database, "another tool", mode=Mode.LIVE, scopes=list(Scope))
    posted(intake)
    body, headers = an_action(words=LINK), intake.auth(other)

    told: Any = intake.http.post("/v1/actions", json=body, headers=headers).json
    seen: Any = intake.http.get(f"/v1/actions/{told['id']}", headers=headers).json
    batch: Any = intake.http.post("/v1/actions/batch", json=[body], headers=headers).json

    assert row(intake, told["id"]).standing == Standing.DUPLICATE
    assert [(one["status"], one["duplicate_of"]) for one in (told, seen)] == [("held", None)] * 2
    assert batch["results"][0]["status"] == "held"


def test_nobody_hears_that_a_supporter_acted_through_somebody_else(intake: Intake) -> None:
    other = create_client(intake.database, "another tool", mode=Mode.LIVE, scopes=list(Scope))
    posted(intake)

    told: Any = intake.http.post("/v1/actions", json=an_action(), headers=intake.auth(other)).json
    assert (told["status"], told["duplicate_of"]) == ("accepted", None)
    assert row(intake, told["id"]).standing == Standing.DUPLICATE
    path = f"/v1/actions/{told['id']}"
    seen: Any = intake.http.get(path, headers=intake.auth(other)).json
    assert (seen["status"], seen["duplicate_of"]) == ("accepted", None)


def test_what_is_sent_again_to_a_corrected_address_is_no_duplicate(
    engine_url: str, request: pytest.FixtureRequest
) -> None:
    old = {"email": "old@office.example", "until": "2026-05-31", "source": "invented"}
    new = {"email": "new@office.example", "since": "2026-06-01", "source": "invented"}
    minister = a_recipient("minister", mailboxes=[old, new])
    pack = [one for one in a_pack() if getattr(one, "slug", "") != "minister"]
    intake = Intake.start(engine_url, [*pack, minister])
    request.addfinalizer(intake.database.close)
    intake.clock.at = NOON.replace(month=5)
    posted(intake)

    intake.clock.at = NOON

    assert posted(intake)["status"] == "accepted"
    assert posted(intake)["status"] == "duplicate"


def test_a_case_may_allow_duplicates_or_count_one_action_of_a_kind(started: Start) -> None:
    policy = EVERY_KIND.model_copy(update={"duplicates": Duplicates.PER_KIND})
    strict = started(a_case(policy=policy))
    posted(strict)

    assert posted(strict, channel="letter")["status"] == "duplicate"


def test_where_duplicates_are_allowed_every_action_is_carried(started: Start) -> None:
    policy = EVERY_KIND.model_copy(update={"duplicates": Duplicates.ALLOWED})
    generous = started(a_case(policy=policy))

    assert [posted(generous)["status"] for _ in range(3)] == ["accepted"] * 3


def test_of_many_at_the_same_moment_one_is_first(started: Start) -> None:
    intake = started()
    apps = [intake.app() for _ in range(12)]  # as many processes have; made in one thread

    def post(app: Flask) -> str:
        answer = app.test_client().post("/v1/actions", json=an_action(), headers=intake.auth())
        return str(answer.get_json()["status"])

    with ThreadPoolExecutor(6) as pool:
        told = sorted(pool.map(post, apps))

    assert told == ["accepted", *["duplicate"] * 11]


def test_what_is_held_waits_and_says_so(intake: Intake) -> None:
    told = posted(intake, words=LINK)

    assert told["status"] == "held"
    held = row(intake, told["id"])
    assert (held.standing, held.held_for) == (Standing.HELD, ["link"])


def test_what_is_released_becomes_clear_and_is_told_to_the_relay(intake: Intake) -> None:
    ids = [UUID(posted(intake, words=LINK, channel=one)["id"]) for one in ("email", "letter")]

    with intake.database.begin() as connection:
        assert release(connection, ids, NOON) == 2
        assert release(connection, ids, NOON) == 0

    assert {row(intake, str(one)).standing for one in ids} == {Standing.CLEAR}
    assert cleared(intake) == ids


def test_what_a_person_rejects_makes_room_for_its_oldest_duplicate(intake: Intake) -> None:
    first = posted(intake, words=LINK)
    second, third = posted(intake), posted(intake)
    assert second["status"] == third["status"] == "duplicate"

    with intake.database.begin() as connection:
        assert drop(connection, [UUID(first["id"])], Standing.REJECTED, NOON) == 1

    assert row(intake, first["id"]).standing == Standing.REJECTED
    promoted, behind = row(intake, second["id"]), row(intake, third["id"])
    assert (promoted.standing, promoted.duplicate_of) == (Standing.CLEAR, None)
    assert (behind.standing, behind.duplicate_of) == (Standing.DUPLICATE, promoted.id)
    assert cleared(intake) == [promoted.id]


def test_a_held_duplicate_is_held_when_its_turn_comes(intake: Intake) -> None:
    first, second = posted(intake, words=LINK), posted(intake, words=LINK)

    with intake.database.begin() as connection:
        drop(connection, [UUID(first["id"])], Standing.REJECTED, NOON)

    assert row(intake, second["id"]).standing == Standing.HELD
    assert cleared(intake) == []


def test_an_action_that_waits_for_its_supporter_stands_in_nobodys_way(
    started: Start,
) -> None:
    intake = started(confirmation=True)

    one, two = posted(intake), posted(intake)

    assert [one["status"], two["status"]] == ["unconfirmed", "unconfirmed"]
    with intake.database.read() as connection:
        asked = set(connection.scalars(select(notices.c.action_id)))
    assert asked == {UUID(one["id"]), UUID(two["id"])}


def test_of_two_that_are_confirmed_the_second_is_the_duplicate(started: Start) -> None:
    intake = started(confirmation=True)
    one, two = (UUID(posted(intake)["id"]) for _ in range(2))

    with intake.database.begin() as connection:
        stood = [confirm(connection, action, NOON) for action in (two, one, two)]

    assert stood == [Standing.CLEAR, Standing.DUPLICATE, None]
    assert cleared(intake) == [two]
    assert row(intake, str(one)).duplicate_of == two


def test_what_moderation_doubts_is_held_once_it_is_confirmed(started: Start) -> None:
    intake = started(confirmation=True)
    action = UUID(posted(intake, words=LINK)["id"])

    with intake.database.begin() as connection:
        assert confirm(connection, action, NOON) is Standing.HELD


def test_a_confirmation_needs_an_address_to_ask_at(started: Start) -> None:
    intake = started(confirmation=True)

    answer = intake.post(an_action(supporter=a_supporter()))

    assert [one["code"] for one in answer.json["errors"]] == ["email_needed"]


def test_the_words_of_a_policy_are_held(started: Start) -> None:
    moderation = Moderation(forbidden=("Friends of Letters",))
    policy = EVERY_KIND.model_copy(update={"moderation": moderation})
    intake = started(a_case(policy=policy))

    assert posted(intake, words="friends of LETTERS think of you")["status"] == "held"


def test_what_was_confirmed_at_the_last_moment_does_not_expire(started: Start) -> None:
    intake = started(confirmation=True)
    action = UUID(posted(intake, words=LINK)["id"])

    with intake.database.begin() as connection:
        confirm(connection, action, NOON)
        assert drop(connection, [action], Standing.EXPIRED, NOON) == 0
        assert drop(connection, [action], Standing.DISOWNED, NOON) == 0

    assert row(intake, str(action)).standing == Standing.HELD


def test_a_duplicate_that_comes_while_its_first_is_rejected_is_not_lost(postgres_url: str) -> None:
    intake = Intake.start(postgres_url, a_pack(a_case(policy=EVERY_KIND)))
    first = UUID(posted(intake, words=LINK)["id"])
    catalogue = Catalogue(a_pack(a_case(policy=EVERY_KIND)))
    again = accepted(an_action(), catalogue, intake)

    with ThreadPoolExecutor(1) as pool:
        with intake.database.begin() as connection:
            [second] = a_taker(catalogue).take(connection, [again])
            rejecting = pool.submit(reject, intake, first)
            time.sleep(0.3)
            assert not rejecting.done()
        rejecting.result(10)

    assert second.duplicate_of == first
    assert row(intake, str(again.id)).standing == Standing.CLEAR
    intake.database.close()


def reject(intake: Intake, action: UUID) -> None:
    with intake.database.begin() as connection:
        drop(connection, [action], Standing.REJECTED, NOON)


def accepted(body: dict[str, Any], catalogue: Catalogue, intake: Intake) -> Action:
    client = Client(id=intake.known.id, mode=Mode.LIVE, scopes=frozenset())
    asked = NewAction.model_validate(body)
    return accept(asked, client, catalogue=catalogue, identity_key=b"i" * 32, at=NOON)


def a_taker(catalogue: Catalogue) -> Taker:
    return Taker(
        catalogue=lambda: catalogue,
        identity_key=b"i" * 32,
        confirmations=Confirmations(b"i" * 32, "http://here.example", lambda: NOON),
        clock=lambda: NOON,
    )
