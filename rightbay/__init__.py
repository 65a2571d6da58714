"""The front door: command line, settings, supervisor, embedded PostgreSQL and broker.

It wires the rooms together and decides nothing about faults or repairers.
"""
