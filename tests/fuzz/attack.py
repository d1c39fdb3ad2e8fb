"""Tries the API of a running Writ with what its document allows and what it forbids.

In: a Writ, a seed, how long and how thoroughly.  Out: how many requests there were, and every
answer that broke a promise: an error of ours, a status or a body that is not in the document, a
wrong request that was taken.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.api_keys import Scope
from tests.embedded import Embedded

_CONFIG = Path(__file__).with_name("schemathesis.toml")
ALL_PHASES = ("examples", "coverage", "fuzzing", "stateful")


@dataclass(frozen=True, slots=True)
class Outcome:
    cases: int
    broken: bool
    said: str  # schemathesis's own words: what was asked, what was answered, how to ask it again
    fell: tuple[str, ...]  # lines of Writ's log about errors that nobody foresaw


def attack(
    writ: Embedded,
    data: Path,
    *,
    seed: int,
    seconds: int,
    examples: int,
    phases: Sequence[str] = ALL_PHASES,
) -> Outcome:
    """`examples` for each operation and phase; over after `seconds` at the latest."""
    scopes = [word for scope in Scope for word in ("--scope", scope)]
    report = data / "schemathesis.json"
    ended = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(_CONFIG), "run", f"{writ.url}/openapi.json"),
            *("--seed", str(seed), "--max-time", str(seconds), "--max-examples", str(examples)),
            *("--phases", ",".join(phases), "--report-json-path", str(report), "--no-color"),
        ],
        cwd=data,
        env={**os.environ, "WRIT_FUZZ_KEY": writ.key(*scopes)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds + 60,
        check=False,
    )
    cases = json.loads(report.read_text())["test_cases"]["generated"] if report.exists() else 0
    return Outcome(cases, ended.returncode != 0, ended.stdout, _fell(data / "writ.log"))


def _fell(log: Path) -> tuple[str, ...]:
    lines = log.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if "[error" in line)
