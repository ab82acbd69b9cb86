"""OpenAI's custom voices: made of a recording, and used in /v1/audio/speech as {"id": name}.

POST   /v1/audio/voices                   a saved voice, as POST /voices makes one
DELETE /v1/audio/voices/<id>
POST   /v1/audio/voice_consents           a recording in which the speaker agrees
GET    /v1/audio/voice_consents           those of a user, newest first
GET    /v1/audio/voice_consents/<id>
POST   /v1/audio/voice_consents/<id>      another label
DELETE /v1/audio/voice_consents/<id>

A voice's id is its name. Nobody checks here what is said in a consent recording, or by whom: it is
kept, and the voice names it. Source: the types of the `openai` Python package, 3.57.
"""

import time

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage

from cosyvoice.serve.http.fields import read_name, read_values
from cosyvoice.serve.http.jobs import (
    CONSENT_FIELDS,
    CONSENT_LIST_FIELDS,
    OPENAI_VOICE_FIELDS,
    VoiceRequest,
    read_body,
    without_blanks,
)
from cosyvoice.serve.http.problem import field_error, in_field
from cosyvoice.serve.routes.openai_speech import the_user
from cosyvoice.serve.routes.voices import unknown_voice_error
from cosyvoice.serve.speaking.voice_maker import VoiceMaker
from cosyvoice.serve.storage.consents import Consents
from cosyvoice.serve.storage.voice_shelf import VoiceShelf
from cosyvoice.utils.errors import ReferenceAudioError

CONSENT_ID = "cons_"  # how the id of a consent recording begins


def blueprint(maker: VoiceMaker, shelf: VoiceShelf, consents: Consents) -> Blueprint:
    openai = Blueprint("openai_voices", __name__)

    @openai.post("/v1/audio/voices")
    def make() -> Response:
        """Make a voice of a recording and keep it.

        OpenAI's callers send no transcript: the words are heard where the service can, else the
        voice is without words, as of cross-lingual speech.
        """
        values = read_body()
        refuse_prompt(values)
        fields = read_values(OPENAI_VOICE_FIELDS, values, ("name", "audio_sample", "consent"))
        user_id = needed_user(fields.get("user_id", ""))
        wanted = VoiceRequest(
            user_id=user_id,
            name=fields["name"],
            prompt_text=fields.get("transcript", ""),
            prompt_speech_16k=fields["audio_sample"],
            transcribe=True,
            consent=agreement(user_id, fields["consent"]),
            overwrite=fields.get("overwrite", False),
        )
        made = maker.make(wanted, may_lack_words=True)
        return jsonify(
            id=wanted.name,
            object="audio.voice",
            created_at=int(time.time()),
            name=wanted.name,
            type="audio_sample",
            transcript=made.words or None,
            reference=made.report.body(),
        )

    @openai.delete("/v1/audio/voices/<id>")
    def delete(id: str) -> Response:
        user_id = needed_user(request.args.get("user_id", ""))
        if not shelf.delete(user_id, read_name("voice", id)):
            raise unknown_voice_error("voice", user_id, id)
        return jsonify(id=id, object="audio.voice.deleted", deleted=True)

    @openai.post("/v1/audio/voice_consents")
    def keep_consent() -> Response:
        """Keep a recording of 0.5 to 30 s in which somebody speaks."""
        fields = read_values(CONSENT_FIELDS, read_body(), ("name", "language", "recording"))
        user_id, recording = needed_user(fields.get("user_id", "")), fields["recording"]
        check_speech(recording)
        maker.begin(VoiceRequest(user_id=user_id), "consent")
        recording.stream.seek(0)
        kept = consents.keep(user_id, fields["name"], fields["language"], recording)
        return jsonify(shown(kept))

    @openai.get("/v1/audio/voice_consents")
    def list_consents() -> Response:
        fields = read_values(CONSENT_LIST_FIELDS, without_blanks(request.args.items()))
        user_id = needed_user(fields.get("user_id", ""))
        after, limit = fields.get("after", ""), int(fields.get("limit", 20))
        found, has_more = consents.listed(user_id, after, limit)
        return jsonify(object="list", data=[shown(each) for each in found], has_more=has_more)

    @openai.get("/v1/audio/voice_consents/<id>")
    def one_consent(id: str) -> Response:
        return jsonify(shown(consents.get(needed_user(request.args.get("user_id", "")), id)))

    @openai.post("/v1/audio/voice_consents/<id>")
    def rename_consent(id: str) -> Response:
        own = {name: CONSENT_FIELDS[name] for name in ("name", "user_id")}
        fields = read_values(own, {**request.args.to_dict(), **read_body()}, ("name",))
        user_id = needed_user(fields.get("user_id", ""))
        return jsonify(shown(consents.rename(user_id, id, fields["name"])))

    @openai.delete("/v1/audio/voice_consents/<id>")
    def delete_consent(id: str) -> Response:
        """Forget one; voices that were made with it stay."""
        consents.delete(needed_user(request.args.get("user_id", "")), id)
        return jsonify(id=id, object="audio.voice_consent", deleted=True)

    def check_speech(recording: FileStorage):
        """Refuse what could be no reference either, such as silence."""
        try:
            report = maker.examine(VoiceRequest(prompt_speech_16k=recording))
            if report.error:
                raise report.error
        except ReferenceAudioError as error:
            raise in_field("recording", error) from error

    def agreement(user_id: str, consent: str) -> str:
        """What a voice keeps as its consent: the words, or which recording says it."""
        if not consent.startswith(CONSENT_ID):
            return consent
        kept = consents.get(user_id, consent)
        return f"consent recording {kept['id']}: {kept['name']} ({kept['language']})"

    return openai


def refuse_prompt(values: dict) -> None:
    """A voice cannot be made of a description."""
    if values.get("type") == "prompt" or "prompt" in values:
        raise field_error(
            "type",
            "voices are made of recordings here, not of a description: send audio_sample",
            "此处只能用录音创建音色，不支持文字描述：请发送 audio_sample",
            "unsupported_value",
        )


def needed_user(user_id: str) -> str:
    """The user whose voices are meant, see the_user; a 400 Problem where nobody is."""
    if user_id := the_user(user_id):
        return user_id
    raise field_error(
        "user_id",
        "whose voice? send user_id (in extra_body, to GET and DELETE in extra_query), "
        "or use a key that acts for one user",
        "这是谁的音色？请发送 user_id（extra_body；GET 和 DELETE 用 extra_query），"
        "或使用只代表一个用户的密钥",
        "missing_value",
    )


def shown(consent: dict) -> dict:
    return {**consent, "object": "audio.voice_consent"}
