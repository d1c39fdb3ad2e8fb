"""Campaign tools: their keys, their limits, when they were last seen."""
