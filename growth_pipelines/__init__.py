"""The growth machine: observe a shop, model it, propose actions, ask, act, measure and learn.

The floors of the house, and who may import whom, are drawn in ``docs/architecture.md``.
"""

__version__ = "0.1.0"
