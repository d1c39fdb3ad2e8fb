"""What must be true of a campaign: dates in order, a sender, and a way for answers that exists.

In: a `Campaign` and the file it came from.  Out: its faults.  No database, no network.
"""

from collections.abc import Iterator

from services.intake.packs.recipients import email_fault
from services.intake.packs.source import Fault
from services.intake.packs.toml_file import TomlFile
from shared.catalogue import Campaign, Replies
from shared.reply_address import LONGEST_MAILBOX, MARK


def campaign_faults(file: TomlFile, campaign: Campaign) -> Iterator[Fault]:
    yield from email_fault(file, ("sender", "email"), campaign.sender.email)
    if campaign.closes and campaign.closes < campaign.opens:
        yield file.fault(("closes",), "`closes` lies before `opens`")
    if campaign.sender.mailbox is not None:
        yield from _mailbox(file, campaign.sender.mailbox)
    yield from _replies(file, campaign)


def _mailbox(file: TomlFile, mailbox: str) -> Iterator[Fault]:
    where = ("sender", "mailbox")
    yield from email_fault(file, where, mailbox)
    local = mailbox.rpartition("@")[0]
    if MARK in local:
        yield file.fault(where, f"leave out the `{MARK}`: a token for each delivery follows one")
    elif len(local) > LONGEST_MAILBOX:
        why = f"{len(local)} characters before the `@`; with a token behind, {LONGEST_MAILBOX} fit"
        yield file.fault(where, why)


def _replies(file: TomlFile, campaign: Campaign) -> Iterator[Fault]:
    by_campaign = campaign.replies is Replies.CAMPAIGN
    if by_campaign and campaign.sender.mailbox is None:
        why = '`replies = "campaign"` needs `mailbox` under [sender]: where answers are read'
        yield file.fault(("replies",), why)
    if campaign.forward and not by_campaign:
        why = '`forward` passes on what we read: it needs `replies = "campaign"`'
        yield file.fault(("forward",), why)
