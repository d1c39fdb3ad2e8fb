"""Intake's edges: each unpacks requests of one kind, calls the verbs, packs answers."""
