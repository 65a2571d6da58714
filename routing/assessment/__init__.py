"""What a site could take, what it misses, and which single change would open most to it."""
