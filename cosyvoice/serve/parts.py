"""What a blueprint may use of the service. all_api.py makes the one Parts there is and hands it to each blueprint."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cosyvoice.serve.config import Config
from cosyvoice.serve.speaking.engines import Instruct
from cosyvoice.serve.speaking.readiness import Readiness
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import Speech
from cosyvoice.serve.storage.work_folders import WorkFolders


@dataclass(frozen=True)
class Parts:
    config: Config
    engine: object  # the global CosyVoice
    instruct: Instruct  # .get() -> the engine for 自然语言控制, .loaded
    store: object  # fetch, push, delete, list: see serve/storage/store.py
    work_folders: WorkFolders  # .folder(config.output_dir) -> a working folder
    slots: Slots  # .take(), .free() around any other use of the model
    readiness: Readiness
    watchers: list  # functions called with the Record of a request after each change
    read_job: Callable  # dict of field values -> checked Job; raises Problem
    chunks: (
        Callable  # Job -> chunks(check), which makes the engine's generator; fetches what it needs
    )
    rate: Callable  # Job -> samples per second of its sound
    speak: Callable[..., Speech]  # (chunks, encoder, rate) -> Speech that has begun; raises Problem
    follow: Callable  # Speech -> its bytes, for a streamed Response
    fetch_voice: Callable  # (user_id, name) -> voice dict; raises a 404 Problem
    push_voice: Callable  # (voice, user_id, name) stores it
    read_fields: Callable  # () -> dict of the body's field values, JSON or form; raises Problem
    scratch: Path  # folder for files that live as long as this process at most
    fetch_reference: Callable  # (Job, read) -> what read(path or file) makes of the reference audio; raises Problem
    answer: Callable  # Job -> Response that speaks it
