"""Storms under load, then a count: `python -m tests.faults --minutes 5 --seed 1`."""
