"""Measurements of the promises: ratios in one run, against a named reference. Run with ``make bench``."""
