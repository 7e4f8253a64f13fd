"""What counts as good and as poor of a web vital (https://web.dev/articles/vitals), for who needs only that."""

# Good and poor thresholds at p75: ms, CLS unitless.
THRESHOLDS: dict[str, tuple[float, float]] = {"lcp": (2500.0, 4000.0), "inp": (200.0, 500.0), "cls": (0.1, 0.25)}
