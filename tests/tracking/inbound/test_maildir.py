"""A mailbox is emptied without losing a message, whatever breaks in between."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from services.tracking.inbound import keep as keeping
from services.tracking.inbound import maildir
from services.tracking.inbound import sort as sorting
from services.tracking.inbound.keep import Arrived, Kept, Mailroom
from services.tracking.inbound.maildir import Mailbox, Maildir, Mbox, NoMailbox, open_mailbox
from services.tracking.inbound.read import MAX_BYTES
from services.tracking.inbound.sort import Sorted, sort, watch
from shared.database import Database
from tests.tracking.builders import noon
from tests.tracking.inbound import test_keep
from tests.tracking.inbound.letters import a_bounce, a_mail, an_answer_to
from tests.tracking.inbound.test_keep import (
    POISON,
    a_mailroom,
    facts,
    no_report,
    read_all_but_poison,
    rows,
    sent,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


class BrokenRoom(Mailroom):
    """The database goes away at the first batch."""

    def keep(self, arrived: Sequence[Arrived]) -> list[Kept]:
        raise OperationalError("INSERT", {}, Exception("gone"))


def empty(mailbox: Mailbox, mailroom: Mailroom) -> Sorted:
    return sort(mailbox, mailroom, told=lambda _: None)


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    assert what(), "waited in vain"


def drop(folder: Path, *contents: bytes) -> None:
    """As a mail server delivers: whole, and under a name that nothing else has."""
    for number, content in enumerate(contents):
        temporary = folder / "tmp" / f"{len(list(folder.rglob('*')))}.{number}.host"
        temporary.write_bytes(content)
        temporary.rename(folder / "new" / temporary.name)


def names(folder: Path, part: str) -> list[str]:
    return sorted(one.name for one in (folder / part).iterdir())


def an_mbox(path: Path, *contents: bytes) -> Path:
    with path.open("ab") as file:
        for content in contents:
            quoted = content.replace(b"\n\nFrom ", b"\n\n>From ")
            file.write(b"From x@office.example Fri Dec 10 11:30:00 2021\n" + quoted + b"\n")
    return path


def test_what_was_kept_is_marked_as_seen(folder: Path, database: Database) -> None:
    delivery = sent(database)
    drop(folder, an_answer_to(delivery), a_mail("Nothing of ours."))
    before = names(folder, "new")

    done = empty(Maildir(folder), a_mailroom(database))

    assert (done.read, done.repeated, done.unmatched) == (2, 0, 1)
    assert done.kinds == {"answer": 2}
    assert names(folder, "new") == []
    assert names(folder, "cur") == [f"{name}:2,S" for name in before]
    assert facts(database) == [(delivery, "answered", None)]


def test_what_was_not_committed_stays_new(folder: Path, small_database: Database) -> None:
    drop(folder, an_answer_to(sent(small_database)))
    broken = BrokenRoom(database=small_database, read_report=no_report, clock=noon)

    with pytest.raises(OperationalError):
        empty(Maildir(folder), broken)

    assert len(names(folder, "new")) == 1
    assert empty(Maildir(folder), a_mailroom(small_database)).read == 1


def test_a_crash_after_the_commit_keeps_nothing_twice(
    folder: Path, small_database: Database
) -> None:
    drop(folder, an_answer_to(sent(small_database)))
    for batch in Maildir(folder).batches():
        a_mailroom(small_database).keep(batch.arrived)  # and nothing is moved

    done = empty(Maildir(folder), a_mailroom(small_database))

    assert (done.read, done.repeated) == (1, 1)
    assert len(rows(small_database)) == 1
    assert names(folder, "new") == []


def test_what_cannot_be_kept_stays_new_until_the_next_process_and_the_watch_goes_on(
    folder: Path, small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(keeping, "read", read_all_but_poison)
    stop, mailroom = threading.Event(), a_mailroom(small_database)
    drop(folder, a_mail("Before."), POISON, a_mail("After."))
    [_, poison, _] = names(folder, "new")

    with capture_logs() as logs:
        watching = threading.Thread(target=watch, args=(Maildir(folder), mailroom, stop))
        watching.start()
        wait_for(lambda: len(rows(small_database)) == 2)
        drop(folder, a_mail("Later."))
        wait_for(lambda: len(names(folder, "cur")) == 3)
        stop.set()
        watching.join()

    assert names(folder, "new") == [poison]
    told = [one for one in logs if one["log_level"] == "error"]
    assert [(one["event"], one["name"]) for one in told] == [("mail_not_kept", poison)]
    monkeypatch.undo()
    assert empty(Maildir(folder), mailroom).read == 1
    assert names(folder, "new") == []


def test_a_file_that_we_may_not_read_stops_none_beside_it(
    folder: Path, small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(folder, a_mail("One."), a_mail("Two."))
    locked = folder / "new" / names(folder, "new")[0]
    really_open = Path.open

    def open_but_one(path: Path, mode: str) -> Any:
        if path == locked:
            raise PermissionError(path)
        return really_open(path, mode)

    monkeypatch.setattr(Path, "open", open_but_one)

    with capture_logs() as logs:
        done = empty(Maildir(folder), a_mailroom(small_database))

    assert done.read == 1
    assert names(folder, "new") == [locked.name]
    assert {"mail_not_read", locked.name} <= {v for one in logs for v in one.values()}


def test_a_message_of_an_mbox_that_cannot_be_kept_is_named_by_where_it_begins(
    tmp_path: Path, small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "read", read_all_but_poison)
    path = an_mbox(tmp_path / "mbox", a_mail("One."))
    at = path.stat().st_size
    # The blank line at its end is the mbox's own.
    monkeypatch.setattr(test_keep, "POISON", POISON + b"\n")
    an_mbox(path, POISON, a_mail("Two."))

    with capture_logs() as logs:
        done = empty(Mbox(path), a_mailroom(small_database))

    assert (done.read, done.left) == (3, 1)
    assert [one["name"] for one in logs if one["event"] == "mail_not_kept"] == [str(at)]


def test_what_is_no_message_is_left_alone(folder: Path, small_database: Database) -> None:
    (folder / "new" / ".hidden").write_bytes(a_mail())
    (folder / "new" / "link").symlink_to("/etc/hostname")
    (folder / "new" / "folder").mkdir()
    (folder / "tmp" / "half").write_bytes(b"From: x")

    assert empty(Maildir(folder), a_mailroom(small_database)).read == 0


def test_a_message_that_another_program_took_is_passed_over(
    folder: Path, small_database: Database
) -> None:
    drop(folder, a_mail("One."), a_mail("Two."))
    batches = Maildir(folder).batches()
    first = folder / "new" / names(folder, "new")[0]
    first.unlink()

    [batch] = batches

    assert len(batch.arrived) == 1


def test_many_messages_come_in_batches_and_in_their_order(
    folder: Path, small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maildir, "BATCH", 2)
    drop(folder, *(a_mail(f"Number {n}.") for n in range(5)))

    batches = list(Maildir(folder).batches())

    assert [len(batch.arrived) for batch in batches] == [2, 2, 1]
    assert sum(len(names(folder, part)) for part in ("new", "cur")) == 5


def test_a_huge_message_is_not_read_whole(folder: Path) -> None:
    drop(folder, b"x" * (MAX_BYTES + 1000))

    [batch] = Maildir(folder).batches()

    assert len(batch.arrived[0].content) == MAX_BYTES + 1


def test_an_mbox_is_read_and_left_as_it_is(tmp_path: Path, database: Database) -> None:
    deliveries = [sent(database) for _ in range(3)]
    answers = [an_answer_to(one, "Hello,\n\nFrom now on she is free.\n") for one in deliveries]
    path = an_mbox(tmp_path / "mbox", *answers)
    before = path.read_bytes()

    done = empty(open_mailbox(path), a_mailroom(database))

    assert (done.read, done.repeated) == (3, 0)
    assert {delivery for delivery, _, _ in facts(database)} == set(deliveries)
    assert path.read_bytes() == before


def test_a_message_of_an_mbox_is_the_same_as_in_a_maildir(tmp_path: Path, folder: Path) -> None:
    content = a_mail("Hello,\n\nFrom now on.\n\n>From me.\n")
    drop(folder, content)
    quoted = content.replace(b"\n>From ", b"\n>>From ").replace(b"\nFrom now", b"\n>From now")
    (tmp_path / "mbox").write_bytes(b"From x Fri Dec 10 11:30:00 2021\n" + quoted + b"\n")

    [of_maildir] = Maildir(folder).batches()
    [of_mbox] = Mbox(tmp_path / "mbox").batches()

    assert of_mbox.arrived[0].content.strip() == of_maildir.arrived[0].content.strip()


def test_an_mbox_is_read_on_where_it_ended_and_anew_where_it_shrank(
    tmp_path: Path, small_database: Database
) -> None:
    path = an_mbox(tmp_path / "mbox", a_mail("One."), a_mail("Two."))
    mailbox, mailroom = Mbox(path), a_mailroom(small_database)
    read = [empty(mailbox, mailroom).read, empty(mailbox, mailroom).read]
    an_mbox(path, a_mail("Three."))
    read.append(empty(mailbox, mailroom).read)
    path.write_bytes(b"")
    an_mbox(path, a_mail("Four."))
    waiting = mailbox.waiting()
    read.append(empty(mailbox, mailroom).read)

    assert read == [2, 0, 1, 1]
    assert waiting == 1
    assert len(rows(small_database)) == 4


def test_an_mbox_that_was_not_kept_is_read_again(tmp_path: Path, small_database: Database) -> None:
    mailbox = Mbox(an_mbox(tmp_path / "mbox", a_mail("One.")))
    broken = BrokenRoom(database=small_database, read_report=no_report, clock=noon)
    with pytest.raises(OperationalError):
        empty(mailbox, broken)

    assert empty(mailbox, a_mailroom(small_database)).read == 1


@pytest.mark.parametrize("content", [b"", b"\n", b"no mbox at all\n", b"From "])
def test_a_file_that_holds_no_mail_gives_none_or_little(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mbox").write_bytes(content)

    assert sum(len(batch.arrived) for batch in Mbox(tmp_path / "mbox").batches()) <= 1


def test_what_is_no_mailbox_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoMailbox):
        open_mailbox(tmp_path)


def test_watching_goes_on_after_a_failure_and_stops_when_told(
    folder: Path, small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(sorting, "LONGEST_WAIT_S", 0.02)
    delivery: UUID = sent(small_database)
    stop, turns = threading.Event(), []

    class Flaky(Mailroom):
        def keep(self, arrived: Sequence[Arrived]) -> list[Kept]:
            turns.append(len(arrived))
            if len(turns) < 3:
                raise OperationalError("INSERT", {}, Exception("gone"))
            stop.set()
            return a_mailroom(small_database).keep(arrived)

    drop(folder, a_bounce(delivery))
    flaky = Flaky(database=small_database, read_report=no_report, clock=noon)

    watch(Maildir(folder), flaky, stop)

    assert turns == [1, 1, 1]
    assert names(folder, "new") == []
