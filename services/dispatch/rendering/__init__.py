"""Turns an action and its catalogue into an email or a letter."""
