"""`writ import FILE`: hands in a file from a writing event, shows what it holds, takes its rows.

The same verbs as `POST /v1/imports`, and the same promises: stop it at any moment, and the intake
worker goes on where it was.  Who gives this command holds the file: here people are shown whole.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import click
from rich.console import Console

from services.cli import import_tables
from services.cli.database import open_database, settings
from services.cli.progress import progress
from services.intake.clients.listing import list_clients
from services.intake.imports.desk import find_client
from services.intake.imports.encodings import ENCODINGS
from services.intake.imports.keeping import PART, Import, ImportState, RowsWanted
from services.intake.imports.life import ALREADY_THERE, Imports, Sent
from services.intake.imports.mapping import DEFAULTS, ActionField, ColumnMap
from services.intake.imports.maps import Maps
from services.intake.imports.preview import preview
from services.intake.imports.work import Importer
from services.intake.settings import Settings
from services.intake.worker import make_importer
from shared.api_keys import Client
from shared.clock import now
from shared.database import Database
from shared.http.problems import Problem

LOOK_EVERY_S = 0.2
PATIENCE_S = 15.0  # without a step, before it is left to the intake worker

F = TypeVar("F", bound=Callable[..., Any])

_ROWS = click.Choice([one.value for one in RowsWanted])


def _same_in_every_row(function: F) -> F:
    for one in reversed(DEFAULTS):
        option = "--" + one.replace("_", "-")
        function = click.option(option, one.value, help="The same in every row.")(function)
    return function


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--client", type=click.UUID, help="Whose actions they are [default: the only one].")
@click.option("--map", "columns", multiple=True, metavar="COLUMN=FIELD", help="May be repeated.")
@click.option("--use-map", metavar="NAME", help="A map that was saved.")
@click.option("--save-map", metavar="NAME", help="Save the map for the next file.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="Where it is not told right.")
@click.option("--again", is_flag=True, help="Though the same file was handed in before.")
@click.option(
    "--rows",
    type=click.Choice([one.value for one in RowsWanted]),
    help="All or none, or the good ones.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="For machines; without --yes only look.")
@_same_in_every_row
def import_(file: Path, **given: Any) -> None:
    """Take a file of actions, CSV or XLSX; its first row names the columns.

    \b
        writ import bern.csv --case zhang-zhan --channel letter

    Columns are recognised by their names in six languages; --map says what is not, and
    `--map COLUMN=` leaves one out. Nothing is stored before you have seen what is wrong.
    """
    database = open_database()
    try:
        importer = make_importer(Settings.from_env(settings()), database)
        client = _client(database, given["client"])
        Session(importer, client, as_json=given["as_json"]).take(file, given)
    except Problem as problem:
        if problem.kind is ALREADY_THERE:
            _fail("the same file was handed in before; --again takes it once more")
        _fail(problem.detail)


@dataclass(frozen=True, slots=True)
class Session:
    """One file, from beginning to end."""

    importer: Importer
    client: Client
    as_json: bool

    def take(self, file: Path, given: Mapping[str, Any]) -> None:
        maps = Maps(self._database, now)
        said = _said(maps, self.client.id, given)
        sent = Sent(
            file_name=file.name, said=said, encoding=given["encoding"] or "", again=given["again"]
        )
        received = self._imports.receive(self.client, _parts(file), lambda: sent)
        try:
            checked, rows = self._checked(received, given)
        except (click.Abort, KeyboardInterrupt):  # what nobody will start is not kept
            self._imports.cancel(self.client.id, received.id)
            raise
        if given["save_map"]:
            maps.put(self.client.id, given["save_map"], checked.said)
        refused = rows is RowsWanted.ALL and checked.bad > 0
        if rows is None or refused:
            self._tell(self._imports.cancel(self.client.id, checked.id))
            if refused:
                _fail("mend the bad rows, or leave them out with --rows good")
            sys.exit(1 if checked.bad else 0)
        done = self._work(self._imports.start(self.client.id, checked.id, rows))
        self._tell(done)
        sys.exit(0 if done.state in {ImportState.DONE, ImportState.RUNNING} else 1)

    def _checked(
        self, received: Import, given: Mapping[str, Any]
    ) -> tuple[Import, RowsWanted | None]:
        """The import after all its rows were looked at, and which of them are to be taken."""
        checked = self._work(received)
        if checked.state is ImportState.FAILED:
            if self.as_json:
                self._tell(checked)
            _fail(checked.fault or "it failed")
        self._look_at(checked)
        return checked, self._chosen(checked, given)

    def _look_at(self, one: Import) -> None:
        if self.as_json:
            return
        console = Console()
        seen = preview(self.importer.desk, one, people=True)
        console.print(import_tables.about(one, seen.letters))
        console.print(import_tables.columns(one, seen))
        if one.bad:
            console.print(import_tables.faults(self._database, one))

    def _chosen(self, one: Import, given: Mapping[str, Any]) -> RowsWanted | None:
        """Which rows are to be taken; None: none of them."""
        wanted = given["rows"]
        if one.bad == one.rows:
            return None
        if given["yes"] or self.as_json:
            return RowsWanted(wanted or RowsWanted.ALL) if given["yes"] else None
        rows = RowsWanted(wanted or (RowsWanted.GOOD if one.bad else RowsWanted.ALL))
        if rows is RowsWanted.ALL and one.bad:
            return rows  # and no question: none of them can be taken
        number = (one.rows or 0) - (one.bad if rows is RowsWanted.GOOD else 0)
        left = f", and leave {one.bad:,} out" if one.bad else ""
        asked = f"Take {number:,} rows as {self.client.mode} actions{left}?"
        return rows if click.confirm(asked) else None

    def _work(self, one: Import) -> Import:
        """Until it is over, or waits for a person or for its client's next day."""
        state, moved_at = one.state, time.monotonic()
        with self._watched(one) as (importer, show):
            while one.state is state and time.monotonic() - moved_at < PATIENCE_S:
                before = one
                idle = not importer.advance(one.id)
                one = self._imports.mine(one.client_id, one.id)
                if one.state is state:
                    show(one)
                    moved_at = moved_at if one.done == before.done else time.monotonic()
                    time.sleep(LOOK_EVERY_S if idle else 0)  # somebody else may be at it
        return one

    @contextmanager
    def _watched(self, one: Import) -> Iterator[tuple[Importer, Callable[[Import], None]]]:
        """The importer, with a bar that follows it, and what moves the bar."""
        what = "checking rows" if one.state is ImportState.CHECKING else "taking rows"
        behind, advance = one.done, None
        with ExitStack() as stack:

            def show(at: Import) -> None:
                nonlocal behind, advance
                if advance is None:  # how many there are is known when the first are done
                    bar = progress(what, at.rows or 0, as_json=self.as_json)
                    advance = stack.enter_context(bar)
                advance(at.done - behind)
                behind = at.done

            desk = replace(self.importer.desk, on_chunk=show)
            yield replace(self.importer, desk=desk), show

    def _tell(self, one: Import) -> None:
        numbers = ("rows", "bad", "accepted", "duplicates")
        if self.as_json:
            told = {name: getattr(one, name) for name in ("id", "state", "fault", *numbers)}
            click.echo(json.dumps(told, default=str))
            return
        click.echo(
            f"{one.state}: {one.accepted:,} accepted, {one.duplicates:,} duplicates,"
            f" {one.bad:,} bad of {one.rows or 0:,} rows"
        )
        if one.state is ImportState.RUNNING:
            click.echo("Its client has used up the day; the intake worker takes the rest.")

    @property
    def _database(self) -> Database:
        return self.importer.desk.database

    @property
    def _imports(self) -> Imports:
        return Imports(self._database, now)


def _client(database: Database, client_id: UUID | None) -> Client:
    """The one that was named, or the only one there is."""
    known = [one for one in list_clients(database) if one.in_force(now())]
    if client_id is None and len(known) == 1:
        client_id = known[0].id
    client = find_client(database, client_id) if client_id else None
    if client is None:
        named = "\n".join(f"  {one.id}  {one.name} ({one.mode})" for one in known)
        _fail(f"name a client with --client; there are:\n{named}" if named else _NO_CLIENT)
    return client


_NO_CLIENT = "there is no client yet: `writ key create NAME --mode live` makes one"


def _said(maps: Maps, client_id: UUID, given: Mapping[str, Any]) -> ColumnMap:
    saved = maps.get(client_id, given["use_map"]).map if given["use_map"] else ColumnMap()
    columns = dict(_column(text) for text in given["columns"])
    defaults = {one: given[one.value] for one in DEFAULTS if given[one.value] is not None}
    return ColumnMap({**saved.columns, **columns}, {**saved.defaults, **defaults})


def _column(text: str) -> tuple[str, ActionField | None]:
    name, _, one = text.rpartition("=")
    if not name or (one and one not in set(ActionField)):
        known = ", ".join(ActionField)
        raise click.BadParameter(f"write --map COLUMN=FIELD; the fields are {known}")
    return name, ActionField(one) if one else None


def _parts(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while part := opened.read(PART):
            yield part


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
