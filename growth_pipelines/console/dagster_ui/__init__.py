"""Dagster's pages behind the console's log-in: who may see and change what there, and the way to its server.

Its server stays a process of its own, on a unix socket, rather than an application mounted in the console's.
Mounted, it would add 66 MB and 1.4 s to the console's 90 MB and 0.9 s at the start, share its one interpreter with
every request, and take it down when the definitions fail to load. Passing a request on costs some 5 ms (median,
two busy cores).
"""
