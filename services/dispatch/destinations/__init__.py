"""Where the post does not go: what is noted of it, what waits for it, and the ways round it."""
