from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from services.tracking.console.documents import Documents
from shared.database import Database
from tests.tracking.builders import a_delivery, an_attempt
from tests.tracking.console.world import a_console, a_letter, an_email


def a_path(database: Database, document: str) -> str:
    """The address of the first attempt of a delivery that left this document."""
    with database.begin() as connection:
        delivery = a_delivery(connection)
        an_attempt(connection, delivery, document=document)
    return f"/console/deliveries/{delivery}/attempts/1"


@pytest.fixture
def console(tmp_path: Path, small_database: Database) -> FlaskClient:
    return a_console(tmp_path, small_database)


def test_an_emails_html_can_do_nothing(
    console: FlaskClient, small_database: Database, tmp_path: Path
) -> None:
    path = a_path(small_database, an_email(tmp_path))

    answer = console.get(f"{path}/email.html")

    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "<p>Dear <b>Minister</b></p>" in answer.text
    assert {"default-src 'none'", "sandbox", "form-action 'none'"} <= set(policy)
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_letters_page_is_a_picture(
    console: FlaskClient, small_database: Database, tmp_path: Path
) -> None:
    path = a_path(small_database, a_letter(tmp_path))

    answer = console.get(f"{path}/page-2.png")

    assert answer.data.startswith(b"\x89PNG")
    assert [console.get(f"{path}/page-{page}.png").status_code for page in (0, 3)] == [404, 404]


@pytest.mark.parametrize("ending", ["eml", "pdf"])
def test_a_document_can_be_kept(
    console: FlaskClient, small_database: Database, tmp_path: Path, ending: str
) -> None:
    document = {"eml": an_email, "pdf": a_letter}[ending](tmp_path)
    path = a_path(small_database, document)

    answer = console.get(f"{path}/document")

    assert answer.data == (tmp_path / "documents" / document).read_bytes()
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["Content-Disposition"].endswith(f'-1.{ending}"')


@pytest.mark.parametrize(
    "document",
    ["../secret.eml", "/etc/passwd.eml", "a/../../secret.eml", "link/secret.eml", "x.eml"],
)
def test_nothing_outside_the_folder_is_opened(
    console: FlaskClient, small_database: Database, tmp_path: Path, document: str
) -> None:
    an_email(tmp_path)
    (tmp_path / "secret.eml").write_text("a secret")
    (tmp_path / "documents" / "link").symlink_to(tmp_path)
    path = a_path(small_database, document)

    answers = [console.get(f"{path}/{name}") for name in ("document", "email.html")]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_a_folder_and_an_empty_path_are_no_documents(tmp_path: Path) -> None:
    (tmp_path / "documents" / "a.eml").mkdir(parents=True)
    documents = Documents(tmp_path)

    assert [documents.open(path) for path in ("a.eml", "", None)] == [None, None, None]
    assert (documents.email("a.eml"), documents.page_count("b.pdf")) == (None, 0)


def test_an_attempt_that_never_was_has_no_document(console: FlaskClient) -> None:
    answer = console.get(f"/console/deliveries/{UUID(int=7)}/attempts/1/document")

    assert answer.status_code == 404
