"""Erasing a supporter: who it was goes, what was done still counts."""

import datetime as dt
import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from services.intake.clients.manage import create_client
from services.intake.erase import Erasure, ToErase, erase, of_email, of_ref, preview
from services.intake.models import NewAction
from shared.api_keys import Mode, Scope
from shared.clock import new_id
from shared.privacy import Private
from shared.tables.intake import (
    actions,
    audit_log,
    erasures,
    idempotency_records,
    notices,
    word_prints,
)
from shared.tables.writing_events import imports
from tests.intake.builders import NOON, Intake, an_action

ANA = {"name": "Ana Beispiel", "email": "ana@tools.example", "country": "CH"}
GONE = ("supporter_name", "supporter_email", "words", "reference")
REPLACED = ("supporter_identity", "supporter_ref", "duplicate_key")


@pytest.fixture
def either(engine_url: str) -> Iterator[Intake]:
    """Once on SQLite, once on PostgreSQL."""
    intake = Intake.start(engine_url)
    yield intake
    intake.database.close()


@pytest.fixture
def intake(tmp_path: Any) -> Iterator[Intake]:
    made = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}")
    yield made
    made.database.close()


def delete(intake: Intake, ref: str, known: Any = None) -> Any:
    return intake.http.delete(f"/v1/supporters/{ref}", headers=intake.auth(known))


def taken(intake: Intake, known: Any = None, **changes: Any) -> dict[str, Any]:
    body = an_action(**{"supporter": ANA} | changes)
    answer = intake.http.post("/v1/actions", json=body, headers=intake.auth(known))
    assert answer.status_code == 202, answer.json
    return dict(answer.json or {})


def rows(intake: Intake, table: Any = actions) -> list[Any]:
    with intake.database.read() as connection:
        return list(connection.execute(select(table).order_by(table.c.seq)))


def count(intake: Intake, table: Any) -> int:
    with intake.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_who_it_was_goes_and_what_was_done_stays(either: Intake) -> None:
    told = taken(either, reference="r1")
    [before] = rows(either)

    answer = delete(either, told["supporter_ref"])

    [row] = rows(either)
    was, now = before._mapping, row._mapping
    assert (answer.status_code, answer.json) == (200, {"erased": 1})
    assert [now[name] for name in GONE] == [None] * 4
    assert now["erased_at"] == NOON
    changed = {name for name in was if was[name] != now[name]}
    assert changed == {*GONE, *REPLACED, "erased_at"}


def test_asking_again_changes_nothing(either: Intake) -> None:
    ref = taken(either)["supporter_ref"]

    answers = [delete(either, ref).json for _ in range(3)]

    assert answers == [{"erased": 1}, {"erased": 0}, {"erased": 0}]
    assert len(rows(either, erasures)) == len(rows(either, audit_log)) - audited_before(either) == 1


def audited_before(intake: Intake) -> int:
    return sum(row.act != "supporter_erased" for row in rows(intake, audit_log))


def test_others_stay_as_they_are(either: Intake) -> None:
    ref = taken(either)["supporter_ref"]
    taken(either, supporter={"name": "Ben", "email": "ben@tools.example"})

    delete(either, ref)

    assert [bool(row.supporter_name) for row in rows(either)] == [False, True]


def test_an_organisation_erases_only_what_it_handed_in(intake: Intake) -> None:
    other = create_client(intake.database, "another", mode=Mode.LIVE, scopes=[Scope.SUBMIT])
    mine, theirs = taken(intake), taken(intake, other)

    answers = [
        delete(intake, theirs["supporter_ref"]).json,
        delete(intake, mine["supporter_ref"]).json,
    ]

    assert answers == [{"erased": 0}, {"erased": 1}]
    assert [bool(row.supporter_name) for row in rows(intake)] == [False, True]


def test_one_person_stays_one_person_whom_nobody_knows(either: Intake) -> None:
    first = taken(either)
    taken(either, channel="email", kind="solidarity")
    taken(either)  # a duplicate of the first
    old = {row.supporter_identity for row in rows(either)}

    delete(either, first["supporter_ref"])

    after = rows(either)
    assert len({row.supporter_identity for row in after}) == 1
    assert len({row.supporter_ref for row in after}) == 1
    assert not old & {row.supporter_identity for row in after}
    assert all(len(row.supporter_ref) == 26 for row in after)
    assert [row.standing for row in after] == ["clear", "clear", "duplicate"]
    assert after[0].duplicate_key == after[2].duplicate_key != after[1].duplicate_key


def test_two_erasures_of_one_person_do_not_tell_that_it_was_one(intake: Intake) -> None:
    first = taken(intake)
    delete(intake, first["supporter_ref"])
    second = taken(intake)

    delete(intake, second["supporter_ref"])

    one, two = rows(intake)
    assert first["supporter_ref"] == second["supporter_ref"]
    assert one.supporter_identity != two.supporter_identity
    assert one.supporter_ref != two.supporter_ref


def test_an_action_after_the_erasure_is_a_new_one(intake: Intake) -> None:
    delete(intake, taken(intake)["supporter_ref"])

    assert taken(intake)["status"] == "accepted"
    assert [row.standing for row in rows(intake)] == ["clear", "clear"]


def test_prints_of_the_words_and_notices_go_too(either: Intake) -> None:
    told = taken(either)
    action_id = rows(either)[0].id
    band = {"action_id": action_id, "band": 9, "case": "mikita", "value": 1, "print": 1}
    link = {"id": action_id, "action_id": action_id, "kind": "confirm", "made_at": NOON}
    with either.database.begin() as connection:
        connection.execute(insert(word_prints), [band | {"at": NOON}])
        connection.execute(insert(notices), [link | {"link": Private(action_id, "a link")}])

    delete(either, told["supporter_ref"])

    assert [count(either, word_prints), count(either, notices)] == [0, 0]


def test_the_audit_log_says_that_but_not_who(either: Intake) -> None:
    ref = taken(either)["supporter_ref"]

    delete(either, ref)

    [note] = [row for row in rows(either, audit_log) if row.act == "supporter_erased"]
    assert (note.actor, note.number) == (str(either.known.id), 1)
    assert note.details == {"campaigns": {"letters-2026": 1}, "left_out_of_files": 0}
    with either.database.read() as connection:
        told = [str(row) for row in connection.execute(text("SELECT * FROM audit_log"))]
    assert not any(ref in one or "ana" in one.lower() for one in told)


@pytest.mark.parametrize(("ended_at", "line"), [(None, 7), (NOON, None)])
def test_the_line_of_a_file_goes_when_the_file_is_done(
    either: Intake, ended_at: dt.datetime | None, line: int | None
) -> None:
    told, import_id = taken(either), new_id()
    file = {"id": import_id, "client_id": import_id, "mode": "live", "sha256": b"s" * 32, "size": 1}
    file |= {"form": "csv", "mapping": {}, "defaults": {}, "state": "running", "bad": 0, "done": 7}
    file |= {"accepted": 7, "duplicates": 0, "created_at": NOON, "ended_at": ended_at}
    with either.database.begin() as connection:
        connection.execute(insert(imports), [file])
        connection.execute(update(actions).values(import_id=import_id, import_row=7))

    delete(either, told["supporter_ref"])

    assert rows(either)[0].import_row == line


def test_the_hash_of_a_request_cannot_be_made_from_its_body(intake: Intake) -> None:
    body = an_action()

    assert intake.post(body, key="k1").status_code == 202

    with intake.database.read() as connection:
        [kept] = connection.scalars(select(idempotency_records.c.body_hash)).all()
    sent = NewAction.model_validate(body).model_dump_json(exclude_unset=True).encode()
    assert kept == hmac.digest(b"i" * 32, sent, "sha256")
    assert kept != sha256(sent).digest()


@pytest.mark.parametrize("ref", ["a", "A" * 26, "a" * 25, "1" * 26, "%00" * 26])
def test_what_is_no_ref_is_not_found(intake: Intake, ref: str) -> None:
    assert delete(intake, ref).status_code in {404, 422}


def test_a_key_that_may_not_hand_in_may_not_erase(intake: Intake) -> None:
    reader = create_client(intake.database, "reader", mode=Mode.LIVE, scopes=[Scope.READ])

    assert delete(intake, "a" * 26, reader).status_code == 403


def test_a_person_known_by_a_ref_goes_whole_in_however_many_steps(either: Intake) -> None:
    mine, _ = taken(either), taken(either, kind="solidarity")
    erasure = Erasure(at=NOON, chunk=1)

    with either.database.begin() as connection:
        whom = of_ref(connection, b"i" * 32, mine["supporter_ref"])
        while erasure.next(connection, whom.actions):
            pass

    assert [row.supporter_name for row in rows(either)] == [None, None]


def test_an_operator_erases_a_person_across_clients(either: Intake) -> None:
    other = create_client(either.database, "another", mode=Mode.LIVE, scopes=[Scope.SUBMIT])
    mine, _ = taken(either), taken(either, other, kind="solidarity")
    taken(either, supporter={"name": "Ben", "email": "ben@tools.example"})
    by_email = of_email(b"i" * 32, "ANA+x@tools.example")

    with either.database.begin() as connection:
        by_ref = of_ref(connection, b"i" * 32, mine["supporter_ref"])
        previews = [preview(connection, which) for which in (by_ref, by_email)]
        words = {"actor": "operator ops", "subject": "a supporter", "why": "they asked"}
        erased = erase(connection, by_email, at=NOON + dt.timedelta(hours=1), **words)
        after = preview(connection, by_ref)

    expected = [ToErase("letters-2026", client, 1) for client in (either.known.id, other.id)]
    assert [sorted(one, key=str) for one in previews] == [sorted(expected, key=str)] * 2
    assert (erased, after) == (2, [])
    assert [bool(row.supporter_name) for row in rows(either)] == [False, False, True]
