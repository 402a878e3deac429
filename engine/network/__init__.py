"""Sessions over the network: one HTTP server whose WebSocket carries what a session is given and what it shows.

Imported by whoever serves over the network, and by nobody else: it needs aiohttp and prometheus_client (the extra
``network``).
"""
