"""The fields of a good request, for each mode of the service."""

SFT = {"mode": "预训练音色", "tts_text": "你好。", "spk_id": "中文女"}
CLONE = {
    "mode": "3s极速复刻",
    "tts_text": "你好。",
    "prompt_text": "参考。",
    "prompt_speech_16k": "a/ref.wav",
    "user_id": "1321",
}
CROSS = {"mode": "跨语种复刻", "tts_text": "Hello.", "prompt_speech_16k": "a/ref.wav"}
INSTRUCT = {
    "mode": "自然语言控制",
    "tts_text": "你好。",
    "spk_id": "中文女",
    "prompt_text": "慢一点",
}
MODES = [SFT, CLONE, CROSS, INSTRUCT]
