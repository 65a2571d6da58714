"""What businesses say of themselves over HTTP, what was decided about it, and who may do either."""
