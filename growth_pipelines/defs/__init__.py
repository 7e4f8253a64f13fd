"""What Dagster sees of the machine: assets, checks, jobs, schedules, sensors and the instance they run on.

This is the only folder that imports dagster. Nothing is wired at import: ``build.build_defs`` returns a
fresh ``Definitions``. Logic that would still make sense without Dagster belongs in the floors below.
"""
