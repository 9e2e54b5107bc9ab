"""Settings of tenants."""
