"""The deployment of replicas on Ray Serve, and the command that starts or renews it.

python deploy/ray_app.py --max_replicas 4
"""

import argparse
import sys
from typing import Any

from cosyvoice.serve.cluster import APP, DEPLOYMENT, SECRETS
from cosyvoice.serve.cluster.link import probe
from cosyvoice.serve.cluster.replica import Replica
from cosyvoice.serve.config import Config, StartError, read_config

LOAD = 0.75  # part of its places that a replica has taken on average before another is started
UP_SECONDS, DOWN_SECONDS = 10.0, 300.0  # that the need for another, or for one less, must last
STOP_SECONDS = 300.0  # that the requests of a replica get when it is to stop


def application(
    config: Config,
    min_replicas: int = 1,
    max_replicas: int = 1,
    cpus: float = 2,
    gpus: float = 0,
    replica: type[Replica] = Replica,
) -> Any:
    """The Serve application: replicas of one model, each with so many cores and GPUs.

    Ray gives a replica's process as many threads as it has cores. The credentials of a node's
    environment do not reach it.
    """
    from ray import serve

    deployment = serve.deployment(
        name=DEPLOYMENT,
        max_ongoing_requests=config.max_concurrent + 1,  # one more: see Replica.about
        autoscaling_config={
            "min_replicas": min_replicas,
            "max_replicas": max_replicas,
            "target_ongoing_requests": LOAD * config.max_concurrent,
            "upscale_delay_s": UP_SECONDS,
            "downscale_delay_s": DOWN_SECONDS,
        },
        ray_actor_options={
            "num_cpus": cpus,
            "num_gpus": gpus,
            "runtime_env": {"env_vars": dict.fromkeys(SECRETS, "")},
        },
        graceful_shutdown_timeout_s=STOP_SECONDS,
        graceful_shutdown_wait_loop_s=0.5,
        health_check_period_s=5.0,
        health_check_timeout_s=30.0,
    )(replica)
    options, places = config.model_options, config.max_concurrent
    verify = config.verify_limit, config.verify_model
    return deployment.bind(config.model, config.instruct_model, options, places, verify)


def deploy(address: str, app: Any) -> None:
    """Start the application, or replace the one that runs; returns when replicas are ready.

    It stays when this process ends. Raises an OSError when no cluster answers, a RuntimeError when
    replicas cannot start.
    """
    probe(address)  # Ray itself takes a minute to give up
    import ray
    from ray import serve

    ray.init(address, log_to_driver=False, ignore_reinit_error=True)
    serve.start(proxy_location="Disabled")  # the service alone calls the replicas
    serve.run(app, name=APP, route_prefix=None)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Start or renew the engines on the Ray cluster at RAY_ADDRESS. The settings of "
        "models, PRECISION, VERIFY and MAX_CONCURRENT count, as for the service."
    )
    parser.add_argument("--min_replicas", type=int, default=1, help="replicas without any load")
    parser.add_argument("--max_replicas", type=int, default=1, help="replicas under full load")
    parser.add_argument("--cpus", type=float, default=2, help="cores of each replica")
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of each replica; may be 0.5")
    wanted = vars(parser.parse_args(argv))
    if not 1 <= wanted["min_replicas"] <= wanted["max_replicas"]:
        parser.error("--min_replicas must be at least 1 and at most --max_replicas")
    try:
        config = read_config()
        deploy(config.ray_address, application(config, **wanted))
    except StartError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(
            f"no Ray cluster answers at {config.ray_address} ({error}): start one with "
            "`ray start --head`, or correct RAY_ADDRESS"
            f" / {config.ray_address} 没有 Ray 集群：请先运行 `ray start --head`，"
            "或改正 RAY_ADDRESS"
        )
    except RuntimeError as error:  # its text ends with what a replica has said
        sys.exit(f"the engines did not start / 引擎未能启动: {error}")
    print("the engines are ready / 引擎已就绪")
