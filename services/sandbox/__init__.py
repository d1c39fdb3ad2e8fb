"""Stands in for SES and a print vendor in development, demo, load and fault tests."""
