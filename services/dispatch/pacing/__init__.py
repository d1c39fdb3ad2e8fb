"""The pace of mailboxes and domains: when an email may leave, for all campaigns and processes."""
