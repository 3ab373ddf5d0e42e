"""Evidence r(x_0): a contract, and one kind a file."""
