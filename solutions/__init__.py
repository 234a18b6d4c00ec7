"""The six modules, complete: the source of the exercises, the lessons and the reference weights."""
