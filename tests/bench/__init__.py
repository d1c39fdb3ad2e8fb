"""Measures Writ beside its floors: `python -m tests.bench [--quick]`."""
