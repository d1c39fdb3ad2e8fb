"""Says who an email comes from and where its answer goes, by the campaign's policy.

In: a campaign, a delivery, and the supporter as far as they may be known.  Out: the From name, and
the Reply-To address or None.  The From address is always the campaign's own: mail servers refuse
what pretends to come from a supporter's provider (DMARC).
Source: RFC 7489 section 3.1 (alignment), RFC 5322 section 3.6.2 (Reply-To).
"""

from uuid import UUID

from shared.catalogue import Campaign, Replies
from shared.reply_address import reply_address

FROM_NAME = 100  # characters of a supporter's name in a From header


def from_name(campaign: Campaign, supporter: str | None) -> str:
    """The name in front of the From address.

    `supporter`: the name that may be shown; None where there is none, or where many people's
    actions travel together.  A campaign that does not show it sends all its emails under one name,
    which is what lets many of them leave in one call.
    """
    if supporter is None or not campaign.sender.show_supporter:
        return campaign.sender.name
    return f"{supporter[:FROM_NAME]} via {campaign.name}"


def reply_to(campaign: Campaign, delivery_id: UUID, *, supporter: str | None) -> str | None:
    """Where an answer goes; None: to the From address.

    `supporter`: the address of one who asked for replies; None for everybody else, and where many
    people's actions travel together.
    """
    if campaign.replies is Replies.SUPPORTER:
        return supporter
    mailbox = campaign.sender.mailbox
    if campaign.replies is Replies.NONE or mailbox is None:
        return None
    return reply_address(mailbox, delivery_id)
