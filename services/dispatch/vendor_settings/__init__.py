"""What each print vendor needs to be told: one file and one dataclass a vendor."""
