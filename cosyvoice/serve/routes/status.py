"""What the service is and whether it works: GET /speakers, /health and /ready."""

from flask import Blueprint, jsonify

from cosyvoice.serve.parts import Parts


def blueprint(parts: Parts) -> Blueprint:
    status = Blueprint("status", __name__)

    @status.get("/speakers")
    def speakers():
        """The preset speakers of the models that are loaded."""
        models = {id(model): model for model in (parts.engine, parts.instruct.loaded) if model}
        return jsonify(
            speakers=[
                {"id": name, "model": model.model_family}
                for model in models.values()
                for name in model.list_available_spks()
            ]
        )

    @status.get("/health")
    def health():
        """The process is up."""
        return jsonify(status="ok")

    @status.get("/ready")
    def ready():
        """The model answers; 503 until it has spoken its first sentence."""
        engine, answers = parts.engine, parts.readiness.check()
        about = {
            "ready": answers,
            "model": engine.model_family,
            "sample_rate": engine.sample_rate,
            "device": str(engine.model.device),
            "real_time_factor": parts.readiness.real_time_factor,
            "store": parts.store.name,
            "max_text_chars": parts.config.max_text_chars,
        }
        return jsonify(about), 200 if answers else 503

    return status
