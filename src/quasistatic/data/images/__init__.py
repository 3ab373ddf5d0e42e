"""Images as tables: files in and out, pixels and cells."""
