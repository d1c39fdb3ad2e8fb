"""Confirmation: "yes, this was me", asked by email and answered on a page."""
