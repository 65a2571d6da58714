"""From a need to a list: who is eligible, in which order, and the words for both.

Pure functions of recorded inputs: no clock, no random, no database.
"""
