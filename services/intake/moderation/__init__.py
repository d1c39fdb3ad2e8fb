"""Moderation: what is held for a person to read, and what that person decides."""
