"""The suite itself on trial: a catalogue of broken metadata services, and what of the suite turns red on each.

``catalogue`` declares, ``metadata/`` holds the mutants by family, ``bench`` breaks the reference service,
``serve`` runs a broken one, ``trial`` has the suite judge all of them, ``score`` counts.
"""
