"""Outside data in: fetch, land, load, move the cursor, in that order and never in another.

A window of a stream is fetched from its API and written to a landing file first. Loading that file, replacing
the rows it covers and moving the stream's cursor are one transaction. Whatever is interrupted is safe to repeat.
"""
