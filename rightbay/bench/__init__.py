"""Measurements of ourselves beside others: the same work, in one run, in turns."""
