"""`email.single`: emails a second, from accepted and waiting to every receipt recorded."""

from shared.catalogue import Channel
from tests.bench.floor import run_bare
from tests.bench.load import PATIENCE_S, Bench
from tests.bench.report import Figure, middle

FULL, QUICK = 1_200, 600  # emails a round
ROUNDS, ROUNDS_QUICK = 3, 1


def measure(bench: Bench) -> Figure:
    number, rounds = (QUICK, ROUNDS_QUICK) if bench.quick else (FULL, ROUNDS)
    return middle([_round(bench, number) for _ in range(rounds)])


def _round(bench: Bench, number: int) -> Figure:
    writ, threads = bench.writ, bench.threads
    processes = len(writ.dispatchers)
    writ.stop("relay")
    accepted = bench.submit(Channel.EMAIL, number, what="email.single")
    writ.start("relay")
    bench.wait(Channel.EMAIL, number, what="email.single")
    load = bench.look(accepted)
    ours = len(load) / (load.told - load.planned).total_seconds()
    handed_over = len(load) / (load.handed_over - load.planned).total_seconds()
    with bench.watching(Channel.EMAIL, len(load), what="its floor"):
        bare = run_bare(writ, "ses", load.deliveries, processes=processes, threads=threads)
        writ.wait_until_quiet(PATIENCE_S)
    floor = len(load) / (bench.told_at().timestamp() - bare.started)
    return Figure(
        name="email.single",
        value=round(ours, 1),
        unit="emails/s",
        floor=round(floor, 1),
        floor_what=(
            f"The value: {len(load)} emails, accepted and waiting, planned by the relay, woken"
            f" through RabbitMQ, claimed, rendered, filed and sent by {processes} dispatch"
            f" processes of {threads} threads each, until tracking has recorded the last of their"
            " receipts (PostgreSQL, durable). The floor: the same SendEmail calls, recorded"
            " beforehand, in bare boto3 loops in as many processes and threads, to the same"
            " sandbox, whose same receipts go to the same tracking, until the last is recorded."
            f" Without waiting for the receipts: {handed_over:.0f}/s handed over, beside"
            f" {bare.per_second:.0f} bare calls/s."
        ),
    )
