"""Previews wait for somebody else's service: they must never take the threads that take actions."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, Response

from services.intake.previews.previewing import DispatchPreviews, NotPrintable, PreviewsAway
from shared.previews import COVER_SHEETS, CoverSheetOrder
from shared.wsgi import listening
from tests.dispatch.rendering.sheets import a_sheet

ORDER: CoverSheetOrder = a_sheet()


class SlowService:
    """Answers once it is told to, with what it is told."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.asked = threading.Semaphore(0)
        self.answer = Response('{"pdf": "JVBERg=="}', mimetype="application/json")
        self.app = Flask("slow")
        self.app.add_url_rule(COVER_SHEETS, "sheet", self._sheet, methods=["POST"])

    def _sheet(self) -> Response:
        self.asked.release()
        self.may_answer.wait(30)
        return self.answer


@pytest.fixture
def service() -> Iterator[tuple[SlowService, DispatchPreviews]]:
    slow = SlowService()
    with listening(slow.app, "127.0.0.1", 0) as port:
        yield slow, DispatchPreviews(f"http://127.0.0.1:{port}", "k" * 32)


def test_a_slow_service_holds_two_threads_and_no_third(
    service: tuple[SlowService, DispatchPreviews],
) -> None:
    slow, previews = service
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(previews.cover_sheet, ORDER) for _ in range(2)]
        for _ in waiting:
            assert slow.asked.acquire(timeout=10)

        with pytest.raises(PreviewsAway):
            previews.cover_sheet(ORDER)
        slow.may_answer.set()

        assert [one.result() for one in waiting] == [b"%PDF", b"%PDF"]
    assert previews.cover_sheet(ORDER) == b"%PDF"


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (Response('{"code": "not_printable", "detail": "no font"}', status=422), NotPrintable),
        (Response('{"code": "invalid"}', status=422), PreviewsAway),
        (Response('{"code": "too_slow"}', status=503), PreviewsAway),
        (Response("<h1>Bad gateway</h1>", status=502), PreviewsAway),
        (Response('{"pdf": 5}', status=200), PreviewsAway),
        (Response(status=302, headers={"Location": "/elsewhere"}), PreviewsAway),
    ],
)
def test_whatever_else_it_answers_is_understood(
    answer: Response, raised: type[Exception], service: tuple[SlowService, DispatchPreviews]
) -> None:
    slow, previews = service
    slow.answer = answer
    slow.may_answer.set()

    with pytest.raises(raised):
        previews.cover_sheet(ORDER)
