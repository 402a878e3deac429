"""Programs that use a running engine over its wire format, and nothing else of it."""
