"""`paper.letters`: letters a second, from accepted and waiting to ordered at the print vendor."""

from shared.catalogue import Channel
from tests.bench.floor import run_bare
from tests.bench.load import Bench
from tests.bench.report import Figure, middle

FULL, QUICK = 900, 300  # letters a round
ROUNDS, ROUNDS_QUICK = 3, 1
SLOWEST = 50  # letters a second: whoever is slower pays for the receipts, too


def measure(bench: Bench) -> Figure:
    number, rounds = (QUICK, ROUNDS_QUICK) if bench.quick else (FULL, ROUNDS)
    return middle([_round(bench, number) for _ in range(rounds)])


def _round(bench: Bench, number: int) -> Figure:
    writ, threads = bench.writ, bench.threads
    processes = len(writ.dispatchers)
    writ.stop("relay")
    accepted = bench.submit(Channel.LETTER, number, what="paper.letters")
    # Hours pass in life before a letter is printed: its receipts come when all are ordered.
    writ.put_faults({"receipts": {"delay_s": number / SLOWEST}})
    writ.start("relay")
    bench.wait(Channel.LETTER, number, what="paper.letters")
    writ.put_faults({})
    load = bench.look(accepted)
    ours = len(load) / (load.handed_over - load.planned).total_seconds()
    task = bench.bars.add_task("its floor", total=None)
    bare = run_bare(writ, "typst", load.deliveries, processes=processes, threads=threads)
    bench.bars.update(task, total=1, completed=1)
    return Figure(
        name="paper.letters",
        value=round(ours, 1),
        unit="letters/s",
        floor=round(bare.per_second, 1),
        floor_what=(
            f"The value: {len(load)} letters, accepted and waiting, planned, woken, claimed, set,"
            f" inspected, filed and ordered at the sandbox vendor by {processes} dispatch processes"
            f" of {threads} threads each, until the last order is recorded; the vendor's receipts"
            " come later, as they do in life. The floor: the same letters set by the press's own"
            " Typst compilers in as many processes and threads: no checks, no database, no vendor."
        ),
    )
