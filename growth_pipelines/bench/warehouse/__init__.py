"""What the marts cost beside hand-written SQL for the same tables, on made-up shops of any size.

``generate`` makes nine tables with realistic skew, ``yardstick`` runs the hand-written SQL on them, ``load_raw``
gives them to the project as raw tables, ``measures`` builds the project and times its parts, ``report`` compares.
"""
