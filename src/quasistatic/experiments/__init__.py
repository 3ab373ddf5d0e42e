"""The paper's experiments (ICML 2015, section 3): data, networks, numbers, figures; one file for
each.
"""
