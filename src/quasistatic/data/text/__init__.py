"""Files of text: how their cells are separated and written, and the values that they mean."""
