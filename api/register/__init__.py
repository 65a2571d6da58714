"""Self-service over HTTP: what businesses say of themselves, and what reviewers make of it."""
