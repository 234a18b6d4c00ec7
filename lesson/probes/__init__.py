"""Probes: small functions that run in the worker, beside a student's objects that cannot cross the wire.

Each takes the student's module first and returns plain values. No probe knows what is right.
"""
