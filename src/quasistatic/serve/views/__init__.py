"""The views: for each its address, its form, and the parts of its answer, which come as they are
computed. All a view shows follows from its address.
"""
