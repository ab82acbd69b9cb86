"""What the service is and whether it works: GET /speakers, /health and /ready."""

from flask import Blueprint, jsonify

from cosyvoice.serve.checks import Needs
from cosyvoice.serve.config import Config
from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.speaking.engines import Instruct
from cosyvoice.serve.speaking.readiness import Readiness
from cosyvoice.serve.storage.store import Store


def blueprint(
    config: Config,
    engine: Engine,
    instruct_model: Instruct,
    readiness: Readiness,
    needs: Needs,
    store: Store,
) -> Blueprint:
    status = Blueprint("status", __name__)

    @status.get("/speakers")
    def speakers():
        """The preset speakers of the models that are loaded."""
        return jsonify(
            speakers=[
                {"id": name, "model": engine.model_family}
                for engine in instruct_model.engines
                for name in engine.list_available_spks()
            ]
        )

    @status.get("/health")
    def health():
        """The process is up."""
        return jsonify(status="ok")

    @status.get("/ready")
    def ready():
        """The service can speak; 503 until its first sentence and while something is broken.

        `reasons` says why it is not ready, "English / 中文" each.
        """
        trial = None if readiness.check() else readiness.reason
        reasons = [*needs.faults(), *([trial] if trial else [])]
        about = {
            "ready": not reasons,
            "reasons": reasons,
            "model": engine.model_family,
            "sample_rate": engine.sample_rate,
            "device": engine.device,
            "precision": engine.precision,
            "real_time_factor": readiness.real_time_factor,
            "store": store.name,
            "max_text_chars": config.max_text_chars,
        }
        return jsonify(about), 503 if reasons else 200

    return status
