"""Samplers for one row: twisted particles, known columns first, products of models, the 2015
recipe.
"""
