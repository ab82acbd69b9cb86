"""Mechanisms of the service that have a life of their own; all_api.py puts them together."""
