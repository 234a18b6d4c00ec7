"""Grading on many machines: dask carries submissions to its workers, each of which is a node with a grader of its own.

`executor` runs on the instructor's machine, `node` in a dask worker, `station` in a process beside that.
"""
