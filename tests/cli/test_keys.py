import datetime as dt
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from click.testing import Result
from sqlalchemy import select

from services.intake.clients.listing import ShownClient, list_clients
from shared.api_keys import ClientRegistry, Scope, is_well_formed
from shared.database import Database
from shared.tables.intake import audit_log

Key = Callable[..., Result]


@pytest.fixture
def key(terminal: Key) -> Key:
    """`writ key …`."""
    return partial(terminal, "key")


def made(result: Result) -> tuple[str, str]:
    """The client and the key that were printed."""
    assert result.exit_code == 0, result.output
    client, key = result.stdout.split()[1::2]
    return client, key


def only(database: Database) -> ShownClient:
    [client] = list_clients(database)
    return client


def test_a_key_is_made_as_narrow_as_asked(key: Key, database: Database) -> None:
    options = ["--scope", "submit", "--campaign", "w4r", "--rate", "10", "--daily", "5000"]

    _, text = made(key("create", "a tool", "--mode", "live", *options, "--expires", "2099-06-30"))

    assert is_well_formed(text)
    found = ClientRegistry(database).find(text)
    assert found is not None
    assert found.client.scopes == {"submit"}
    assert found.client.campaigns == frozenset({"w4r"})
    assert (found.client.rate_per_s, found.client.daily_actions) == (10, 5000)
    assert found.expires_at == dt.datetime(2099, 7, 1, tzinfo=dt.UTC)


def test_a_key_without_options_is_a_test_key_of_a_campaign_tool(
    key: Key, database: Database
) -> None:
    made(key("create", "a tool"))

    assert only(database).mode == "test"
    assert set(only(database).scopes) == {Scope.SUBMIT, Scope.READ, Scope.CATALOGUE}
    assert only(database).campaigns is None


@pytest.mark.parametrize(
    ("options", "said"),
    [([], True), (["--daily", "5000"], False), (["--scope", "read"], False)],
)
def test_a_client_without_a_daily_cap_is_said_to_have_none(
    key: Key, options: list[str], said: bool
) -> None:
    told = key("create", "a tool", *options).stderr

    assert ("any number of actions, on a day and in a burst" in told) is said
    assert ("--daily" in told) is said


def test_a_campaign_that_is_not_loaded_is_said(key: Key) -> None:
    assert "No campaign w4r is loaded" in key("create", "a tool", "--campaign", "w4r").stderr


def test_a_rotation_says_when_the_first_may_go(key: Key, database: Database) -> None:
    client, first = made(key("create", "a tool"))

    renewed = key("renew", client)

    assert made(renewed)[0] == client
    assert f"writ key revoke {first[:14]}" in renewed.stderr.replace("\n", " ")
    assert len(only(database).keys) == 2


def test_the_first_may_be_given_its_end(key: Key, database: Database) -> None:
    client, _ = made(key("create", "a tool"))

    renewed = key("renew", client, "--keep", "7")

    ends = only(database).keys[0].expires_at
    assert ends is not None
    assert f"ends by itself on {ends:%Y-%m-%d}" in renewed.stderr


def test_a_third_key_is_refused_with_a_sentence(key: Key) -> None:
    client, _ = made(key("create", "a tool"))
    key("renew", client)

    third = key("renew", client)

    assert third.exit_code == 1
    assert third.stderr.startswith("two keys are alive")


def test_keys_are_listed_without_their_secrets(key: Key) -> None:
    client, first = made(key("create", "a [bold] tool", "--rate", "10", "--campaign", "w4r"))
    _, second = made(key("renew", client))

    said = key("list").stdout

    for word in ("a [bold] tool", client, "test", "submit", "w4r", "10 requests a second", "never"):
        assert word in said
    assert first[:14] in said
    assert second[:14] in said
    assert first not in said
    assert second not in said


def test_what_has_ended_is_listed_when_asked_for(key: Key) -> None:
    client, text = made(key("create", "a tool"))
    key("revoke", text[:14])

    assert client not in key("list").stdout
    assert "revoked" in key("list", "--all").stdout


@pytest.mark.parametrize("by", ["client", "key"])
def test_a_revocation_is_done_once(key: Key, by: str) -> None:
    which = dict(zip(("client", "key"), made(key("create", "a tool")), strict=True))[by]

    first, again = key("revoke", which), key("revoke", which)

    assert (first.exit_code, again.exit_code) == (0, 1)
    assert "revoked before" in again.stderr


def test_the_audit_log_names_who_gave_the_command(key: Key, database: Database) -> None:
    client, _ = made(key("create", "a tool"))
    key("renew", client)
    key("revoke", client)

    with database.read() as connection:
        rows = connection.execute(select(audit_log).order_by(audit_log.c.seq)).all()
    assert [row.act for row in rows] == ["key_made", "key_rotated", "client_revoked"]
    assert {row.actor for row in rows} == {"operator ada"}
    assert {row.subject for row in rows} == {f"client {UUID(client)}"}
