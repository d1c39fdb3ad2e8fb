"""The tables, one file for the service that writes them."""
