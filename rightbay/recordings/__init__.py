"""Recordings of buses: read, printed line by line, and published as a unit."""
