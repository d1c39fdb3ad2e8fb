"""Takes actions from campaign tools, checks them, and stores each one exactly once."""
