"""One file for each way out; `contract.py` says what a provider promises."""
