"""Changing the key: what an old key or the first version sealed is sealed again, everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import LargeBinary, insert, literal, select, text, update

from shared.clock import new_id
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring, Personal, Private
from shared.reseal import CHUNK, reseal, sealed_tables, take_stock
from shared.tables.columns import METADATA
from shared.tables.tracking import receipts
from shared.tables.writing_events import import_parts, reported_counts
from tests.dispatch.builders import NOON
from tests.shared.test_privacy import of_the_first_version

OLD, NEW, LOST = ("old", b"o" * 32), ("new", b"n" * 32), ("lost", b"l" * 32)

COLUMNS = {
    "actions.supporter_name",
    "actions.supporter_email",
    "actions.words",
    "attempts.address",
    "import_parts.content",
    "imports.file_name",
    "notices.link",
    "receipts.body",
    "replies.message",
    "replies.sender",
    "replies.subject",
    "replies.text",
    "reported_counts.evidence",
    "reported_counts.organiser",
}


@pytest.fixture
def url(engine_url: str) -> str:
    """A migrated database, on each engine in turn."""
    with holding(engine_url, OLD) as database:
        migrate(database)
    return engine_url


@contextmanager
def holding(url: str, *keys: tuple[str, bytes]) -> Iterator[Database]:
    """The database with these keys, the first of which seals."""
    database = Database(url, Keyring(keys))
    yield database
    database.close()


def put(database: Database, table: Any, *rows: dict[str, Any]) -> None:
    with database.begin() as connection:
        connection.execute(insert(table), rows)


def a_receipt(body: str) -> dict[str, Any]:
    id_ = new_id()
    row = {"id": id_, "source": "ses", "source_id": str(id_), "received_at": NOON}
    return row | {"body": Private(id_, body)}


def bodies(database: Database) -> list[str]:
    with database.read() as connection:
        rows = connection.execute(select(receipts.c.id, receipts.c.body).order_by(receipts.c.id))
        return [row.body.open(row.id) for row in rows]


def stock(database: Database) -> tuple[int, dict[str, int]]:
    with database.read() as connection:
        found = take_stock(connection, database.keyring)
    return found.values, dict(found.due)


def sealed_again(database: Database) -> tuple[int, int]:
    """Seals all again; how many values were, and how many did not open."""
    steps = [step for one in sealed_tables() for step in reseal(database, one)]
    return sum(one.values for one in steps), sum(one.unreadable for one in steps)


def test_every_sealed_column_is_found() -> None:
    found = {f"{one.table.name}.{column.name}" for one in sealed_tables() for column in one.columns}

    assert found == COLUMNS


def test_a_personal_column_is_called_what_it_is_and_its_table_has_an_id() -> None:
    every = [column for table in METADATA.sorted_tables for column in table.columns]
    personal = [(one, one.type.column) for one in every if isinstance(one.type, Personal)]

    assert [called for _, called in personal] == [f"{one.table}.{one.name}" for one, _ in personal]
    assert all("id" in one.table.c for one, _ in personal)


def test_what_an_old_key_sealed_is_sealed_with_the_new_one(url: str) -> None:
    with holding(url, OLD) as database:
        put(database, receipts, a_receipt("one"))

    with holding(url, NEW, OLD) as database:
        put(database, receipts, a_receipt("two"))
        before, done, after = stock(database), sealed_again(database), stock(database)

    with holding(url, NEW) as database:
        assert bodies(database) == ["one", "two"]
    assert (before, done, after) == ((2, {"old": 1}), (1, 0), (2, {}))


@pytest.mark.parametrize("keys", [(OLD,), (NEW, OLD)])
def test_what_the_first_version_sealed_is_bound_to_its_row(url: str, keys: Any) -> None:
    first = literal(of_the_first_version(OLD, "receipts.body"), LargeBinary())

    with holding(url, *keys) as database:
        put(database, receipts, a_receipt("two"))
        with database.begin() as connection:
            connection.execute(update(receipts).values(body=first))
        before, done, after = stock(database), sealed_again(database), stock(database)
        [row] = raw(database)

        assert bodies(database) == ["Ana"]
    assert (before, done, after) == ((1, {"old": 1}), (1, 0), (1, {}))
    assert row.startswith(Keyring.start(keys[0][0]))


def raw(database: Database) -> list[bytes]:
    with database.read() as connection:
        return [bytes(one) for one in connection.scalars(text("SELECT body FROM receipts"))]


def test_what_no_key_opens_stays_and_stops_no_other(url: str) -> None:
    with holding(url, LOST) as database:
        put(database, receipts, a_receipt("lost"))
    with holding(url, OLD) as database:
        put(database, receipts, a_receipt("found"))

    with holding(url, NEW, OLD) as database:
        done, after = sealed_again(database), stock(database)

    with holding(url, NEW, LOST) as database:
        assert bodies(database) == ["lost", "found"]
    assert (done, after) == ((1, 1), (2, {"": 1}))


def test_one_row_may_hold_a_value_that_opens_and_one_that_does_not(url: str) -> None:
    id_ = new_id()
    place = {"column": "reported_counts.evidence", "row": str(id_)}
    row = {"id": id_, "client_id": id_, "mode": "live", "campaign": "c", "case": "c", "number": 1}
    row |= {"kind": "appeal", "channel": "own_post", "event_on": NOON.date(), "reported_at": NOON}
    row |= {"organiser": Private(id_, "Ana"), "evidence": Keyring((OLD,)).seal_bytes(b"p", **place)}
    with holding(url, LOST) as database:
        put(database, reported_counts, row)

    with holding(url, NEW, OLD) as database:
        done = sealed_again(database)

    with holding(url, NEW, LOST) as database, database.read() as connection:
        after = connection.execute(select(reported_counts)).one()
        assert after.organiser.open(id_) == "Ana"
        assert database.keyring.open_bytes(after.evidence, **place) == b"p"
    assert done == (1, 1)


def test_a_part_of_a_file_is_bound_to_its_whole_key(url: str) -> None:
    id_ = new_id()
    place = {"column": "import_parts.content", "row": f"{id_}/3"}
    content = Keyring((OLD,)).seal_bytes(b"a;b", **place)
    with holding(url, NEW, OLD) as database:
        put(database, import_parts, {"import_id": id_, "number": 3, "content": content})

        done = sealed_again(database)

        with database.read() as connection:
            after = connection.scalars(select(import_parts.c.content)).one()
        assert database.keyring.open_bytes(after, **place) == b"a;b"
    assert done == (1, 0)


def test_a_rotation_that_was_stopped_goes_on_where_it_was(url: str) -> None:
    with holding(url, OLD) as database:
        put(database, receipts, *(a_receipt(str(number)) for number in range(CHUNK + 3)))
    [told] = [one for one in sealed_tables() if one.table is receipts]

    with holding(url, NEW, OLD) as database:
        first = next(reseal(database, told))  # and then it was killed
        rest = list(reseal(database, told))

    with holding(url, NEW) as database:
        assert bodies(database) == [str(number) for number in range(CHUNK + 3)]
    assert (first.values, [one.values for one in rest]) == (CHUNK, [3])


def test_a_row_that_somebody_is_changing_is_passed_over(postgres_url: str) -> None:
    with holding(postgres_url, OLD) as database:
        migrate(database)
        put(database, receipts, a_receipt("busy"), a_receipt("free"))

    with holding(postgres_url, NEW, OLD) as database:
        with database.begin() as other:
            other.execute(select(receipts.c.id).order_by(receipts.c.id).limit(1).with_for_update())
            first = sealed_again(database)
        second = sealed_again(database)

    assert (first, second) == ((1, 0), (1, 0))
