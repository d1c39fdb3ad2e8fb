"""Mail that came back is kept once, sealed, and tells of the delivery that it answers."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from services.tracking.inbound import keep as keeping
from services.tracking.inbound.classify import ReplyKind
from services.tracking.inbound.keep import Arrived, Kept, Mailroom, say
from services.tracking.inbound.match import Match, MatchedBy
from services.tracking.inbound.read import MAX_BYTES, Mail, read
from services.tracking.receipts.contract import Receipt
from services.tracking.words import EventWord, Fact, Outcome, ShownState
from shared.clock import new_id
from shared.database import Database
from shared.reply_address import reply_address
from shared.tables.intake import actions
from shared.tables.replies import replies
from shared.tables.tracking import events
from tests.personal import opened
from tests.tracking.builders import KEYRING, NOON, a_delivery, an_action, noon
from tests.tracking.inbound.letters import ANSWER, MAILBOX, a_bounce, a_mail, an_answer_to
from tests.tracking.test_record import outcome_of

STAMP = dt.datetime(2021, 12, 10, 11, 30, tzinfo=dt.UTC)


POISON = b"From: someone@office.example\n\nNo program can read this.\n"


def read_all_but_poison(content: bytes) -> Mail:
    if content == POISON:
        raise OverflowError("date value out of range")
    return read(content)


def no_report(_content: bytes) -> Receipt | None:
    return None


def a_mailroom(database: Database, **changes: Any) -> Mailroom:
    told: dict[str, Any] = {"read_report": no_report, "clock": noon}
    return Mailroom(database=database, **(told | changes))


def keep(
    database: Database, *contents: bytes, source: str = "maildir", **changes: Any
) -> list[Kept]:
    mailroom = a_mailroom(database, **changes)
    return mailroom.keep([Arrived(source=source, content=one) for one in contents])


def sent(database: Database, **changes: Any) -> UUID:
    with database.begin() as connection:
        return a_delivery(connection, **changes)


def rows(database: Database) -> Sequence[Any]:
    with database.read() as connection:
        return connection.execute(select(replies).order_by(replies.c.id)).all()


def facts(database: Database) -> list[tuple[UUID, str, str | None]]:
    with database.read() as connection:
        found = connection.execute(select(events).order_by(events.c.seq)).all()
    return [(row.delivery_id, row.word, row.reason) for row in found]


def test_an_answer_is_kept_sealed_and_tells_of_its_delivery(database: Database) -> None:
    delivery = sent(database)
    content = an_answer_to(delivery)

    [kept] = keep(database, content)

    [row] = rows(database)
    said = opened(row)
    assert kept == Kept(id=row.id, kind=ReplyKind.ANSWER, match=Match(delivery, MatchedBy.TOKEN))
    assert (row.delivery_id, row.kind, row.matched_by) == (delivery, "answer", "token")
    assert (said.sender, said.text) == ("Secretary <secretary@office.example>", ANSWER.strip())
    assert said.subject == "Re: Please release Zhang Zhan"
    assert KEYRING.open_bytes(row.message, column="replies.message", row=row.id) == content
    assert row.received_at == STAMP
    assert outcome_of(database, delivery) == Outcome(ShownState.ANSWERED, None, STAMP)


def test_nothing_of_it_lies_open(small_database: Database) -> None:
    keep(small_database, an_answer_to(sent(small_database)))

    with small_database.read() as connection:
        [row] = connection.execute(text("SELECT * FROM replies")).all()
    assert not [one for one in row if "Minister" in str(one) or "office.example" in str(one)]


def test_the_same_message_is_kept_once_however_often_it_comes(database: Database) -> None:
    delivery = sent(database)
    again = b"Delivered-To: someone@campaign.example\n" + an_answer_to(delivery)

    first = keep(database, an_answer_to(delivery), again)
    second = keep(database, again)

    assert [one.id is None for one in (*first, *second)] == [False, True, True]
    assert len(rows(database)) == 1
    assert facts(database) == [(delivery, "answered", None)]


def test_many_who_keep_the_same_at_once_keep_it_once(database: Database) -> None:
    answers = [an_answer_to(sent(database), f"Answer {number}.") for number in range(6)]
    turns = [answers[number:] + answers[:number] for number in range(6)]

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda some: keep(database, *some), turns))

    assert len(rows(database)) == len(facts(database)) == 6


@pytest.mark.parametrize(
    ("headers", "word", "reason", "state"),
    [
        ({"Auto_Submitted": "auto-replied"}, "auto_replied", "by_machine", ShownState.HANDED_OVER),
        ({"Subject": "Automatic reply: x"}, "auto_replied", "absence", ShownState.HANDED_OVER),
        ({}, "answered", None, ShownState.ANSWERED),
    ],
)
def test_each_kind_tells_its_own_fact(
    headers: dict[str, str], word: str, reason: str | None, state: ShownState, database: Database
) -> None:
    delivery = sent(database)

    keep(database, an_answer_to(delivery, **headers))

    outcome = outcome_of(database, delivery)
    assert facts(database) == [(delivery, word, reason)]
    assert outcome is not None
    assert outcome.state is state


def test_an_acknowledgement_proves_that_it_arrived(database: Database) -> None:
    delivery = sent(database)

    keep(database, an_answer_to(delivery, "We have received your letter. Case no. 4711."))

    assert facts(database) == [(delivery, "acknowledged", "reference_number")]
    assert outcome_of(database, delivery) == Outcome(
        ShownState.DELIVERED, "reference_number", STAMP
    )


def test_a_bounce_tells_what_its_report_says(database: Database) -> None:
    delivery, read = sent(database), []

    def read_report(content: bytes) -> Receipt:
        read.append(content)
        fact = Fact(word=EventWord.BOUNCED, occurred_at=STAMP, reason="hard", status="5.1.1")
        return Receipt(source="smtp", source_id="x", body="", delivery_id=delivery, fact=fact)

    to_nobody = a_bounce(delivery).replace(
        reply_address(MAILBOX, delivery).encode(), b"x@y.example"
    )
    [kept] = keep(database, to_nobody, read_report=read_report)

    assert read == [to_nobody]
    assert kept.match == Match(delivery, MatchedBy.BOUNCE)
    assert facts(database) == [(delivery, "bounced", "hard")]


def test_a_bounce_that_says_nothing_is_kept_and_tells_no_fact(database: Database) -> None:
    delivery = sent(database)

    [kept] = keep(database, a_bounce(delivery))

    [row] = rows(database)
    assert (kept.kind, kept.match.delivery_id) == (ReplyKind.BOUNCE, delivery)
    assert "does not say what became of the delivery" in row.detail
    assert facts(database) == []


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered_To", "X_Original_To", "Envelope_To"])
def test_the_token_is_found_wherever_the_address_stands(header: str, database: Database) -> None:
    delivery = sent(database)
    address = f'"Letters" <{reply_address(MAILBOX, delivery).upper()}>'

    [kept] = keep(database, a_mail(**{"to": "x@y.example", header: address}))

    assert kept.match == Match(delivery, MatchedBy.TOKEN)


@pytest.mark.parametrize(
    ("answers", "provider_id"),
    [
        ("<010001-ses-000000@eu-central-1.amazonses.com>", "010001-ses-000000"),
        ("<010001-ses-000000@email.amazonses.com>", "010001-ses-000000"),
        ("<{id}@campaign.example>", "x"),
        ("<{id}.2@campaign.example>", "x"),
        ("<relayed@campaign.example>", "relayed@campaign.example"),
    ],
)
@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
def test_an_answer_is_known_by_the_message_it_answers(
    answers: str, provider_id: str, header: str, database: Database
) -> None:
    delivery = sent(database, provider_id=provider_id)
    told = f"<far@office.example>\n {answers.format(id=delivery)} <near@office.example>"

    [kept] = keep(database, a_mail(**{header: told.replace("\n", "")}))

    assert kept.match == Match(delivery, MatchedBy.REFERENCES)


def test_the_address_that_a_relay_returns_to_names_the_delivery_too(database: Database) -> None:
    delivery = sent(database)

    [kept] = keep(database, a_mail(to=f"bounces+{delivery.hex}@campaign.example"))

    assert kept.match == Match(delivery, MatchedBy.TOKEN)


def test_an_envelope_knows_whom_a_message_was_for(database: Database) -> None:
    delivery = sent(database)
    arrived = Arrived(
        source="ses", content=a_mail(), envelope=(reply_address(MAILBOX, delivery),), at=NOON
    )

    [kept] = a_mailroom(database).keep([arrived])

    assert kept.match == Match(delivery, MatchedBy.TOKEN)


@pytest.mark.parametrize(
    "changes", [{"channel": "letter"}, {"state": "due", "attempts": 0, "provider_id": None}]
)
def test_what_was_never_sent_by_email_cannot_be_answered(
    changes: dict[str, Any], database: Database
) -> None:
    delivery = sent(database, **changes)

    [kept] = keep(database, an_answer_to(delivery))

    assert kept.match == Match(None, MatchedBy.NOTHING)
    assert facts(database) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"to": reply_address(MAILBOX, new_id())},
        {"In_Reply_To": "<0102-message@amazonses.com.evil.example>"},
        {"In_Reply_To": "<nothing@of.ours.example>"},
        {"Subject": "Re: Please release Zhang Zhan"},
    ],
)
def test_what_only_looks_alike_is_kept_apart(headers: dict[str, str], database: Database) -> None:
    sent(database)

    [kept] = keep(database, a_mail(**headers))

    [row] = rows(database)
    assert kept.match == Match(None, MatchedBy.NOTHING)
    assert (row.delivery_id, row.matched_by) == (None, "nothing")
    assert opened(row).text == ANSWER.strip()


@pytest.mark.parametrize(
    ("carrier", "kept"), [("single", False), ("notice", False), ("digest", True)]
)
def test_an_answer_to_an_erased_supporter_keeps_its_kind_alone(
    carrier: str, kept: bool, database: Database
) -> None:
    with database.begin() as connection:
        action = an_action(connection)
        delivery = a_delivery(connection, of=action, carrier=carrier)
        connection.execute(update(actions).where(actions.c.id == action).values(erased_at=NOON))

    keep(database, an_answer_to(delivery))

    [row] = rows(database)
    personal = (row.sender, row.subject, row.text, row.message)
    assert [one is not None for one in personal] == [kept] * 4
    assert (row.kind, row.delivery_id) == ("answer", delivery)
    assert facts(database) == [(delivery, "answered", None)]


def test_a_time_in_the_future_is_now(database: Database) -> None:
    delivery = sent(database)
    late = "by x.example; Fri, 10 Dec 2031 11:30:00 +0000"

    keep(database, an_answer_to(delivery, Received=late))

    assert outcome_of(database, delivery) == Outcome(ShownState.ANSWERED, None, NOON)


def test_a_message_too_large_to_keep_is_told_of_all_the_same(small_database: Database) -> None:
    delivery = sent(small_database)

    keep(small_database, an_answer_to(delivery) + b"x" * MAX_BYTES)

    [row] = rows(small_database)
    assert row.message is None
    assert opened(row).text.startswith("Dear Ada,")
    assert facts(small_database) == [(delivery, "answered", None)]


def test_odd_characters_are_stored_on_both_engines(database: Database) -> None:
    delivery = sent(database)
    odd = an_answer_to(delivery, Subject="x").replace(b"Subject: x", b"Subject: \x00\xed\xa0\x80 a")

    [kept] = keep(database, odd)

    assert kept.id is not None


def test_the_log_names_nobody(small_database: Database) -> None:
    delivery = sent(small_database)

    with capture_logs() as logs:
        [kept] = keep(small_database, an_answer_to(delivery))
        say([kept, *keep(small_database, an_answer_to(delivery))])

    assert logs == [
        {
            "event": "mail_kept",
            "log_level": "info",
            "reply_id": str(kept.id),
            "kind": "answer",
            "delivery_id": str(delivery),
            "matched_by": "token",
        }
    ]


def test_what_cannot_be_read_is_left_by_its_name_and_stops_none_beside_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "read", read_all_but_poison)
    contents = [a_mail("One."), POISON, a_mail("Two.")]
    given = [
        Arrived(source="maildir", content=one, name=f"file-{number}")
        for number, one in enumerate(contents)
    ]

    with capture_logs() as logs:
        kept = a_mailroom(database).keep_each(given)

    assert [one is not None for one in kept] == [True, False, True]
    assert len(rows(database)) == 2
    [said] = logs
    assert (said["event"], said["log_level"]) == ("mail_not_kept", "error")
    assert (said["name"], said["error"]) == ("file-1", "OverflowError")
    assert "office.example" not in str(said)


def test_what_cannot_be_stored_is_left_and_stops_none_beside_it(database: Database) -> None:
    class Picky(Mailroom):
        def _row(self, *args: Any) -> dict[str, Any]:
            row = super()._row(*args)
            return row | ({"kind": None} if args[1].arrived.name == "strange" else {})

    picky = Picky(database=database, read_report=no_report, clock=noon)
    names = ["good", "strange", "also good"]

    kept = picky.keep_each([Arrived(source="ses", content=a_mail(n), name=n) for n in names])

    assert [one is not None for one in kept] == [True, False, True]
    assert len(rows(database)) == 2


def test_while_the_database_is_away_nothing_is_taken_for_a_bad_message() -> None:
    away = Database("postgresql+psycopg://writ@127.0.0.1:1/writ", KEYRING)

    with capture_logs() as logs, pytest.raises(OperationalError):
        a_mailroom(away).keep_each([Arrived(source="ses", content=a_mail())])

    assert not [one for one in logs if one["event"] == "mail_not_kept"]
    away.close()
