"""The service with the fake engine in a process of its own.

python tests/support/fake_server.py [options of all_api.py]
gunicorn -c deploy/gunicorn.conf.py tests.support.fake_server:app
"""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.fake_engine import install_fake_engine  # noqa: E402

install_fake_engine()
if __name__ == "__main__":
    sys.argv[0] = str(ROOT / "all_api.py")
    runpy.run_path(sys.argv[0], run_name="__main__")
else:
    from all_api import app  # noqa: F401
