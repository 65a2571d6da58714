"""One module for each device family: its topics and payloads in, reports and dead letters out."""
