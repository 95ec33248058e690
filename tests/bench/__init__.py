"""`make bench`: how fast it is, beside what it should be (a ratio of 1 or less is met). It ends within ten minutes.

Each measurement is a module; `report` says how they are printed. Everything happens on loopback, in a database and
with simulated organisations of its own, which are deleted at the end.
"""
