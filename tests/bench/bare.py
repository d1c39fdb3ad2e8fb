"""The floors, as a program: the least that any way of doing the same work must do.

`python -m tests.bench.bare ses|typst THREADS` reads delivery ids from one line of stdin and runs
Writ's own code once with a recorder in place of boto3's client or Typst's compiler.  It says when
it is ready, waits for the word, makes nothing but the recorded calls, and tells when and how long.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import typst
from sqlalchemy import select

from services.dispatch.due import Due, Hold, Prepared
from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import Email
from services.dispatch.providers.ses import Ses, connect_ses
from services.dispatch.rendering.letter import LetterPress
from services.dispatch.settings import Settings
from shared.catalogue_reader import CatalogueReader
from shared.clock import now
from shared.database import Database
from shared.privacy import Keyring, Sealed
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import actions

Call = Callable[[], object]


def main(what: str, threads: int) -> None:
    settings = Settings.from_env()
    common = settings.common
    database = Database(common.database_url, Keyring.parse(common.privacy_keys))
    due = list(read(database, json.loads(sys.stdin.readline())))
    calls = {"ses": ses_calls, "typst": typst_calls}[what](settings, database, due)
    _tell("ready")
    sys.stdin.readline()
    started = time.time()
    with ThreadPoolExecutor(threads) as pool:
        took = list(pool.map(_timed, calls))
    _tell({"started": started, "ended": time.time(), "took": took})


def read(database: Database, ids: Sequence[str]) -> Iterator[Due]:
    """The deliveries as if they were due once more, under new ids."""
    known = {*deliveries.c.keys(), *actions.c.keys()}
    names = [one.name for one in fields(Due) if one.name in known]
    columns = [deliveries.c[name] if name in deliveries.c else actions.c[name] for name in names]
    found = (
        select(*columns, actions.c.id.label("action_id"))
        .join_from(deliveries, carriages, carriages.c.delivery_id == deliveries.c.id)
        .join(actions, actions.c.id == carriages.c.action_id)
        .where(deliveries.c.id.in_([UUID(one) for one in ids]))
    )
    with database.read() as connection:
        for row in connection.execute(found):
            said: dict[str, Any] = {
                name: value.open(row.action_id) if isinstance(value, Sealed) else value
                for name, value in row._mapping.items()
                if name != "action_id"
            }
            yield replace(Due(**said), id=uuid4())


def ses_calls(settings: Settings, database: Database, due: Sequence[Due]) -> list[Call]:
    recorder = _Recorder()
    writer = Ses(recorder, settings.ses_configuration_set)  # type: ignore[arg-type]
    for prepared in _prepared(database, LetterPress(settings.common.data_dir / "press"), due):
        assert isinstance(prepared.handover, Email)
        writer.send(prepared.handover)
    client = connect_ses(
        region=settings.ses_region,
        endpoint_url=settings.ses_endpoint_url,
        connect_timeout_s=settings.connect_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        connections=settings.threads,
    )
    return [partial(client.send_email, **call) for call in recorder.calls]


def typst_calls(settings: Settings, database: Database, due: Sequence[Due]) -> list[Call]:
    press = _Press(settings.common.data_dir / "press")
    list(_prepared(database, press, due))
    return [partial(_compile, press, call) for call in press.recorder.calls]


class _Recorder:
    """Stands where boto3's client or Typst's compiler would, and remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def send_email(self, **call: Any) -> dict[str, str]:
        self.calls.append(call)
        return {"MessageId": "recorded"}

    def compile(self, **call: Any) -> bytes:
        self.calls.append(call)
        return b""  # no PDF: the letter is held, and never set before the clock runs


class _Press(LetterPress):
    """Records what it would set; `real` gives the compiler that it would set it with."""

    recorder = _Recorder()

    def real(self) -> typst.Compiler:
        return super()._compiler()

    def _compiler(self) -> typst.Compiler:
        return self.recorder  # type: ignore[return-value]


def _prepared(database: Database, press: LetterPress, due: Sequence[Due]) -> Iterator[Prepared]:
    preparer = Preparer(CatalogueReader(database).current, press)
    for one in due:
        with suppress(Hold):
            yield preparer.prepare(one, now())


def _compile(press: _Press, call: dict[str, Any]) -> None:
    press.real().compile(**call)


def _timed(call: Call) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def _tell(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
