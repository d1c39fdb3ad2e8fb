"""`writ inbound PATH`: takes answers, acknowledgements and bounces from a Maildir or an mbox."""

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from services.cli.database import open_database, settings
from services.cli.progress import progress
from services.tracking.inbound.keep import Mailroom
from services.tracking.inbound.maildir import Mailbox, NoMailbox, open_mailbox
from services.tracking.inbound.sort import Sorted, sort, watch
from services.tracking.receipts import smtp
from shared.clock import now
from shared.logs import set_up_logs
from shared.settings import LogSettings
from shared.worker import stop_signal

_SAYS = {
    "answer": ("answer", "answers"),
    "acknowledgement": ("acknowledgement", "acknowledgements"),
    "auto_reply": ("automatic reply", "automatic replies"),
    "bounce": ("bounce", "bounces"),
}


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--watch", "stay", is_flag=True, help="Stay, and take what comes in.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
def inbound(path: Path, stay: bool, as_json: bool) -> None:
    """Take mail that came back from PATH: a Maildir, or an mbox file.

    Each message is kept once and matched to the delivery it answers. In a Maildir it then moves
    from new/ to cur/; an mbox is only read. What cannot be kept stays, the log names it, and the
    exit code is 1.
    """
    try:
        mailbox = open_mailbox(path)
    except NoMailbox as error:
        raise click.UsageError(str(error)) from error
    mailroom = Mailroom(database=open_database(), read_report=smtp.read, clock=now)
    if stay:
        set_up_logs(LogSettings.from_env(settings()), service="inbound")
        watch(mailbox, mailroom, stop_signal())
        return
    done = _sorted(mailbox, mailroom, as_json=as_json)
    _say(done, as_json=as_json)
    if done.left:
        sys.exit(1)


def _sorted(mailbox: Mailbox, mailroom: Mailroom, *, as_json: bool) -> Sorted:
    with progress("mail", mailbox.waiting(), as_json=as_json) as told:
        return sort(mailbox, mailroom, told=lambda kept: told(len(kept)))


def _say(done: Sorted, *, as_json: bool) -> None:
    if as_json:
        told = {"read": done.read, "repeated": done.repeated, "unmatched": done.unmatched}
        click.echo(json.dumps(told | {"left": done.left, "kinds": dict(done.kinds)}))
        return
    console = Console()
    console.print(f"{done.read} messages read, {done.repeated} of them known already.")
    for kind, (one, many) in _SAYS.items():
        if number := done.kinds[kind]:
            console.print(f"  {number} {one if number == 1 else many}")
    if done.unmatched:
        console.print(
            f"Without a delivery: {done.unmatched}; the console shows them under Replies.",
            soft_wrap=True,
        )
    if done.left:
        console.print(
            f"Not kept: {done.left}; they stay where they are, and the log names them.",
            soft_wrap=True,
        )
