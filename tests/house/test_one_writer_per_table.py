"""Each table belongs to one service, and PostgreSQL lets nobody else write it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.tables.columns import METADATA
from shared.tables.grants import grant, role, tables_of
from tests.servers import postgres_binaries

ROLES = Path(__file__).parents[2] / "deploy/postgres-roles.sql"
ALL = {table.name for table in METADATA.sorted_tables}
MAY_READ = {
    "intake": {"intake"},
    "dispatch": {"intake", "dispatch"},
    "tracking": {"intake", "dispatch", "tracking"},
}


@pytest.fixture
def connection(postgres_url: str) -> Iterator[Connection]:
    """A transaction on a migrated database whose roles have their rights."""
    database = Database(postgres_url, Keyring.parse(Keyring.new_key("test")))
    migrate(database)
    make_roles(postgres_url)
    with database.begin() as connection:
        grant(connection)
        yield connection
    database.close()


@pytest.mark.parametrize("service", MAY_READ)
def test_a_service_writes_its_own_tables_and_no_other(service: str, connection: Connection) -> None:
    own = names(service)

    assert own == allowed(connection, service, "DELETE FROM {} WHERE false")
    assert own == allowed(connection, service, "INSERT INTO {0} SELECT * FROM {0} WHERE false")


@pytest.mark.parametrize("service", MAY_READ)
def test_a_service_reads_upstream_and_never_downstream(
    service: str, connection: Connection
) -> None:
    upstream = set().union(*map(names, MAY_READ[service]))
    back_edge = {"commands"} if service == "dispatch" else set()

    assert upstream | back_edge == allowed(connection, service, "SELECT FROM {} LIMIT 0")


def test_a_service_draws_the_numbers_of_its_own_rows_only(connection: Connection) -> None:
    assert may(connection, "intake", "SELECT nextval('actions_seq_seq')")
    assert may(connection, "tracking", "SELECT nextval('commands_seq_seq')")
    assert not may(connection, "dispatch", "SELECT nextval('commands_seq_seq')")


def test_every_table_has_an_owner() -> None:
    assert set().union(*map(names, MAY_READ)) == ALL


def test_the_rights_may_be_granted_again(connection: Connection, postgres_url: str) -> None:
    make_roles(postgres_url)

    grant(connection)

    assert names("intake") == allowed(connection, "intake", "DELETE FROM {} WHERE false")


def make_roles(url: str) -> None:
    names = ("WRIT_INTAKE_DB_PASSWORD", "WRIT_DISPATCH_DB_PASSWORD", "WRIT_TRACKING_DB_PASSWORD")
    passwords = dict.fromkeys(names, "it's a secret")
    psql = [str(postgres_binaries() / "psql"), "-X", "-q", "-f", str(ROLES)]
    subprocess.run(
        [*psql, url.replace("+psycopg", "")],
        check=True,
        env={**os.environ, **passwords},
        stdout=subprocess.DEVNULL,
    )


def names(service: str) -> set[str]:
    return {table.name for table in tables_of(service)}


def allowed(connection: Connection, service: str, statement: str) -> set[str]:
    return {name for name in ALL if may(connection, service, statement.format(name))}


def may(connection: Connection, service: str, statement: str) -> bool:
    attempt = connection.begin_nested()
    try:
        connection.execute(text(f"SET LOCAL ROLE {role(service)}"))
        connection.execute(text(statement))
    except ProgrammingError as refusal:
        if isinstance(refusal.orig, InsufficientPrivilege):
            return False
        raise
    finally:
        attempt.rollback()
    return True
