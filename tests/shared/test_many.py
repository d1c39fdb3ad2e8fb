"""Many rows in one statement: what stands in the tables is the same on both engines."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import DBAPIError, StatementError

from shared.clock import new_id
from shared.database import Database
from shared.many import InsertMany, Of, UpdateMany
from shared.privacy import Keyring, Private
from shared.tables.tracking import commands, receipts

KEYRING = Keyring((("test", b"k" * 32),))
NOON = dt.datetime(2021, 12, 10, 12, 0, 0, 123456, tzinfo=dt.UTC)
NAMES = ("id", "source", "source_id", "body", "delivery_id", "received_at")
STORE = InsertMany(receipts, NAMES)


@pytest.fixture
def connection(engine_url: str) -> Iterator[Connection]:
    database = Database(engine_url, KEYRING)
    with database.begin() as connection:
        yield connection
    database.close()


def a_row(**changes: Any) -> dict[str, Any]:
    id_ = new_id()
    row = {
        "id": id_,
        "source": "ses",
        "source_id": str(id_),
        "body": Private(id_, 'She said "تحية", {{ 7 * 7 }} \\ and a\nnew line, %(rows)s :rows'),
        "delivery_id": new_id(),
        "received_at": NOON,
    }
    return row | changes


def test_what_is_inserted_is_read_again_as_it_was(connection: Connection) -> None:
    rows = [a_row(), a_row(delivery_id=None), a_row(body=None)]

    STORE.run(connection, rows)

    stored = {row.id: row for row in connection.execute(select(receipts)).all()}
    for row in rows:
        found = stored[row["id"]]
        assert (found.source_id, found.delivery_id) == (row["source_id"], row["delivery_id"])
        assert found.received_at == NOON
        words = found.body and found.body.open(found.id)
        assert words == (row["body"] and row["body"].text)


def test_nested_values_and_half_numbers_stay_what_they_are(connection: Connection) -> None:
    row = {
        "id": new_id(),
        "verb": "stop",
        "delivery_id": new_id(),
        "arguments": {"words": ["é", None, 0.5], "deep": {"true": True}},
        "given_by": "test",
        "why": "",
        "given_at": NOON,
    }

    InsertMany(commands, tuple(row)).run(connection, [row, row | {"id": new_id()}])

    found = connection.scalars(select(commands.c.arguments)).all()
    assert found == [row["arguments"]] * 2


def test_an_insert_can_leave_out_what_is_there_and_tell_what_was_new(
    connection: Connection,
) -> None:
    store = InsertMany(
        receipts,
        NAMES,
        lambda insert: insert.on_conflict_do_nothing(
            index_elements=["source", "source_id"]
        ).returning(receipts.c.id),
    )
    known, new = a_row(), a_row()
    store.run(connection, [known])

    told = store.run(connection, [a_row(source_id=known["source_id"]), new]).scalars().all()

    assert told == [new["id"]]


def test_an_update_changes_the_rows_it_names_and_no_other(connection: Connection) -> None:
    def build(of: Of) -> Any:
        return (
            update(receipts)
            .where(receipts.c.id == of("id"), receipts.c.source == "ses")
            .values(source_id=of("source_id"), received_at=of("received_at"))
        )

    columns = {name: receipts.c[name] for name in ("id", "source_id", "received_at")}
    change = UpdateMany(columns, build)
    first, second, foreign, untouched = rows = [a_row(), a_row(), a_row(source="smtp"), a_row()]
    STORE.run(connection, rows)
    later = NOON + dt.timedelta(hours=1)

    change.run(
        connection,
        [
            {"id": row["id"], "source_id": f"new {number}", "received_at": later}
            for number, row in enumerate((first, second, foreign))
        ],
    )
    change.run(connection, [])

    found = {
        row.id: (row.source_id, row.received_at) for row in connection.execute(select(receipts))
    }
    assert found[first["id"]] == ("new 0", later)
    assert found[second["id"]] == ("new 1", later)
    assert found[foreign["id"]] == (foreign["source_id"], NOON)
    assert found[untouched["id"]] == (untouched["source_id"], NOON)


def test_a_thousand_rows_are_inserted_at_once(connection: Connection) -> None:
    STORE.run(connection, [a_row() for _ in range(1000)])

    assert connection.execute(delete(receipts)).rowcount == 1000


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": "no Private"},
        {"received_at": dt.datetime(2021, 12, 10)},  # noqa: DTZ001  (without a zone)
    ],
)
def test_a_value_that_cannot_be_sent_is_refused_as_sqlalchemy_refuses_it(
    connection: Connection, wrong: dict[str, Any]
) -> None:
    with pytest.raises(StatementError) as refused:
        STORE.run(connection, [a_row(), a_row(**wrong)])

    assert not isinstance(refused.value, DBAPIError)


@pytest.mark.parametrize("words", ["half \ud800", "nothing \0 here", "\\ \0"])
def test_what_no_text_holds_is_refused_before_postgresql_could_quote_it(
    postgres_url: str, words: str
) -> None:
    database = Database(postgres_url, KEYRING)

    with pytest.raises(StatementError) as refused, database.begin() as connection:
        STORE.run(connection, [a_row(source_id=words)])

    assert not isinstance(refused.value, DBAPIError)
    database.close()


def test_words_that_look_like_an_escape_are_words(connection: Connection) -> None:
    STORE.run(connection, [a_row(source_id=r"\u0000 and \\u0000")])

    assert connection.scalar(select(receipts.c.source_id)) == r"\u0000 and \\u0000"


def test_a_text_longer_than_its_column_is_not_cut(postgres_url: str) -> None:
    database = Database(postgres_url, KEYRING)

    with pytest.raises(DBAPIError), database.begin() as connection:
        STORE.run(connection, [a_row(source="s" * 33)])

    database.close()
