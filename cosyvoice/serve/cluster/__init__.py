"""Engines on a Ray cluster: what a replica runs, and what connects the service to it.

Here are the names that both ends know.
"""

APP, DEPLOYMENT = "cosyvoice", "engine"  # in Ray Serve
MAIN, FOR_INSTRUCTIONS = "main", "instruct"  # the models of a replica
FACTS = (  # of a model, that the service must know
    "model_family",
    "sample_rate",
    "token_rate",
    "supports_instruct",
    "supports_instruct2",
    "load_seconds",
    "device",
    "precision",
)
# Variables of the service that neither a replica nor the connection to it gets.
SECRETS = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN", "API_KEY")
