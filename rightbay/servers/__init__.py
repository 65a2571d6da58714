"""The embedded PostgreSQL and broker, and what starting a server of our own takes."""
