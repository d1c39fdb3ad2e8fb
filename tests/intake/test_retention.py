"""Supporters' data goes when the time of their campaign is over."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError

from services.intake.packs.load import load_entries
from services.intake.retention import Due, Retention, due
from services.intake.settings import Settings
from services.intake.worker import make_steward
from shared.catalogue import Campaign
from shared.clock import new_id
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Private
from shared.tables.intake import actions, audit_log, catalogue_entries
from shared.tables.writing_events import reported_counts
from tests.intake.builders import KEYRING, NOON, Intake, a_campaign, a_pack, an_action, settings

DAY = dt.timedelta(days=1)


@pytest.fixture
def either(engine_url: str) -> Iterator[Intake]:
    """Once on SQLite, once on PostgreSQL."""
    made = Intake.start(engine_url, a_pack(campaign=a_campaign(retention_days=30)))
    yield made
    made.database.close()


def taken(intake: Intake, number: int = 1) -> None:
    for one in range(number):
        supporter = {"name": "Ana", "email": f"ana{one}@tools.example"}
        assert intake.post(an_action(supporter=supporter)).status_code == 202


def names_left(intake: Intake) -> list[bool]:
    with intake.database.read() as connection:
        found = connection.scalars(select(actions.c.supporter_name).order_by(actions.c.seq))
        return [bool(one) for one in found]


def noted(intake: Intake) -> list[Any]:
    with intake.database.read() as connection:
        return [*connection.execute(select(audit_log).where(audit_log.c.act == "retention"))]


def test_data_goes_after_the_days_of_its_campaign(either: Intake) -> None:
    taken(either)
    retention = Retention(either.database)

    before = [retention.forget(NOON + 30 * DAY), names_left(either)]
    after = [retention.forget(NOON + 30.5 * DAY), names_left(either)]

    assert before == [False, [True]]
    assert after == [True, [False]]


def test_a_run_goes_chunk_by_chunk_and_is_noted_once(either: Intake) -> None:
    taken(either, 5)
    retention, later = Retention(either.database, chunk=2), NOON + 31 * DAY

    steps = [(retention.forget(later), names_left(either).count(True)) for _ in range(4)]

    [note] = noted(either)
    assert steps == [(True, 3), (True, 1), (True, 0), (False, 0)]
    assert (note.subject, note.number, note.actor) == ("letters-2026", 5, "writ")


def test_a_run_that_was_cut_off_is_taken_up(either: Intake) -> None:
    taken(either, 5)
    later = NOON + 31 * DAY
    Retention(either.database, chunk=2).forget(later)

    done = list(Retention(either.database, chunk=2).run(later))

    assert (done, names_left(either)) == ([2, 1], [False] * 5)
    assert [row.number for row in noted(either)] == [5, 3]


def test_a_run_without_anything_to_do_says_nothing(either: Intake) -> None:
    assert list(Retention(either.database).run(NOON)) == []
    assert noted(either) == []


def test_after_an_error_the_chore_begins_a_new_run(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}", KEYRING)
    retention = Retention(database)
    with pytest.raises(OperationalError, match="no such table"):
        retention.forget(NOON)
    migrate(database)

    assert retention.forget(NOON) is False
    database.close()


def test_a_campaign_that_left_its_pack_is_not_kept_for_ever(either: Intake) -> None:
    taken(either)
    load_entries(either.database, "test", [])

    with either.database.read() as connection:
        found = due(connection, NOON + 31 * DAY)

    assert found == [Due("letters-2026", 30, 1)]


def test_a_document_from_before_keeps_the_usual_time(either: Intake) -> None:
    taken(either)
    old = {name: value for name, value in document(either).items() if name != "retention_days"}
    replace_document(either, old)
    usual = Campaign.model_fields["retention_days"].default

    with either.database.read() as connection:
        found = [due(connection, NOON + days * DAY) for days in (usual, usual + 1)]

    assert found == [[], [Due("letters-2026", usual, 1)]]


def test_organisers_and_their_pictures_go_as_well(either: Intake) -> None:
    count_id, later = new_id(), NOON + 31 * DAY
    row = {"id": count_id, "client_id": count_id, "mode": "live", "campaign": "letters-2026"}
    row |= {"case": "mikita", "kind": "appeal", "channel": "own_post", "number": 70}
    row |= {"organiser": Private(count_id, "Ana Beispiel"), "event_on": NOON.date()}
    row |= {"evidence": b"sealed", "evidence_type": "image/png", "reported_at": NOON}
    with either.database.begin() as connection:
        connection.execute(insert(reported_counts), [row])

    for at in (NOON + 29 * DAY, later, later):
        list(Retention(either.database).run(at))

    with either.database.read() as connection:
        left = connection.execute(select(reported_counts)).one()
    assert (left.organiser, left.evidence, left.number) == (None, None, 70)


def test_the_steward_does_it(either: Intake) -> None:
    own: Settings = settings("unused")

    names = [chore.name for chore in make_steward(own, either.database)._next_at]

    assert "retention" in names


def document(intake: Intake) -> dict[str, Any]:
    with intake.database.read() as connection:
        return dict(
            connection.scalars(
                select(catalogue_entries.c.document).where(catalogue_entries.c.type == "campaign")
            ).one()
        )


def replace_document(intake: Intake, document: dict[str, Any]) -> None:
    with intake.database.begin() as connection:
        connection.execute(
            update(catalogue_entries)
            .where(catalogue_entries.c.type == "campaign")
            .values(document=document)
        )
