"""Mail that comes back: read, matched to its delivery, told apart, and kept."""
