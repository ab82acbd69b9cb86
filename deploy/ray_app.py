"""Start or renew the engines on the Ray cluster: python deploy/ray_app.py --help

See docs/cluster.md.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cosyvoice.serve.cluster.app import main  # noqa: E402

if __name__ == "__main__":
    main()
