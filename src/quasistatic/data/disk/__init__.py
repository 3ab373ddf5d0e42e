"""Tables that are larger than memory: read a piece or a column at a time, written in parts."""
