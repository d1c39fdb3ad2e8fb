"""Counts without names, from writing events: reported, corrected, shown with a picture."""
