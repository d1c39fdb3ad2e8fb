"""`email.single`, `email.bulk`: emails a second, from accepted to every receipt recorded.

In bulk: a campaign whose emails all come from itself, as one that shows no supporter's name and has
no answers sent to them; both beside the same bare loop of single calls.
"""

from shared.catalogue import Channel, Replies
from tests.bench.cpu import own_mb
from tests.bench.floor import run_bare
from tests.bench.load import PATIENCE_S, Bench
from tests.bench.report import Figure, middle

FULL, QUICK = 1_200, 600  # emails a round
ROUNDS, ROUNDS_QUICK = 3, 1


def measure_single(bench: Bench) -> Figure:
    return _middle(bench, "email.single")


def measure_bulk(bench: Bench) -> Figure:
    [campaign] = bench.writ.catalogue().campaigns.values()
    alike = campaign.sender.model_copy(update={"show_supporter": False})
    bench.writ.change(campaign.model_copy(update={"sender": alike, "replies": Replies.NONE}))
    try:
        return _middle(bench, "email.bulk")
    finally:
        bench.writ.change(campaign)


def _middle(bench: Bench, name: str) -> Figure:
    number, rounds = (QUICK, ROUNDS_QUICK) if bench.quick else (FULL, ROUNDS)
    return middle([_round(bench, name, number) for _ in range(rounds)])


def _round(bench: Bench, name: str, number: int) -> Figure:
    writ, threads = bench.writ, bench.threads
    processes = len(writ.dispatchers)
    writ.stop("relay")
    accepted = bench.submit(Channel.EMAIL, number, what=name)
    writ.start("relay")
    bench.wait(Channel.EMAIL, number, what=name)
    load = bench.look(accepted)
    ours = len(load) / (load.told - load.planned).total_seconds()
    handed_over = len(load) / (load.handed_over - load.planned).total_seconds()
    memory = max(own_mb(writ.services[worker].pid) for worker in writ.dispatchers)
    with bench.watching(Channel.EMAIL, len(load), what="its floor"):
        bare = run_bare(writ, "ses", load.deliveries, processes=processes, threads=threads)
        writ.wait_until_quiet(PATIENCE_S)
    floor = len(load) / (bench.told_at().timestamp() - bare.started)
    return Figure(
        name=name,
        value=round(ours, 1),
        unit="emails/s",
        floor=round(floor, 1),
        peak_mb=round(memory),
        floor_what=(
            f"The value: {len(load)} emails, accepted and waiting, planned by the relay, woken"
            f" through RabbitMQ, claimed, rendered, filed and sent by {processes} dispatch"
            f" processes of {threads} threads each, until tracking has recorded the last of their"
            " receipts, which come through a queue (PostgreSQL, durable). The floor: the same"
            " SendEmail calls, recorded beforehand, in bare boto3 loops in as many processes and"
            " threads, to the same sandbox, whose same receipts go to the same tracking, until the"
            " last is recorded."
            f" Without waiting for the receipts: {handed_over:.0f}/s handed over, beside"
            f" {bare.per_second:.0f} bare calls/s. A worker then holds {memory:.0f} MB (PSS)."
        ),
    )
