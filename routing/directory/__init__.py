"""The sites as a snapshot in memory: positions, opening hours, and tables over many at once.

It decides nothing; ``routing.matching`` asks it.
"""
