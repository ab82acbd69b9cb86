"""What the service is and whether it works: GET /speakers, /instructions, /health and /ready."""

from dataclasses import asdict

from flask import Blueprint, jsonify

from cosyvoice.cli.instructions import instructions_of
from cosyvoice.cli.speakers import language_of_speaker
from cosyvoice.serve.checks import Needs
from cosyvoice.serve.config import Config
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.speaking.engines import Instruct
from cosyvoice.serve.speaking.ray_engine import RayEngine
from cosyvoice.serve.speaking.readiness import Readiness
from cosyvoice.serve.storage.store import Store


def blueprint(
    config: Config,
    engine: Engine,
    instruct_model: Instruct,
    readiness: Readiness,
    needs: Needs,
    store: Store,
    can_hear: bool,
) -> Blueprint:
    """can_hear: whether it can be told what is said in a recording."""
    status = Blueprint("status", __name__)

    @status.get("/speakers")
    def speakers():
        """The preset speakers of the loaded models; language: "" where the name tells none."""
        return jsonify(
            speakers=[
                {
                    "id": name,
                    "model": engine.model_family,
                    "language": language_of_speaker(name),
                }
                for engine in instruct_model.engines
                for name in engine.list_available_spks()
            ]
        )

    @status.get("/instructions")
    def instructions():
        """What the model for 自然语言控制 is known to follow, and whether it takes a recording."""
        model = instruct_model.engines[-1]
        return jsonify(
            model=model.model_family,
            supported=model.supports_instruct,
            with_recording=model.supports_instruct2,
            instructions=[asdict(each) for each in instructions_of(model.model_family)],
        )

    @status.get("/health")
    def health():
        """The process is up."""
        return jsonify(status="ok")

    @status.get("/ready")
    def ready():
        """The service can speak; 503 until its first sentence and while something is broken.

        `reasons` says why it is not ready, "English / 中文" each. `model_state` is "unloaded" while
        an idle model is out of memory: still ready, since the next request loads it.
        """
        trial = None if readiness.check() else readiness.reason
        away = engine.fault() if isinstance(engine, RayEngine) else None
        reasons = [*needs.faults(), *(reason for reason in [away or trial] if reason)]
        about = {
            "ready": not reasons,
            "reasons": reasons,
            **facts(engine),
            "model_state": engine.model_state,
            "real_time_factor": readiness.real_time_factor,
            "store": store.name,
            "max_text_chars": config.max_text_chars,
            "can_hear": can_hear,
        }
        return jsonify(about), 503 if reasons else 200

    return status


def facts(engine: Engine) -> dict:
    """What /ready says of the model; None each while a cluster has not told it."""
    try:
        return {
            "model": engine.model_family,
            "sample_rate": engine.sample_rate,
            "device": engine.device,
            "precision": engine.precision,
        }
    except Problem:
        return dict.fromkeys(("model", "sample_rate", "device", "precision"))
