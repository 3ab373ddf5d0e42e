"""Data frames of other libraries, in and out."""
