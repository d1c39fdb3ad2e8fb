"""Previews: exactly what a recipient would get, and nothing stored."""
