"""The pages that ops staff watch."""
