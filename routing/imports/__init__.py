"""Reads files of repairers, credentials and vehicles into values; writes nothing anywhere."""
