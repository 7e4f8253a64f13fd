"""What an approved action does to the world: the fields it writes and the task cards it opens.

:mod:`plan` reads an approved draft and says exactly what will be written; :mod:`surfaces` reads and writes
those fields in the shop; :mod:`task_cards` keeps the work that a person has to do. None of them decides
whether to write: that is :mod:`growth_pipelines.actions.execution`.
"""
