"""Measured values in ordinary traffic, by the files that describe it: DBC, KCD and ARXML."""
