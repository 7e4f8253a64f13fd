"""The register of experiments: what was declared, how far each has come, and how approved actions move it.

:mod:`states` says which moves there are; :mod:`registry` makes them, each an audit event; :mod:`switch` lets the
executor start an experiment and promote an arm like any other approved write; :mod:`proposals` puts the question.
"""
