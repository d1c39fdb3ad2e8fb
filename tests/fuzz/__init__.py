"""The API as its own document describes it, tried by a machine: `make fuzz`.

attack.py         runs schemathesis against a whole Writ, and reads what it found
schemathesis.toml what it knows of our words, and which checks make no sense here
"""
