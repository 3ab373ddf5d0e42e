"""Figures of the experiments: matplotlib without a display, animations by Pillow."""
