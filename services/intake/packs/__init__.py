"""Packs: campaigns written by hand, read, checked to the line, and loaded as the catalogue."""
