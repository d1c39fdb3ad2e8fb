"""The catalogue: dated entries, and a reader that is at most a second behind."""

import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import insert

from shared.catalogue import Holder, PostalAddress, Recipient, entry_key
from shared.catalogue_reader import CatalogueReader
from shared.database import Database
from shared.migrate import migrate
from shared.tables.intake import catalogue_entries, pack_loads
from tests.dispatch.builders import KEYRING, NOON
from tests.dispatch.entries import INVENTED, a_case, a_catalogue, a_policy, a_recipient, a_template

DAY = dt.date(2026, 6, 1)
NEXT = DAY + dt.timedelta(days=1)


def holder(name: str, since: dt.date | None = None, until: dt.date | None = None) -> Holder:
    return Holder(name=name, since=since, until=until, source=INVENTED)


@pytest.mark.parametrize(
    ("holders", "day", "name"),
    [
        ((), DAY, None),
        ((holder("a"),), DAY, "a"),
        ((holder("a", since=NEXT),), DAY, None),
        ((holder("a", until=DAY),), DAY, "a"),
        ((holder("a", until=DAY),), NEXT, None),
        ((holder("a"), holder("b", since=DAY)), DAY, "b"),
        ((holder("b", since=DAY), holder("a")), DAY, "b"),
    ],
)
def test_who_holds_an_office_depends_on_the_day(
    holders: tuple[Holder, ...], day: dt.date, name: str | None
) -> None:
    found = a_recipient(holders=holders).holder_on(day)

    assert (found.name if found else None) == name


def test_addresses_and_mailboxes_are_dated_alike() -> None:
    gone = PostalAddress(lines=("x",), country="BY", until=DAY, source=INVENTED)
    recipient: Recipient = a_recipient(addresses=(gone,), mailboxes=())

    assert (recipient.address_on(DAY), recipient.address_on(NEXT)) == (gone, None)
    assert recipient.mailbox_on(DAY) is None


def test_every_entry_has_its_key() -> None:
    keys = [entry_key(one) for one in (a_case(), a_recipient(), a_template())]

    assert keys == [
        ("case", "mikita"),
        ("recipient", "prosecutor"),
        ("template", "mikita/appeal.en"),
    ]


def test_an_entry_given_later_takes_the_place_of_the_first() -> None:
    catalogue = a_catalogue(a_case(name="Other"))

    assert catalogue.cases["mikita"].name == "Other"
    assert catalogue.template("mikita", "appeal", "en") == a_template()
    assert catalogue.template("mikita", "appeal", "fr") is None


def test_an_embargo_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        a_policy(embargo_until=NOON.replace(tzinfo=None))


def test_a_reader_looks_again_after_a_while(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'writ.db'}", KEYRING)
    migrate(database)
    time = [0.0]
    reader = CatalogueReader(database, look_every_s=1.0, timer=lambda: time[0])
    empty = reader.current()
    load(database)

    before = reader.current()
    time[0] = 1.0
    after = reader.current()
    time[0] = 2.0

    assert before is empty
    assert (after.version, list(after.cases)) == (1, ["mikita"])
    assert reader.current() is after, "nothing was loaded, so nothing is read again"
    database.close()


def load(database: Database) -> None:
    pack = {"pack": "test", "digest": "d"}
    entry = a_case().model_dump(mode="json")
    row = {"type": "case", "key": "mikita", "version": 1, "document": entry, "current": True}
    old = row | {"key": "gone", "current": False}
    with database.begin() as connection:
        connection.execute(insert(pack_loads), [pack | {"changes": [], "loaded_at": NOON}])
        connection.execute(insert(catalogue_entries), [row | pack, old | pack])
