"""Signed credentials: bytes, a trust list and the time in, a verdict out; nothing is fetched."""
