"""The pages about the small model name modules and files that exist."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.laboratory
ROOT = Path(__file__).parents[3]
PAGES = (
    "NOTICE",
    "docs/mini-model.md",
    "tools/mini/cosyvoice.yaml",
    "tools/mini/training/model_card.md",
    "pretrained_models/CosyVoice-Mini-25Hz/README.md",
)


@pytest.mark.parametrize("page", PAGES)
def test_named_modules_and_files_exist(page):
    text = (ROOT / page).read_text("utf-8")
    modules = re.findall(r"\btools(?:\.\w+)+\b", text)
    paths = re.findall(r"\b(?:tools|cosyvoice|docs)(?:/[\w.-]*\w)+", text)
    paths += [f"{name.replace('.', '/')}.py" for name in modules]
    assert paths and not [path for path in paths if not (ROOT / path).exists()]


def test_the_packed_model_has_the_configuration_it_was_trained_with():
    packed = ROOT / "pretrained_models/CosyVoice-Mini-25Hz/cosyvoice.yaml"
    assert (ROOT / "tools/mini/cosyvoice.yaml").read_bytes() == packed.read_bytes()
