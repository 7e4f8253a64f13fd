"""Core Web Vitals of the shop's own visitors: what a browser may send, and where it waits to be ingested."""
