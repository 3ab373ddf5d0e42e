"""Tables in and out: NumPy and Polars only, never JAX."""
