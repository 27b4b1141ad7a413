"""Metaflow's client, from another process."""
