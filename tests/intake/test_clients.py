import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import select, update

from services.intake.clients.listing import ShownClient, ShownKey, list_clients
from services.intake.clients.manage import (
    Ambiguous,
    NewClient,
    NotInForce,
    Terms,
    TwoKeysAlive,
    create_client,
    revoke_client,
    revoke_key,
    rotate_key,
)
from shared.api_keys import ClientRegistry, Key, Mode, Scope, new_key, shown
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.tables.intake import api_keys, audit_log

NOON = dt.datetime(2021, 11, 20, 12, tzinfo=dt.UTC)
LATER = NOON + dt.timedelta(days=7)


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    database = Database(engine_url, Keyring((("test", b"k" * 32),)))
    migrate(database)
    yield database
    database.close()


def noon() -> dt.datetime:
    return NOON


def later() -> dt.datetime:
    return LATER


def a_client(database: Database, name: str = "a tool", terms: Terms | None = None) -> NewClient:
    return create_client(
        database,
        name,
        mode=Mode.LIVE,
        scopes=[Scope.SUBMIT, Scope.READ],
        terms=terms or Terms(),
        actor="operator ada",
        clock=noon,
    )


def found(database: Database, key: str) -> Key:
    key_found = ClientRegistry(database).find(key)
    assert key_found is not None
    return key_found


def only(database: Database) -> ShownClient:
    [client] = list_clients(database)
    return client


def audited(database: Database) -> list[tuple[str, str, str]]:
    wanted = select(audit_log.c.actor, audit_log.c.act, audit_log.c.subject)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(wanted.order_by(audit_log.c.seq))]


def test_what_narrows_a_client_is_found_with_its_key(database: Database) -> None:
    terms = Terms(
        campaigns=frozenset({"w4r-2021"}), rate_per_s=10, daily_actions=5_000, expires_at=LATER
    )

    key = found(database, a_client(database, terms=terms).key)

    assert key.client.may("w4r-2021")
    assert not key.client.may("w4r-2022")
    assert (key.client.rate_per_s, key.client.daily_actions) == (10, 5_000)
    assert key.client.scopes == {Scope.SUBMIT, Scope.READ}
    assert not key.expired(NOON)
    assert key.expired(LATER)


def test_a_client_of_no_campaign_works_for_every_one(database: Database) -> None:
    client = found(database, a_client(database).key).client

    assert client.campaigns is None
    assert client.may("whatever")


def test_a_rotated_client_has_two_keys_and_both_are_good(database: Database) -> None:
    first = a_client(database)

    second = rotate_key(database, first.id, clock=noon)

    assert second.older == shown(first.key)
    both = [found(database, one.key) for one in (first, second)]
    assert {one.client.id for one in both} == {first.id}
    assert not any(one.revoked for one in both)
    assert both[0].id != both[1].id


def test_a_third_key_is_refused_until_one_has_gone(database: Database) -> None:
    first = a_client(database)
    second = rotate_key(database, first.id, clock=noon)

    with pytest.raises(TwoKeysAlive, match=shown(first.key)):
        rotate_key(database, first.id, clock=noon)
    revoke_key(database, shown(first.key), clock=noon)
    third = rotate_key(database, first.id, clock=noon)

    assert third.older == shown(second.key)
    assert found(database, first.key).revoked


def test_two_operators_at_once_make_no_third_key(database: Database) -> None:
    first = a_client(database)

    def rotate(_: int) -> bool:
        try:
            rotate_key(database, first.id, clock=noon)
        except TwoKeysAlive:
            return False
        return True

    with ThreadPoolExecutor(4) as operators:
        made = list(operators.map(rotate, range(4)))

    assert sum(made) == 1
    assert len(only(database).keys) == 2


def test_the_older_key_may_be_given_an_end_that_is_never_put_off(database: Database) -> None:
    first = a_client(database, terms=Terms(expires_at=LATER))

    rotate_key(database, first.id, older_ends_at=LATER + dt.timedelta(days=1), clock=noon)

    assert found(database, first.key).expires_at == LATER


def test_an_expired_key_makes_room(database: Database) -> None:
    first = a_client(database)
    rotate_key(database, first.id, older_ends_at=LATER, clock=noon)

    made = rotate_key(database, first.id, clock=later)

    assert not found(database, made.key).expired(LATER)
    assert found(database, first.key).expired(LATER)


def test_nobody_rotates_a_client_that_is_unknown_or_revoked(database: Database) -> None:
    client = a_client(database)
    revoke_client(database, client.id, clock=noon)

    for unknown in (client.id, UUID(int=9)):
        with pytest.raises(NotInForce):
            rotate_key(database, unknown, clock=noon)


def test_a_revoked_client_s_keys_are_all_revoked(database: Database) -> None:
    first = a_client(database)
    second = rotate_key(database, first.id, clock=noon)

    assert [revoke_client(database, first.id, clock=noon) for _ in range(2)] == [True, False]

    assert found(database, first.key).revoked
    assert found(database, second.key).revoked


def test_a_key_is_revoked_by_how_it_begins_or_whole_and_once(database: Database) -> None:
    first = a_client(database)
    second = rotate_key(database, first.id, clock=noon)

    assert revoke_key(database, shown(first.key), clock=noon) == first.id
    assert revoke_key(database, second.key, clock=noon) == first.id

    with pytest.raises(NotInForce):
        revoke_key(database, second.key, clock=noon)


def test_of_two_keys_that_begin_alike_only_a_whole_one_is_revoked(database: Database) -> None:
    one, other = a_client(database), a_client(database, "another tool")
    with database.begin() as connection:
        connection.execute(update(api_keys).values(key_start=shown(one.key)))

    with pytest.raises(Ambiguous):
        revoke_key(database, shown(one.key), clock=noon)
    assert revoke_key(database, other.key, clock=noon) == other.id

    assert not found(database, one.key).revoked
    assert found(database, other.key).revoked


def test_a_whole_key_never_ends_another_that_begins_like_it(database: Database) -> None:
    client, stranger = a_client(database), new_key(Mode.LIVE)
    with database.begin() as connection:
        connection.execute(update(api_keys).values(key_start=stranger.start))

    with pytest.raises(NotInForce):
        revoke_key(database, stranger.text, clock=noon)

    assert not found(database, client.key).revoked


def test_clients_are_listed_with_their_keys_and_without_any_secret(database: Database) -> None:
    first = a_client(database, terms=Terms(campaigns=frozenset({"b", "a"}), rate_per_s=3))
    second = rotate_key(database, first.id, expires_at=LATER, clock=noon)
    revoke_key(database, first.key, clock=noon)

    assert only(database) == ShownClient(
        id=first.id,
        name="a tool",
        mode="live",
        scopes=("read", "submit"),
        campaigns=("a", "b"),
        rate_per_s=3,
        daily_actions=0,
        revoked_at=None,
        keys=(
            ShownKey(start=shown(first.key), expires_at=None, revoked_at=NOON, last_used_at=None),
            ShownKey(start=shown(second.key), expires_at=LATER, revoked_at=None, last_used_at=None),
        ),
    )
    assert only(database).in_force(NOON)
    assert not only(database).in_force(LATER)


def test_who_made_rotated_and_revoked_is_in_the_audit_log(database: Database) -> None:
    client = a_client(database)
    rotate_key(database, client.id, actor="operator ada", clock=noon)
    revoke_key(database, client.key, actor="operator eve", clock=noon)
    revoke_client(database, client.id, actor="operator ada", clock=noon)

    subject = f"client {client.id}"
    assert audited(database) == [
        ("operator ada", "key_made", subject),
        ("operator ada", "key_rotated", subject),
        ("operator eve", "key_revoked", subject),
        ("operator ada", "client_revoked", subject),
    ]


def test_no_key_is_in_the_audit_log(database: Database) -> None:
    client = a_client(database)

    with database.read() as connection:
        [row] = connection.execute(select(audit_log)).mappings().all()

    assert row["details"]["key"] == shown(client.key)
    assert client.key not in str(dict(row))


def test_what_is_refused_is_not_in_the_audit_log(database: Database) -> None:
    with pytest.raises(NotInForce):
        revoke_key(database, "writ_live_none", clock=noon)
    assert not revoke_client(database, UUID(int=9), clock=noon)

    assert audited(database) == []
