"""PostgreSQL: the schema, its migrations and every SQL statement; implements the rooms' ports.

No decision is taken here: the rooms' pure functions decide, this room remembers.
"""
