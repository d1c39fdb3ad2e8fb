"""Channels by which nothing leaves yet: their deliveries are planned, and wait for that."""

from collections.abc import Mapping

from shared.catalogue import Channel

WAITING: Mapping[str, str] = {
    Channel.POSTCARD: "Postcards wait: no vendor prints them yet.",
    Channel.PETITION: "The petition gathers signatures; nobody hands petitions over yet.",
}
