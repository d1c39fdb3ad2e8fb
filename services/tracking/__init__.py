"""Records what happened to each delivery, and shows it."""
