"""Every example of docs/api.md does what the guide says, in its order, against one Writ."""

import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.embedded import writ_up
from tests.guide import Reader, examples

GUIDE = Path(__file__).parents[1] / "docs" / "api.md"


@pytest.mark.slow
def test_the_guide_is_true(tmp_path: Path) -> None:
    data, desk = tmp_path / "data", tmp_path / "desk"
    data.mkdir()
    desk.mkdir()
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    told = list(examples(GUIDE))

    with (
        writ_up(data) as writ,
        closing(Reader(desk, {**writ.env, "PATH": tools, "WRIT_URL": writ.url})) as reader,
    ):
        reader.real["http://127.0.0.1:8000"] = writ.url
        for example in told:
            try:
                reader.try_out(example)
            except AssertionError as error:
                raise AssertionError(f"docs/api.md, line {example.line}: {error}") from error

    assert len(told) > 25


ONE = "01a2029d-8c0a-7d3e-9f6b-3c1de1a0b111"
OTHER = "01a2029d-8c0a-7d3e-9f6b-3c1de1a0b112"


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ('{"a": 1}', '{"a": 2}'),
        ('{"a": 1, "b": 2}', '{"a": 1}'),
        ('{"a": 1}', '{"a": 1, "b": 2, …}'),
        ('{"a": [{"b": 1}]}', '{"a": [{"b": 2}, …]}'),
        (f'{{"a": "{ONE}", "b": "{OTHER}"}}', f'{{"a": "{ONE}", "b": "{ONE}"}}'),
        (f'{{"a": "{ONE}"}}', '{"a": "2026-11-22T09:30:01Z"}'),
    ],
)
def test_a_guide_that_is_not_true_is_caught(tmp_path: Path, printed: str, shown: str) -> None:
    guide = tmp_path / "guide.md"
    guide.write_text(f"```sh\necho '{printed}'\n```\n\n```json\n{shown}\n```\n")
    [example] = examples(guide)
    reader = Reader(tmp_path, {"WRIT_URL": "none", "PATH": os.environ["PATH"]})

    with pytest.raises(AssertionError):
        reader.try_out(example)


def test_what_a_guide_leaves_out_may_be_anything(tmp_path: Path) -> None:
    guide = tmp_path / "guide.md"
    printed = f'{{"a": [{{"x": 1}}, {{"b": "{OTHER}", "c": 3}}], "d": 4}}'
    guide.write_text(
        f"```sh\necho '{printed}'\n```\n\n```json\n"
        f'{{\n  "a": [\n    {{"b": "{ONE}", …}},\n    …\n  ],\n  …\n}}\n```\n'
    )
    [example] = examples(guide)
    reader = Reader(tmp_path, {"WRIT_URL": "none", "PATH": os.environ["PATH"]})

    reader.try_out(example)

    assert reader.real == {ONE: OTHER}
