"""What a business says of itself, and what becomes of it: read, ruled on, reminded of, suspended.

It knows no key, no request and no clock; what it lets through, storage writes to the directory.
"""
