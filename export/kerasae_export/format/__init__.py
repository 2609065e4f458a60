"""What FORMAT.md specifies and nothing else: bytes and integers, no models and no files."""
