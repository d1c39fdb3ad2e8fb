"""The services of Writ: intake → dispatch → tracking, with the sandbox that stands in for the world."""
