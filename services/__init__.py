"""The services of Writ: intake → dispatch → tracking, and the sandbox that stands in for all else."""
