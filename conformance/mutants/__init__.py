"""The suite itself on trial: a catalogue of broken services and deployments, and what of it turns red on each.

``catalogue`` declares, ``trial`` has a court judge all of them, ``score`` counts. ``metadata/`` holds the mutants of
the metadata service: ``bench`` breaks the reference service, ``serve`` runs a broken one, ``court`` judges it.
``deployment/`` has a bench and a court of its own, for mutants of the local deployment.
"""
