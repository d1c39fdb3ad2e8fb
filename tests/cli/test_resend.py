"""`writ addresses resend`: what came back, where it would go, and what speaks against it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import Result
from sqlalchemy import Row, insert, select

from services.intake.packs.load import load_entries
from shared.catalogue import Catalogue
from shared.clock import new_id
from shared.database import Database
from shared.tables.dispatch import attempts, carriages, deliveries
from shared.tables.pacing import mailbox_key
from shared.tables.tracking import commands, outcomes
from tests.cli.test_addresses import a_pack, a_stop, everything, given, obeyed
from tests.dispatch.builders import NOON, a_delivery_row
from tests.dispatch.entries import a_catalogue, a_mailbox, a_recipient, an_address
from tests.personal import sealing
from tests.tracking.builders import an_action

Terminal = Callable[..., Result]

OLD, NEW = "office@prosecutor.example", "new@prosecutor.example"
CORRECTED = a_recipient(mailboxes=(a_mailbox(email=NEW),))


def loaded(database: Database, catalogue: Catalogue) -> None:
    load_entries(database, "letters", everything(catalogue))


def came_back(database: Database, address: str = OLD, **changes: Any) -> UUID:
    """Handed over, and told to have come back."""
    gone: dict[str, Any] = {"state": "handed_over", "attempts": 1, "woken_at": None}
    row = a_delivery_row(**(gone | changes))
    tried = {
        "id": new_id(),
        "delivery_id": row["id"],
        "number": 1,
        "state": "sent",
        "provider": "ses",
        "idempotency_key": str(row["id"]),
        "address": address,
        "started_at": NOON,
    }
    outcome = {"delivery_id": row["id"], "state": "bounced", "reason": "hard", "since": NOON}
    with database.begin() as connection:
        rests = {"action_id": an_action(connection), "recipient": row["recipient"]}
        connection.execute(insert(deliveries).values(row))
        connection.execute(insert(carriages).values(**rests, delivery_id=row["id"]))
        connection.execute(insert(attempts).values(sealing(attempts, tried)))
        connection.execute(insert(outcomes).values(outcome))
    found: UUID = row["id"]
    return found


def sent_again(database: Database) -> Sequence[Row[Any]]:
    with database.read() as connection:
        wanted = select(deliveries).where(deliveries.c.again_of.is_not(None))
        return connection.execute(wanted).all()


def resend(terminal: Terminal, *options: str, **how: Any) -> Result:
    return terminal("addresses", "resend", "prosecutor", *options, columns=120, **how)


def test_where_nothing_came_back_there_is_nothing_to_do(
    database: Database, terminal: Terminal
) -> None:
    loaded(database, a_catalogue())

    said = resend(terminal).output

    assert said == "Nothing that came back from this recipient may leave again.\n"


def test_a_preview_counts_by_case_and_says_where_to(database: Database, terminal: Terminal) -> None:
    loaded(database, a_catalogue(CORRECTED))
    for case in ("mikita", "mikita", "zhang"):
        came_back(database, case=case)
    came_back(database, recipient="minister")

    done = resend(terminal, "--preview")

    lines = [line.split() for line in done.output.splitlines()]
    assert ["│", "mikita", "│", "email", "│", "2", "│", NEW, "│"] in lines
    assert ["│", "zhang", "│", "email", "│", "1", "│", NEW, "│"] in lines
    assert not given(database)


def test_what_came_back_leaves_again_when_a_person_says_so(
    database: Database, terminal: Terminal
) -> None:
    loaded(database, a_catalogue(CORRECTED))
    delivery = came_back(database)

    done = resend(terminal, answers="they have moved\ny\n")
    obeyed(database)

    [command] = given(database)
    [again] = sent_again(database)
    assert "Send 1 deliveries again?" in done.output
    assert done.output.endswith("asked dispatch to send again: 1 deliveries\n")
    assert (command.verb, command.delivery_id) == ("resend", delivery)
    assert (command.given_by, command.why) == ("operator ada", "they have moved")
    assert (again.again_of, again.mailbox) == (delivery, mailbox_key(NEW))
    assert "may leave again" in resend(terminal, "--yes", "--why", "x").output


def test_nothing_leaves_where_a_person_says_no(database: Database, terminal: Terminal) -> None:
    loaded(database, a_catalogue(CORRECTED))
    came_back(database)

    assert resend(terminal, "--why", "x", answers="n\n").exit_code == 1
    assert not given(database)


def test_asked_twice_before_dispatch_obeys_it_is_asked_once(
    database: Database, terminal: Terminal
) -> None:
    loaded(database, a_catalogue(CORRECTED))
    came_back(database)

    said = [resend(terminal, "--yes", "--why", "x").output.splitlines()[-1] for _ in range(2)]

    assert [line.split()[-2] for line in said] == ["1", "0"]
    assert len(given(database)) == 1


def test_an_address_that_is_still_stopped_is_warned_of(
    database: Database, terminal: Terminal
) -> None:
    loaded(database, a_catalogue())
    came_back(database)
    with database.begin() as connection:
        a_stop(connection, mailbox_key(OLD))

    said = " ".join(resend(terminal, "--preview").output.split())

    assert "Today's mailbox is stopped: they would be held." in said
    assert "`writ addresses lift prosecutor`" in said
    assert "By email 1 came back from the very address" in said


def test_a_stopped_recipient_is_warned_of(database: Database, terminal: Terminal) -> None:
    loaded(database, a_catalogue(CORRECTED))
    came_back(database)
    with database.begin() as connection:
        a_stop(connection, "recipient:prosecutor", why="complaint")

    assert "The recipient is stopped" in resend(terminal, "--preview").output


@pytest.mark.parametrize(
    ("office", "said"),
    [
        (a_recipient(mailboxes=()), "No address by email"),
        (a_recipient(slug="another"), "came back from the very address"),
        (a_recipient(mailboxes=(a_mailbox(email=NEW, hold="they asked"),)), "they asked"),
    ],
)
def test_an_address_that_is_missing_or_held_is_warned_of(
    office: Any, said: str, database: Database, terminal: Terminal
) -> None:
    loaded(database, a_catalogue(office))
    came_back(database)

    assert said in resend(terminal, "--preview").output


def test_a_recipient_that_is_in_no_pack_any_more_has_no_address(
    database: Database, terminal: Terminal
) -> None:
    loaded(database, a_catalogue())
    came_back(database, recipient="minister")

    said = terminal("addresses", "resend", "minister", "--preview").output

    assert "nowhere" in said
    assert "No address" in said


@pytest.mark.parametrize(
    ("office", "warned"),
    [
        (a_recipient(), True),
        (a_recipient(addresses=(an_address(lines=("2 New Road", "220000 Minsk")),)), False),
    ],
)
def test_a_returned_letter_is_compared_with_todays_address(
    office: Any, warned: bool, database: Database, terminal: Terminal
) -> None:
    loaded(database, a_catalogue(office))
    used = "Prosecutor General\n1 Invented Street\n220000 Minsk\nBELARUS"
    came_back(database, used, channel="letter")

    said = resend(terminal, "--preview").output

    assert "220000 Minsk, BY" in said
    assert ("By letter 1 came back from the very address" in said) is warned


def test_a_letter_that_the_pack_holds_is_warned_of(database: Database, terminal: Terminal) -> None:
    loaded(database, a_catalogue(a_recipient(paper_hold="no post goes there")))
    came_back(database, "elsewhere", channel="letter")

    assert "no post goes there" in resend(terminal, "--preview").output


def test_a_pack_that_corrects_an_address_tells_what_could_be_sent_again(
    database: Database, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(database, a_catalogue())
    for _ in range(2):
        came_back(database)
    came_back(database, NEW)  # from the new one, too
    a_pack(tmp_path / "pack", monkeypatch, CORRECTED)

    said = terminal("addresses", "preview", str(tmp_path / "pack"), columns=120).output

    assert ["│", "prosecutor", "│", NEW, "│", "2", "│"] in [
        line.split() for line in said.splitlines()
    ]
    assert "`writ addresses resend RECIPIENT`" in said
    with database.read() as connection:
        assert connection.execute(select(commands)).all() == []
