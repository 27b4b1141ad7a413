"""Deployments that are broken on purpose, made of the local one, one module for each family of defects.

``bench`` is where a mutant lays out what it changes; ``making`` makes the changes and takes them back, whatever
happens; ``court`` has each judged by the checks that claim it.
"""
