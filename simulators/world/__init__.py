"""What there is to simulate: kinds of vehicle, who drives, what goes wrong when.

Decided by seed before anything runs: no clock, thread, socket or file but our own data.
"""
