"""`growth.cost`: what a million stored actions add to the cost of one more."""

from sqlalchemy import text

from shared.catalogue import Channel
from tests.bench import history
from tests.bench.cpu import cpu_s
from tests.bench.load import Bench
from tests.bench.report import Figure

FEW, MANY, MANY_QUICK = 10_000, 1_000_000, 100_000
WARM_UP, ROUND, ROUNDS = 150, 300, 4
NOT_OURS = {"sandbox"}


def measure(bench: Bench) -> Figure:
    database = bench.writ.database
    _no_checkpoint_meanwhile(bench)
    _deliver(bench, history.EMAILS)
    _deliver(bench, history.LETTERS, Channel.LETTER)
    history.take_patterns(database)
    few, cost_few = _grown(bench, FEW)
    many, cost_many = _grown(bench, MANY_QUICK if bench.quick else MANY)
    smaller = f" (quick: at {many:,}, not 1,000,000)" if bench.quick else ""
    return Figure(
        name="growth.cost",
        value=round(cost_many / cost_few, 3),
        unit="times",
        floor=1.0,
        floor_what=(
            "The value: CPU seconds (user and system, of intake, relay, dispatch, tracking and"
            f" PostgreSQL) an action at {many:,} stored actions over that at {few:,}{smaller}:"
            f" {cost_many * 1000:.2f} ms over {cost_few * 1000:.2f} ms, each the cheapest"
            f" of {ROUNDS} rounds of {ROUND} new actions by email, until their last receipt is"
            " recorded. Stored are delivered actions and all that rests on them in every table,"
            " copied from real ones (the receipts' bodies cut to 300 bytes). The floor: no growth."
        ),
    )


def _grown(bench: Bench, stored: int) -> tuple[int, float]:
    """How many are stored, and the CPU seconds of one action more."""
    writ = bench.writ
    writ.stop("relay")
    bar = bench.bars.add_task(f"growth.cost: a history of {stored:,}", total=100)
    number = history.grow(
        writ.database, stored, on_rows=lambda done: bench.bars.update(bar, completed=done)
    )
    writ.start("relay")
    _deliver(bench, WARM_UP)
    costs = []
    for _ in range(ROUNDS):
        before = _spent(bench)
        _deliver(bench, ROUND)
        costs.append((_spent(bench) - before) / ROUND)
    return number, min(costs)  # whatever else the machine does can only add to it


def _deliver(bench: Bench, number: int, channel: Channel = Channel.EMAIL) -> None:
    bench.submit(channel, number, what="growth.cost")
    bench.wait(channel, number, what="growth.cost")


def _spent(bench: Bench) -> float:
    services = bench.writ.services
    ours = [service.pid for name, service in services.items() if name not in NOT_OURS]
    return cpu_s([*ours, bench.writ.postgres.pid])


def _no_checkpoint_meanwhile(bench: Bench) -> None:
    """A checkpoint that falls into one measure and not into the other would be noise."""
    with bench.writ.database.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        for setting in ("max_wal_size = '4GB'", "checkpoint_timeout = '30min'"):
            alone.execute(text(f"ALTER SYSTEM SET {setting}"))
        alone.execute(text("SELECT pg_reload_conf()"))
