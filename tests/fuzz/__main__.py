"""`make fuzz`: at least 2,000 requests in at most four minutes; the seed repeats them."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.embedded import writ_up
from tests.fuzz.attack import attack

LEAST = 2_000  # requests
SECONDS = 180


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--seconds", type=int, default=SECONDS)
    given = asked.parse_args()
    console = Console()
    console.print(f"seed {given.seed}, at most {given.seconds} s")
    with tempfile.TemporaryDirectory() as folder, writ_up(Path(folder)) as writ:
        found = attack(writ, Path(folder), seed=given.seed, seconds=given.seconds, examples=40)
    for line in (found.said.splitlines() if found.broken else []) + list(found.fell):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    enough = found.cases >= LEAST
    console.print(f"{found.cases:,} requests" + ("" if enough else f", fewer than {LEAST:,}"))
    console.print("no promise was broken" if not (found.broken or found.fell) else "see above")
    return 0 if enough and not found.broken and not found.fell else 1


if __name__ == "__main__":
    sys.exit(main())
