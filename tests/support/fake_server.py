"""The service with the fake engine in a process of its own, started in the repository's folder.

python -m tests.support.fake_server [options of all_api.py]
gunicorn -c deploy/gunicorn.conf.py tests.support.fake_server:app

GRACE_OF_TEST: seconds a cancelled engine may take to notice, when shorter than in the service.
"""

import os
import runpy
from importlib import import_module

from cosyvoice.serve.speaking import speech
from tests.support.fake_engine import install_fake_engine

speech.GRACE = float(os.environ.get("GRACE_OF_TEST", speech.GRACE))
install_fake_engine()
if __name__ == "__main__":
    runpy.run_module("all_api", run_name="__main__", alter_sys=True)
else:
    app = import_module("all_api").app
