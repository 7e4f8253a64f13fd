"""Benchmarks that print their own figures: what the machine costs beside the least that it could cost."""
