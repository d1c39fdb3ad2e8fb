"""The services: intake → dispatch → tracking, and the sandbox that stands in for the world."""
