"""Columns: kinds, inference, lattices, atoms, transforms, and their cells."""
