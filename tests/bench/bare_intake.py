"""The floors of intake: rows only inserted, and a route that only validates and inserts one."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from typing import Any
from uuid import uuid4

import psycopg
from flask import Flask, Response, request
from psycopg.types.json import Jsonb
from sqlalchemy import insert

from services.intake.accept import accept
from services.intake.models import NewAction
from services.intake.settings import Settings
from services.intake.take import rows
from shared.api_keys import Client, Mode, Scope
from shared.catalogue_reader import CatalogueReader
from shared.clock import new_id, now
from shared.database import Database
from shared.privacy import Keyring
from shared.tables.intake import actions
from tests.production import HOST, ROOT, Production, Service
from tests.servers import free_port

_OWN = ("id", "duplicate_key", "duplicate_of", "standing")  # else each row was there before
_LEFT_OUT = {"seq", "xact", "import_id", "import_row", *_OWN}
_COLUMNS = [column.name for column in actions.c if column.name not in _LEFT_OUT]
BARE_APP = "tests.bench.bare_intake:bare_app()"


def insert_bare(writ: Production, number: int, *, processes: int, at_once: int) -> float:
    """Seconds for `number` rows, copies of the newest, in multi-row INSERTs, a transaction each."""
    url = writ.environment["WRIT_DATABASE_URL"].replace("+psycopg", "")
    begin = time.time() + 5  # when all have read their rows
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(_insert, url, (number // processes, at), at_once, begin)
            for at in range(processes)
        ]
        return max(job.result() for job in jobs) - begin


def _insert(url: str, share: tuple[int, int], at_once: int, begin: float) -> float:
    """When the last row was committed, in Unix seconds."""
    number, at = share
    with psycopg.connect(url) as connection:
        copies = [_copy(row) for row in _newest(connection, number, at)]
        time.sleep(max(begin - time.time(), 0))
        for first in range(0, number, at_once):
            some = copies[first : first + at_once]
            row = f"({', '.join(['%s'] * len(some[0]))})"
            names = ", ".join(f'"{name}"' for name in (*_OWN, *_COLUMNS))
            connection.execute(
                f"INSERT INTO actions ({names}) VALUES {', '.join([row] * len(some))}",
                [value for one in some for value in one],
            )
            connection.commit()
    return time.time()


def _newest(connection: Any, number: int, at: int) -> Iterator[tuple[Any, ...]]:
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    found = connection.execute(
        f"SELECT {names} FROM actions ORDER BY seq DESC LIMIT %s OFFSET %s", (number, number * at)
    )
    return iter(found.fetchall())


def _copy(row: tuple[Any, ...]) -> tuple[Any, ...]:
    values = (Jsonb(one) if isinstance(one, dict | list) else one for one in row)
    return (uuid4(), uuid4().bytes + uuid4().bytes, None, "clear", *values)


@contextmanager
def serving_bare(writ: Production) -> Iterator[str]:
    """The URL of the bare route, behind as many gunicorn workers and threads as intake has."""
    port = free_port()
    gunicorn = [str(ROOT / ".venv" / "bin" / "gunicorn"), "--bind", f"{HOST}:{port}", "--chdir"]
    shape = [str(ROOT), "--workers", "2", "--threads", "8", "--log-level", "error", BARE_APP]
    service = Service([*gunicorn, *shape], writ.environment, f"http://{HOST}:{port}/up")
    with service:
        yield f"http://{HOST}:{port}/bare"


def bare_app() -> Flask:
    settings = Settings.from_env()
    database = Database(settings.common.database_url, Keyring.parse(settings.common.privacy_keys))
    catalogue, app = CatalogueReader(database), Flask("bare")
    client = Client(id=new_id(), mode=Mode.LIVE, scopes=frozenset({Scope.SUBMIT}))

    @app.get("/up")
    def up() -> str:
        return "up"

    @app.post("/bare")
    def bare() -> Response:
        asked = NewAction.model_validate_json(request.get_data(), strict=True)
        action = accept(
            asked,
            client,
            catalogue=catalogue.current(),
            identity_key=settings.identity_key,
            at=now(),
        )
        action = replace(action, duplicate_key=os.urandom(32))  # the same were sent before
        with database.begin() as connection:
            connection.execute(insert(actions), rows([action]))
        return Response(f'{{"id": "{action.id}"}}', status=202, mimetype="application/json")

    return app
