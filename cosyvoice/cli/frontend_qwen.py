"""Front end of CosyVoice2 and Fun-CosyVoice3: what their language model reads before the words.

Instructions end with <|endofprompt|>. CosyVoice2 reads one only where there is one; Fun-CosyVoice3
always does, "You are a helpful assistant." at least, and fails without it in upstream. They stand
before the reference's words or before the new ones, and are never spoken.
"""

import torch
from torch import Tensor

from cosyvoice.cli.frontend import Audio, CosyVoiceFrontEnd, timbre
from cosyvoice.tokenizer.qwen import END_OF_PROMPT
from cosyvoice.utils.common import lengths_of

FRAMES_PER_TOKEN = 2  # of mel


class QwenFrontEnd(CosyVoiceFrontEnd):
    """system_prompt: what the model reads where there is no other instruction; "" for nothing."""

    def __init__(self, *args, system_prompt: str = "", **options):
        super().__init__(*args, **options)
        self.system_prompt = system_prompt
        (self.end_of_prompt,) = self.encode(END_OF_PROMPT)

    def frontend_zero_shot(
        self, prompt_text: str, prompt_wav: Audio | None, zero_shot_spk_id=""
    ) -> dict:
        """As in the 300M family, but tokens and mel are of equal duration, the shorter one's."""
        voice = super().frontend_zero_shot(prompt_text, prompt_wav, zero_shot_spk_id)
        if zero_shot_spk_id:
            return voice
        token, mel = voice["flow_prompt_speech_token"], voice["prompt_speech_feat"]
        size = min(token.shape[1], mel.shape[1] // FRAMES_PER_TOKEN)
        parts = {
            "prompt_text": self.prompted(voice)["prompt_text"],
            "llm_prompt_speech_token": token[:, :size],
            "flow_prompt_speech_token": token[:, :size],
            "prompt_speech_feat": mel[:, : FRAMES_PER_TOKEN * size],
        }
        return {**voice, **parts, **lengths_of(parts)}

    def frontend_instruct2(self, voice: dict, instruct_text: str) -> dict:
        """The timbre of a voice, preset or cloned; the LM reads the instruction, not its words.

        voice: of frontend_sft or frontend_zero_shot, or a saved one.
        """
        return {**timbre(voice), "prompt_text": self.text_token(self.instruction(instruct_text))}

    def instruction(self, text: str) -> str:
        """The text as the model was trained with it. One that has its mark is the caller's own."""
        if END_OF_PROMPT in text:
            return text
        if self.system_prompt and not text.startswith(self.system_prompt):
            text = f"{self.system_prompt} {text}"
        return text + END_OF_PROMPT

    def split_instruction(self, text: str) -> tuple[str, str]:
        """What stands in a text up to <|endofprompt|>, often nothing, and what is to be spoken."""
        instruction, mark, rest = text.rpartition(END_OF_PROMPT)
        return instruction + mark, rest

    def prompted(self, condition: dict, instruction: str = "") -> dict:
        """The condition with an instruction after the reference's words; with one at least."""
        none = torch.zeros(1, 0, dtype=torch.int32)
        ids = torch.cat([condition.get("prompt_text", none), self.text_token(instruction)], 1)
        if self.system_prompt and self.end_of_prompt not in ids:
            ids = torch.cat([self.text_token(self.system_prompt + END_OF_PROMPT), ids], 1)
        return {**condition, "prompt_text": ids}

    def instruction_len(self, prompt_text: Tensor) -> int:
        """How many of the ids (1, L) are the instruction before a reference's words."""
        if not self.system_prompt:
            return 0
        return 1 + prompt_text[0].tolist().index(self.end_of_prompt)
