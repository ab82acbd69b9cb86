"""Runs all_api.py as a program, with the fake engine: python tests/fake_server.py [its options]."""
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

if __name__ == "__main__":
    from serve_fixtures import install_fake_engine
    install_fake_engine()
    sys.argv[0] = str(ROOT / "all_api.py")
    runpy.run_path(sys.argv[0], run_name="__main__")
