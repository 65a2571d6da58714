"""The append-only log of everything an insurer may check: entries, Merkle tree, proofs.

Entries carry commitments and never a VIN or a position. Nothing here changes or removes an entry.
"""
