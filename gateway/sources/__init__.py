"""Where messages come from: adapters that hand topic, payload and time to the service."""
