"""How texts are read, without sound.

POST /text/preview                 spans with class, language, written and spoken form; sentences
GET  /pronunciations?user_id=      a user's words and how each is said
PUT  /pronunciations?user_id=      the same list anew; it holds in every request of that user
"""

from flask import Blueprint, Response, jsonify, request

from cosyvoice.cli.frontend import spoken_limit
from cosyvoice.cli.speakers import language_of_speaker
from cosyvoice.serve.http import access
from cosyvoice.serve.http.fields import read_values
from cosyvoice.serve.http.jobs import PRONUNCIATION_FIELDS, preview_fields, read_body
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.storage.pronunciation_lists import PronunciationLists, listed
from cosyvoice.text.language import language_of_transcript
from cosyvoice.text.preview import preview
from cosyvoice.text.pronunciations import checked
from cosyvoice.utils.errors import PronunciationError


def blueprint(max_text_chars: int, lists: PronunciationLists) -> Blueprint:
    text, fields = Blueprint("text", __name__), preview_fields(max_text_chars)

    @text.post("/text/preview")
    def read_text() -> Response:
        """What would be spoken. Nothing is kept and no sound is made."""
        wanted = read_values(fields, read_body(), ("tts_text",))
        words, user_id = wanted["tts_text"], wanted.get("user_id", "")
        access.check_user(user_id)
        near = (
            wanted.get("language", "")
            or language_of_speaker(wanted.get("spk_id", ""))
            or language_of_transcript(wanted.get("prompt_text", ""))
        )
        said = lists.get(access.sole_user(user_id))
        note = spoken_limit(words, None)
        return jsonify(preview(words, near, said, wanted.get("speed", 1.0), note))

    @text.get("/pronunciations")
    def pronunciations() -> Response:
        return jsonify(pronunciations=listed(lists.get(read_user(request.args.to_dict()))))

    @text.put("/pronunciations")
    def keep() -> Response:
        """Replace the whole list; an empty one removes it."""
        values = {**request.args.to_dict(), **read_body()}
        user_id = read_user(values)
        entries = read_values(PRONUNCIATION_FIELDS, values, ("pronunciations",))["pronunciations"]
        try:
            found = checked(entries)
        except PronunciationError as error:
            at = "" if error.entry is None else f"[{error.entry}]"
            raise Problem(
                400, "pronunciation_unusable", f"pronunciations{at}", error.en, error.zh
            ) from error
        lists.put(user_id, found)
        return jsonify(pronunciations=listed(found))

    def read_user(values: dict) -> str:
        user_id = read_values(PRONUNCIATION_FIELDS, values, ("user_id",))["user_id"]
        access.check_user(user_id)
        return user_id

    return text
