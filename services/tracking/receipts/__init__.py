"""One file a provider: its receipts in our words."""
