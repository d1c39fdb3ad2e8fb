"""Parts of long documents: set by programs that can be ended, joined into one."""

import io
import subprocess
import sys

import pikepdf
import pytest

from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.layouts import DIN_5008_B
from services.dispatch.rendering.listing import Columns, Frame, Sheets
from services.dispatch.rendering.parts import Limits, join, set_part, set_parts
from tests.dispatch.rendering.digests import pages_of

TEMPLATE = "petition.typ"


def a_part(name: str, before: int = 0) -> dict[str, object]:
    frame = Frame(title="A list", language="en", reference="R-1", layout=DIN_5008_B)
    columns = Columns(heads=("Name",), shares=(1,), figures=(), bands=1)
    sheets = Sheets(frame, columns, heading="List")
    return sheets.data(list(sheets.pages([(name,)])), before=before, of=3)


def test_parts_come_in_their_order_and_become_one_file() -> None:
    pdf = join(set_parts(TEMPLATE, [a_part(name, at) for at, name in enumerate("ABC")]))

    assert pages_of(pdf) == [f"ListName{name}R-1{at}/3" for at, name in enumerate("ABC", 1)]
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.open_metadata().pdfa_status == "2U"


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(seconds=0.01), id="time"),
        pytest.param(Limits(megabytes=64), id="memory"),
        pytest.param(Limits(cpu_seconds=0), id="processor time"),
    ],
)
def test_a_part_that_takes_too_much_is_ended_and_quotes_nobody(limits: Limits) -> None:
    with pytest.raises(PageFault) as fault:
        set_part(TEMPLATE, a_part("private"), limits)

    assert fault.value.check is Check.SET
    assert fault.value.__cause__ is None
    assert "private" not in str(fault.value)


def test_one_part_that_cannot_be_set_ends_them_all() -> None:
    with pytest.raises(PageFault):
        list(set_parts(TEMPLATE, [a_part("A"), {"heading": "no list"}, a_part("C")]))


def test_the_program_is_told_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRIT_PRIVACY_KEYS", "secret")
    seen: dict[str, object] = {}

    def run(program: list[str], **how: object) -> subprocess.CompletedProcess[bytes]:
        seen.update(program=program, env=how["env"])
        return subprocess.CompletedProcess(program, 0, b"%PDF", b"")

    monkeypatch.setattr("subprocess.run", run)
    set_part(TEMPLATE, a_part("private"))

    assert seen["env"] == {"RAYON_NUM_THREADS": "1"}
    assert seen["program"] == [
        *(sys.executable, "-m", "services.dispatch.rendering.parts_program"),
        *(TEMPLATE, "90", "2048"),
    ]
