"""The browser's door: the ranked queue, one action in full, decisions, the audit tail, and a small JSON API."""
