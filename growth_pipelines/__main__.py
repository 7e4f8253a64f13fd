"""``python -m growth_pipelines``: the ``growth`` command."""

from growth_pipelines.cli import main

main()
