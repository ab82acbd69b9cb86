"""Engines on a Ray cluster: what a replica runs, and what connects the service to it."""
