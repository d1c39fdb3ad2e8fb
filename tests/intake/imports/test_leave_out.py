"""Whoever is erased stays erased: no file that was handed in before brings them back."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text

from services.intake.accept import Action
from services.intake.clients.manage import NewClient, create_client
from services.intake.erase import Whom, erase, of_email, of_ref
from services.intake.imports.desk import CHUNK, find_client
from services.intake.imports.life import Imports, Sent
from services.intake.imports.work import Importer
from services.intake.leave_out import leave_out, left_out, open_files
from services.intake.take import Taker
from shared.api_keys import Client, Mode, Scope
from shared.tables.intake import actions, audit_log
from shared.tables.writing_events import import_erasures, import_parts, imports
from tests.intake.builders import NOON, an_action
from tests.intake.imports.files import a_row, csv_file, rows
from tests.intake.imports.test_work import hurried
from tests.intake.imports.world import World

KEY = b"i" * 32
ANA = "s2@tools.example"  # as the file's second row names her
NOBODY = frozenset[str]()


def ref_of(world: World, email: str = ANA, known: NewClient | None = None) -> str:
    """The client's handle on a person: the answer to an action of theirs, by another channel."""
    body = an_action(supporter={"name": "Ana", "email": email}, kind="solidarity")
    headers = world.intake.auth(known)
    answer = world.intake.http.post("/v1/actions", json=body, headers=headers)
    return str(answer.get_json()["supporter_ref"])


def delete(world: World, ref: str, known: NewClient | None = None) -> Any:
    path = f"/v1/supporters/{ref}"
    return world.intake.http.delete(path, headers=world.intake.auth(known)).get_json()


def by_operator(world: World, whom: Whom | None = None) -> int:
    words = {"actor": "operator ops", "subject": "a supporter", "why": "they asked"}
    with world.intake.database.begin() as connection:
        return erase(connection, whom or of_email(KEY, ANA), at=NOON, **words)


def kept(world: World, table: Any) -> int:
    with world.intake.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def names(world: World) -> list[str | None]:
    """In the order of the file; of what came before, first."""
    with world.intake.database.read() as connection:
        wanted = select(actions).order_by(func.coalesce(actions.c.import_row, 0))
        found = connection.execute(wanted).all()
    return [row.supporter_name and row.supporter_name.open(row.id) for row in found]


def client(world: World) -> Client:
    found = find_client(world.intake.database, world.intake.known.id)
    assert found is not None
    return found


def another_client(world: World) -> NewClient:
    return create_client(world.intake.database, "another", mode=Mode.LIVE, scopes=[Scope.SUBMIT])


@pytest.mark.parametrize("wanted", ["all", "good"])
def test_a_file_that_was_handed_in_before_does_not_bring_them_back(
    either: World, wanted: str
) -> None:
    ref = ref_of(either)
    checked = either.checked(csv_file(rows(3)))

    told = delete(either, ref)
    after = either.done(checked, wanted)

    assert told == {"erased": 1}
    assert names(either) == [None, "Supporter 1", "Supporter 3"]
    assert (after["state"], after["accepted"], after["bad"]) == ("done", 2, 1)
    assert either.faults(checked) == [(3, None, "erased_meanwhile")]


def test_all_their_rows_are_left_out_however_the_address_is_written(world: World) -> None:
    ref = ref_of(world)
    twice = [*rows(2), a_row(2, Email="S2+bern@TOOLS.example", Words="Once more.")]
    checked = world.checked(csv_file(twice))

    delete(world, ref)
    after = world.done(checked)

    assert (after["accepted"], after["duplicates"], after["bad"]) == (1, 0, 2)
    assert [row for row, _, _ in world.faults(checked)] == [3, 4]


def test_rows_that_were_taken_before_go_and_those_that_come_do_not(either: World) -> None:
    ref, words = ref_of(either), {"Email": ANA, "Words": "At the end."}
    checked = either.checked(csv_file([*rows(CHUNK), a_row(CHUNK + 1, **words)]))
    either.started(checked)
    hurried(either).work(NOON)
    half = either.stored()

    told = delete(either, ref)
    either.work()

    after = either.get(checked["links"]["self"])
    assert (half, told) == (1 + CHUNK, {"erased": 2})
    assert (after["state"], after["accepted"], after["bad"]) == ("done", CHUNK, 1)
    assert names(either).count(None) == 2


def test_a_file_handed_in_after_it_is_a_new_word_of_theirs(world: World) -> None:
    delete(world, ref_of(world))

    after = world.done(world.checked(csv_file(rows(3))))

    assert (after["accepted"], after["bad"]) == (3, 0)
    assert kept(world, import_erasures) == 0


def test_a_file_leaves_out_who_was_erased_before_and_asks_again(either: World) -> None:
    ref = ref_of(either)
    delete(either, ref)
    checked = either.checked(csv_file(rows(3)))

    again = [delete(either, ref) for _ in range(2)]
    either.done(checked)

    assert again == [{"erased": 0}] * 2
    assert either.faults(checked) == [(3, None, "erased_meanwhile")]
    with either.intake.database.read() as connection:
        wanted = select(audit_log).where(audit_log.c.act == "supporter_erased")
        notes = connection.execute(wanted.order_by(audit_log.c.seq)).all()
    assert [(note.number, note.details["left_out_of_files"]) for note in notes] == [(1, 0), (0, 1)]


def test_one_organisations_erasure_leaves_anothers_file_alone(either: World) -> None:
    checked = either.checked(csv_file(rows(3)))
    other = another_client(either)

    delete(either, ref_of(either, known=other), other)
    delete(either, ref_of(either), other)  # a handle that is not its own
    after = either.done(checked)

    assert (after["accepted"], after["bad"]) == (3, 0)


@pytest.mark.parametrize("by", ["email", "ref", "ref of another"])
def test_an_operators_erasure_reaches_every_file_and_tells_no_reason(
    by: str, either: World
) -> None:
    checked = either.checked(csv_file(rows(3)))
    known = another_client(either) if by == "ref of another" else None
    ref = ref_of(either, known=known)
    with either.intake.database.read() as connection:
        whom = of_email(KEY, "S2+x@tools.example") if by == "email" else None
        whom = whom or of_ref(connection, KEY, ref)

    erased = by_operator(either, whom)
    either.done(checked)

    assert erased == 1
    assert either.faults(checked) == [(3, None, "left_out")]
    [fault] = either.get(checked["links"]["faults"])["data"]
    assert not any(word in fault["detail"].lower() for word in ("eras", "forg", "supporter"))


def test_a_handle_whose_actions_are_gone_still_names_its_clients_rows(world: World) -> None:
    ref = ref_of(world)
    delete(world, ref)
    checked = world.checked(csv_file(rows(3)))
    with world.intake.database.read() as connection:
        whom = of_ref(connection, KEY, ref)

    by_operator(world, whom)
    world.done(checked)

    assert world.faults(checked) == [(3, None, "left_out")]


@pytest.mark.parametrize("operator_first", [True, False])
def test_who_asked_itself_does_not_learn_that_an_operator_did(
    either: World, operator_first: bool
) -> None:
    ref = ref_of(either)
    checked = either.checked(csv_file(rows(3)))

    if operator_first:
        by_operator(either)
    delete(either, ref)
    by_operator(either)
    either.done(checked)

    assert either.faults(checked) == [(3, None, "erased_meanwhile")]


@pytest.mark.parametrize("how", ["done", "cancelled", "given up", "failed"])
def test_the_hashes_and_the_file_go_when_the_import_ends(either: World, how: str) -> None:
    checked = either.checked(csv_file(rows(3)))
    by_operator(either)
    before = (kept(either, import_erasures), kept(either, import_parts))

    if how == "done":
        either.done(checked)
    elif how == "cancelled":
        either.intake.http.delete(checked["links"]["self"], headers=either.intake.auth())
    elif how == "given up":
        either.importer.give_up(NOON.replace(month=7))
    else:
        either.started(checked)
        either.importer.give_up(NOON.replace(month=7))

    state = either.get(checked["links"]["self"])["state"]
    assert state == {"given up": "cancelled"}.get(how, how)
    assert before == (1, 1)
    assert (kept(either, import_erasures), kept(either, import_parts)) == (0, 0)


def test_of_a_file_that_broke_off_nothing_is_remembered(either: World) -> None:
    def broken() -> Iterator[bytes]:
        yield csv_file(rows(2))
        by_operator(either)
        assert kept(either, import_erasures) == 1
        raise ConnectionError

    with pytest.raises(ConnectionError):
        Imports(either.intake.database, either.intake.clock).receive(client(either), broken(), Sent)

    assert [kept(either, table) for table in (imports, import_parts, import_erasures)] == [0, 0, 0]


def test_what_is_left_out_is_no_part_of_the_clients_day(world: World) -> None:
    ref = ref_of(world)
    checked = world.checked(csv_file(rows(3)))
    delete(world, ref)
    with world.intake.database.begin() as connection:
        connection.execute(text("UPDATE api_clients SET daily_actions = 100"))

    world.done(checked)

    limits = world.importer.desk.limits
    assert 'actions";r=98;' in limits.headers(client(world))["RateLimit"]


def test_nothing_of_who_it_was_is_kept_in_the_clear(world: World) -> None:
    checked = world.checked(csv_file(rows(3)))
    by_operator(world)

    with world.intake.database.read() as connection:
        [row] = connection.execute(select(import_erasures)).all()
        assert left_out(connection, row.import_id) == {row.supporter_ref: False}
    assert (str(row.import_id), len(row.supporter_ref)) == (checked["id"], 26)
    assert not {"s2", "tools", "ana"} & {*str(row).lower().split("'")}


def test_files_that_are_over_are_not_counted(either: World) -> None:
    either.done(either.checked(csv_file(rows(1))))
    either.checked(csv_file(rows(2)))

    with either.intake.database.begin() as connection:
        found = open_files(connection), open_files(connection, either.intake.known.id)
        nobody = leave_out(connection, lambda _: NOBODY)

    assert (found, nobody) == ((1, 1), 0)


def test_an_erasure_in_the_middle_of_a_chunk_finds_what_the_chunk_took(either: World) -> None:
    """It waits until the chunk is committed: else what the chunk read before came after it."""
    either.started(either.checked(csv_file(rows(3))))
    operator = threading.Thread(target=by_operator, args=[either])

    def meanwhile() -> None:
        operator.start()
        operator.join(0.3)

    taker = Interrupted(**{name: getattr(either.importer.desk.taker, name) for name in _TAKER})
    taker.between.append(meanwhile)
    Importer(replace(either.importer.desk, taker=taker)).work(NOON)
    operator.join()

    # In whatever order: the line of the file goes, too, if the import is over by then.
    assert set(names(either)) == {"Supporter 1", None, "Supporter 3"}
    assert either.stored() == 3


_TAKER = ("catalogue", "identity_key", "confirmations", "clock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(Taker):
    """Something happens before its work begins, while the chunk's transaction is open."""

    between: list[Callable[[], None]] = field(default_factory=list)

    def take(self, connection: Connection, accepted: Any, **more: Any) -> list[Action]:
        while self.between:
            self.between.pop()()
        return Taker.take(self, connection, accepted, **more)
