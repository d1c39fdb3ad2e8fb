import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from services.intake.packs.load import Change, Effect, LoadUnderWay, OfAnotherPack, load_entries
from shared.addresses import PostalAddress
from shared.catalogue import entry_key
from shared.catalogue_reader import CatalogueReader
from shared.database import Database
from shared.migrate import migrate
from shared.tables.intake import catalogue_entries, pack_loads
from tests.intake.builders import KEYRING, a_campaign, a_case, a_pack, a_policy, a_recipient


class FakeTimer:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    database = Database(engine_url, KEYRING)
    migrate(database)
    yield database
    database.close()


def loads(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(pack_loads)) or 0


def test_a_loaded_pack_is_read_back_as_it_was(database: Database) -> None:
    load_entries(database, "test", a_pack())

    catalogue = CatalogueReader(database).current()

    assert catalogue.cases == {"mikita": a_case()}
    assert catalogue.campaigns == {"letters-2026": a_campaign()}
    assert set(catalogue.templates) == {
        entry_key(one)[1] for one in a_pack() if entry_key(one)[0] == "template"
    }
    assert catalogue.version == 1


def test_the_same_pack_again_changes_nothing(database: Database) -> None:
    load_entries(database, "test", a_pack())

    assert load_entries(database, "test", a_pack()) == []
    assert loads(database) == 1


def test_what_changed_gets_a_new_version_and_the_old_one_stays(database: Database) -> None:
    load_entries(database, "test", a_pack())
    stopped = a_case(policy=a_policy(stopped=True))

    changes = load_entries(database, "test", a_pack(stopped))

    assert changes == [Change("case", "mikita", Effect.CHANGED)]
    with database.read() as connection:
        kept = connection.execute(
            select(catalogue_entries.c.version, catalogue_entries.c.current)
            .where(catalogue_entries.c.key == "mikita")
            .order_by(catalogue_entries.c.version)
        ).all()
    assert [tuple(row) for row in kept] == [(1, False), (2, True)]
    assert CatalogueReader(database).current().cases["mikita"].policy.stopped


def test_what_left_its_pack_is_gone_and_may_come_back(database: Database) -> None:
    load_entries(database, "test", a_pack())
    without = [one for one in a_pack() if entry_key(one)[1] != "stranger"]

    gone = load_entries(database, "test", without)
    assert "stranger" not in CatalogueReader(database).current().recipients
    back = load_entries(database, "test", a_pack())

    assert gone == [Change("recipient", "stranger", Effect.GONE)]
    assert back == [Change("recipient", "stranger", Effect.ADDED)]


def test_another_packs_entries_are_left_alone(database: Database) -> None:
    load_entries(database, "test", a_pack())

    load_entries(database, "other", [a_recipient("judge")])

    assert len(CatalogueReader(database).current().recipients) == 5


def test_a_pack_cannot_take_over_anothers_entry(database: Database) -> None:
    load_entries(database, "test", a_pack())

    with pytest.raises(OfAnotherPack, match="recipient minister"):
        load_entries(database, "other", [a_recipient("minister")])

    assert loads(database) == 1


def test_two_loads_at_once_do_not_mix(database: Database) -> None:
    if not database.is_postgresql:
        pytest.skip("SQLite makes the second load wait for the first")
    with database.begin() as connection:
        database.hold(connection, "catalogue")
        with pytest.raises(LoadUnderWay):
            load_entries(database, "test", a_pack())

    assert load_entries(database, "test", a_pack())


def test_a_reader_sees_a_new_load_within_a_second(database: Database) -> None:
    timer = FakeTimer()
    reader = CatalogueReader(database, timer=timer)
    before = reader.current()
    load_entries(database, "test", a_pack())

    at_once = reader.current()
    timer.at = 1.0

    assert at_once is before
    assert reader.current().cases


def test_a_reader_keeps_the_catalogue_while_nothing_is_loaded(database: Database) -> None:
    load_entries(database, "test", a_pack())
    timer = FakeTimer()
    reader = CatalogueReader(database, timer=timer)
    before = reader.current()

    timer.at = 5.0

    assert reader.current() is before


def test_a_load_is_noted_with_its_time(database: Database) -> None:
    noon = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)

    load_entries(database, "test", [a_recipient("judge")], clock=lambda: noon)

    with database.read() as connection:
        row = connection.execute(select(pack_loads)).one()
    assert row.loaded_at == noon
    assert row.changes == [["recipient", "judge", "added"]]


def test_what_a_pack_does_not_use_is_not_stored_since_the_version_before_would_refuse_it() -> None:
    sender = a_campaign().sender.model_dump(mode="json")
    policy = a_policy().model_dump(mode="json")
    address = PostalAddress(lines=("1 Road",), country="GB", source="a page").model_dump()

    assert "country_names" not in sender
    assert "paper_fallback" not in policy
    assert address.keys().isdisjoint({"parts", "local_lines", "region"})
