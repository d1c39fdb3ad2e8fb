"""POST /v1/imports: a file comes in whole and sealed, or not at all."""

import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text

from services.intake.app import create_app
from services.intake.clients.manage import create_client
from services.intake.imports.life import MOST_OPEN
from shared.api_keys import Mode, Scope
from shared.tables.writing_events import import_parts, imports
from tests.intake.builders import settings
from tests.intake.imports.files import HEADER, a_row, csv_file, rows, xlsx_file
from tests.intake.imports.world import SAME, World

MIB = 1024 * 1024
SIZE = 2_000_000_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORM = "multipart/form-data"


@pytest.fixture
def world(engine_url: str) -> Iterator[World]:
    world = World.start(engine_url)
    yield world
    world.intake.database.close()


@pytest.fixture
def small(tmp_path: Any) -> Iterator[World]:
    world = World.start(f"sqlite:///{tmp_path / 'writ.db'}")
    yield world
    world.intake.database.close()


def kept(world: World) -> tuple[int, int]:
    """How many imports and parts of files there are."""
    with world.intake.database.read() as connection:
        return (
            connection.scalar(select(func.count()).select_from(imports)) or 0,
            connection.scalar(select(func.count()).select_from(import_parts)) or 0,
        )


def problem(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.get_json()["code"]


def test_a_file_is_taken_in_to_be_checked(world: World) -> None:
    answer = world.send(csv_file(rows(3)), file_name="event.csv")

    body = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == body["links"]["self"] == f"/v1/imports/{body['id']}"
    assert (body["state"], body["form"], body["file_name"]) == ("checking", "csv", "event.csv")
    assert body["defaults"] == SAME
    assert world.stored() == 0


def test_a_workbook_is_known_by_its_content(world: World) -> None:
    checked = world.get(world.send(xlsx_file(rows(3)), XLSX).headers["Location"])

    assert checked["form"] == "xlsx"


def test_a_form_carries_the_file_and_what_goes_with_it(world: World) -> None:
    body = {
        "mapping": '{"Wer": "name"}',
        "language": "ru",
        "file": (io.BytesIO(csv_file([["Ana"]], ["Wer"])), "lists/liste.csv"),
    }

    answer = world.send(body, FORM)
    world.work()

    view = world.get(answer.headers["Location"])
    assert view["file_name"] == "liste.csv"
    assert view["columns"] == {"Wer": "name"}
    assert view["defaults"] == {**SAME, "language": "ru"}
    assert (view["state"], view["bad"]) == ("ready", 0)


def test_a_large_file_is_sealed_in_parts(world: World) -> None:
    table = [a_row(number, Words="and ".join(["words"] * 250)) for number in range(1_000)]
    content = csv_file(table)

    world.sent(content)

    with world.intake.database.read() as connection:
        parts = connection.execute(select(import_parts.c.content)).scalars().all()
        name = connection.execute(text("SELECT file_name FROM imports")).scalar()
    assert 2 <= len(parts) <= len(content) // MIB + 1
    assert not any(b"Supporter" in part for part in parts)
    assert name is None


def test_what_a_file_is_called_is_sealed(small: World) -> None:
    small.sent(csv_file(rows(1)), file_name="Ana Beispiel.csv")

    with small.intake.database.read() as connection:
        [name] = connection.execute(text("SELECT file_name FROM imports")).one()
    assert b"Ana" not in name


def test_the_same_file_twice_is_noticed(world: World) -> None:
    content = csv_file(rows(2))
    first = world.sent(content)

    again = world.send(content)
    wanted = world.send(content, again="true")

    assert problem(again) == (409, "file_already_there")
    assert again.headers["Location"] == first
    assert first.rpartition("/")[2] in again.get_json()["detail"]
    assert wanted.status_code == 202
    assert kept(world) == (2, 2)


def test_another_clients_file_is_nobodys_business(small: World) -> None:
    small.sent(csv_file(rows(2)))
    other = create_client(small.intake.database, "b", mode=Mode.LIVE, scopes=[Scope.SUBMIT])

    small.intake.known = other
    answer = small.send(csv_file(rows(2)))

    assert answer.status_code == 202


def test_what_came_to_nothing_may_come_again(small: World) -> None:
    failed, cancelled = b"Shoe size\n43\n", csv_file(rows(2))
    small.checked(failed)
    small.intake.http.delete(small.sent(cancelled), headers=small.intake.auth())

    answers = [small.send(failed), small.send(cancelled)]

    assert [one.status_code for one in answers] == [202, 202]


def test_a_body_of_2_gb_is_refused_before_it_is_read(small: World) -> None:
    file = Endless()

    answer = small.intake.http.post(
        "/v1/imports", input_stream=file, content_type="text/csv", headers=small.intake.auth()
    )

    assert problem(answer) == (413, "body_too_large")
    assert file.read_bytes == 0
    assert kept(small) == (0, 0)


@pytest.mark.parametrize("kind", ["text/csv", f"{FORM}; boundary=b"])
def test_a_body_that_does_not_say_its_size_is_refused_at_the_limit(small: World, kind: str) -> None:
    start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    endless = Endless(start if kind.startswith(FORM) else b"")
    tracemalloc.start()

    answer = small.intake.http.post(
        "/v1/imports",
        input_stream=endless,
        content_type=kind,
        headers=small.intake.auth(),
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert problem(answer) == (413, "body_too_large")
    assert endless.read_bytes < 66 * MIB
    assert peak < 16 * MIB
    assert kept(small) == (0, 0)


def test_the_limit_is_a_setting(small: World) -> None:
    app = create_app(
        replace(settings("unused"), import_max_bytes=1_000),
        small.intake.database,
        small.intake.clock,
    )
    small.intake.http = app.test_client()

    assert small.send(csv_file(rows(2))).status_code == 202
    assert problem(small.send(csv_file(rows(100)))) == (413, "body_too_large")


def test_of_a_file_that_breaks_off_nothing_stays(small: World) -> None:
    content = csv_file(rows(10))

    answer = small.intake.http.post(
        "/v1/imports",
        input_stream=io.BytesIO(content),
        content_type="text/csv",
        headers=small.intake.auth(),
        environ_overrides={"CONTENT_LENGTH": str(len(content) + 1_000)},
    )

    assert problem(answer) == (400, "malformed_json")
    assert kept(small) == (0, 0)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"case": "mikita"}, (400, "malformed_form")),
        ({"other": (io.BytesIO(b"a"), "a.csv")}, (422, "invalid")),
        ({"file": (io.BytesIO(b"a"), "a.csv"), "colour": "red"}, (422, "invalid")),
        ({"file": (io.BytesIO(b"a"), "a.csv"), "case": "x" * 70_000}, (413, "body_too_large")),
        (
            {"file": [(io.BytesIO(b"a"), "a.csv"), (io.BytesIO(b"b"), "b.csv")]},
            (422, "invalid"),
        ),
    ],
)
def test_a_form_that_is_not_right_is_told(
    small: World, form: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert problem(small.send(form, FORM)) == expected
    assert kept(small) == (0, 0)


@pytest.mark.parametrize("body", [b"", b"--c\r\n", b"--b\r\nnonsense", b"--b--"])
def test_a_broken_form_is_told(small: World, body: bytes) -> None:
    assert problem(small.send(body, f"{FORM}; boundary=b")) == (400, "malformed_form")
    assert kept(small) == (0, 0)


def test_other_media_are_not_taken(small: World) -> None:
    assert problem(small.send(b"{}", "application/json")) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"mapping": "{"}, ("?mapping", "invalid")),
        ({"mapping": '{"Name": "shoe_size"}'}, ("?mapping", "unknown_word")),
        ({"mapping": '{"": "name"}'}, ("?mapping", "wrong_form")),
        ({"encoding": "ebcdic"}, ("?encoding", "invalid")),
        ({"colour": "red"}, ("?colour", "unknown_field")),
        ({"words": "the same for all"}, ("?words", "unknown_field")),
        ({"case": "a\x00b"}, ("?case", "wrong_form")),
    ],
)
def test_what_goes_with_a_file_is_checked_at_once(
    small: World, query: dict[str, str], fault: tuple[str, str]
) -> None:
    answer = small.send(csv_file(rows(1)), **query)

    assert problem(answer) == (422, "invalid")
    told = [(one["pointer"], one["code"]) for one in answer.get_json()["errors"]]
    assert [one for one in told if one == fault]
    assert kept(small) == (0, 0)


def test_the_scope_is_needed(small: World) -> None:
    reader = create_client(small.intake.database, "b", mode=Mode.LIVE, scopes=[Scope.READ])

    small.intake.known = reader

    assert problem(small.send(csv_file(rows(1)))) == (403, "scope_missing")


def test_files_that_nobody_looks_at_do_not_pile_up(small: World) -> None:
    for number in range(MOST_OPEN):
        small.sent(csv_file([a_row(number)]))

    answer = small.send(csv_file([a_row(99)]))

    assert problem(answer) == (409, "too_many_imports")
    assert kept(small) == (MOST_OPEN, MOST_OPEN)


def test_a_map_is_saved_used_and_forgotten(world: World) -> None:
    saved = {"columns": {"Wer": "name", "Email": None}, "defaults": {"language": "ru"}}
    header = ("Wer", *HEADER[1:])
    put = world.intake.http.put("/v1/import-maps/tuesday", json=saved, headers=world.intake.auth())

    checked = world.checked(csv_file(rows(1), header), map="tuesday")
    listed = world.get("/v1/import-maps")["data"]
    gone = world.intake.http.delete("/v1/import-maps/tuesday", headers=world.intake.auth())

    assert put.status_code == 200
    assert checked["columns"]["Wer"] == "name"
    assert checked["columns"]["Email"] is None
    assert checked["defaults"]["language"] == "ru"
    assert [(one["name"], one["columns"]) for one in listed] == [("tuesday", saved["columns"])]
    assert gone.status_code == 204
    assert problem(world.send(csv_file(rows(2)), map="tuesday")) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [{"defaults": {"name": "Ana"}}, {"columns": {"a": "shoe_size"}}, {"columns": {"\x00": "name"}}],
)
def test_a_map_that_is_none_is_told(small: World, body: dict[str, Any]) -> None:
    answer = small.intake.http.put(
        "/v1/import-maps/tuesday", json=body, headers=small.intake.auth()
    )

    assert problem(answer) == (422, "invalid")


class Endless(io.RawIOBase):
    """2 GB, made while they are read."""

    def __init__(self, start: bytes = b"") -> None:
        self._start = start
        self.read_bytes = 0

    def tell(self) -> int:
        return SIZE if self.at_end else 0

    at_end = False

    def seek(self, _offset: int, whence: int = 0) -> int:
        self.at_end = whence == io.SEEK_END
        return self.tell()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.read_bytes > SIZE:
            return 0
        start, self._start = self._start, b""
        piece = (start or b"Ana,1234567\n" * (len(buffer) // 12 + 1))[: len(buffer)]
        buffer[: len(piece)] = piece
        self.read_bytes += len(piece)
        return len(piece)
