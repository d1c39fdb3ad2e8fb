"""The parts of `smtp.py`: the message, the line to the relay, and what its replies mean."""
