"""What services must agree on: tables, queues, words. It knows no service."""
