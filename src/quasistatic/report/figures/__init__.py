"""The report's figures, one file a subject, and how they are drawn."""
