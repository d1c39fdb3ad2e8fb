"""Multipart bodies with one file, read as they come: nothing of them is written to a disk."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio import multipart

from services.intake.edges.import_models import ImportQuery
from shared.http.bodies import Upload, faults_of, pointer
from shared.http.problems import TOO_LARGE, Fault, Problem, ProblemKind, invalid
from shared.text import storable

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORM_TYPE = "multipart/form-data"
MOST_IN_FIELDS = 64 * 1024  # bytes, of a form's fields besides the file
MOST_WAITING = 256 * 1024  # bytes that are no part's yet: a piece, a boundary, a part's headers
MALFORMED_FORM = ProblemKind(400, "malformed_form", "The form is not well-formed, or has no file")


def form_schema() -> dict[str, Any]:
    """Of a multipart body, for /openapi.json."""
    schema = ImportQuery.model_json_schema()
    file = {"type": "string", "format": "binary", "description": "The file, CSV or XLSX"}
    return {
        "type": "object",
        "properties": {"file": file, **schema["properties"]},
        "required": ["file"],
    }


class Form:
    """A multipart body with one file, read as it comes.  Problem 400 where it has no boundary."""

    def __init__(self, body: Upload, boundary: str) -> None:
        if not boundary:
            raise Problem(MALFORMED_FORM, "The content type lacks the form's boundary")
        self._body = body
        self._decoder = multipart.MultipartDecoder(
            boundary.encode(), max_form_memory_size=MOST_WAITING, max_parts=40
        )
        self._fields: dict[str, bytearray] = {}
        self._file_name: str | None = None
        self._into: bytearray | None = None  # the field that is being read; None: the file

    def content(self) -> Iterator[bytes]:
        """The file's bytes.  Problems: 400, 413, 422."""
        try:
            for piece in self._body.pieces():
                self._decoder.receive_data(piece)
                yield from self._read()
            self._decoder.receive_data(None)
            yield from self._read()
        except RequestEntityTooLarge:
            raise Problem(TOO_LARGE, "The form has too many parts, or one without end") from None
        except ValueError:
            raise Problem(MALFORMED_FORM) from None
        if self._file_name is None:
            raise Problem(MALFORMED_FORM, "Send the file as the form's field `file`")

    def query(self) -> ImportQuery:
        """The fields; once the content was read."""
        given = {
            name: bytes(text).decode("utf-8", "replace") for name, text in self._fields.items()
        }
        if self._file_name:
            given.setdefault("file_name", self._file_name)
        try:
            return ImportQuery.model_validate_strings(given)
        except ValidationError as error:
            raise invalid(faults_of(error)) from None

    def _read(self) -> Iterator[bytes]:
        while not isinstance(event := self._decoder.next_event(), multipart.NeedData):
            if isinstance(event, multipart.Field):
                self._into = self._new_field(event.name)
            elif isinstance(event, multipart.File):
                self._begin_file(event)
            elif isinstance(event, multipart.Data):
                if self._into is None:
                    yield event.data
                else:
                    self._add(self._into, event.data)
            elif isinstance(event, multipart.Epilogue):
                return

    def _add(self, field: bytearray, data: bytes) -> None:
        field += data
        if sum(map(len, self._fields.values())) > MOST_IN_FIELDS:
            raise Problem(TOO_LARGE, "The form's fields are too large")

    def _new_field(self, name: str | None) -> bytearray:
        if name is None:
            raise ValueError("a field without a name")
        if name in self._fields:
            raise invalid([Fault(pointer((name,)), "repeated", "The field was given twice")])
        return self._fields.setdefault(name, bytearray())

    def _begin_file(self, event: multipart.File) -> None:
        if self._file_name is not None or event.name != "file":
            said = "One file is taken at a time, as the form's field `file`"
            raise invalid([Fault("/file", "repeated", said)])
        self._into = None
        self._file_name = storable(event.filename.replace("\\", "/").rpartition("/")[2])[:120]
