"""What FORMAT.md specifies, and nothing else: no model, no file, only bytes and integers."""
