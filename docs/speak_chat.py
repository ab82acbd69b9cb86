"""Speak what a language model writes, while it writes.

    python docs/speak_chat.py "Tell me a story." --model gpt-4o-mini -o story.mp3
    python docs/speak_chat.py "Tell me a story." -o - | ffplay -nodisp -autoexit -

Needs `pip install openai requests`. OPENAI_API_KEY and OPENAI_BASE_URL say which model answers;
COSYVOICE_API_KEY is the key of the speech service, where it wants one.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator

import requests
from openai import OpenAI


def chat(question: str, model: str) -> Iterator[str]:
    """The answer of a chat model, piece by piece."""
    messages = [{"role": "user", "content": question}]
    for event in OpenAI().chat.completions.create(model=model, messages=messages, stream=True):
        if event.choices and event.choices[0].delta.content:
            yield event.choices[0].delta.content


def speak(pieces: Iterable[str], service: str, **fields) -> Iterator[bytes]:
    """The sound of a text whose pieces still come. fields: of POST /streams, such as voice.

    Raises what fails, of the text too.
    """
    key = os.environ.get("COSYVOICE_API_KEY", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    errors: list[Exception] = []

    def post(path: str, **values) -> dict:
        while True:
            answer = requests.post(service + path, json=values, headers=headers, timeout=60)
            if answer.status_code != 429 or "Retry-After" not in answer.headers:
                break
            time.sleep(int(answer.headers["Retry-After"]))  # enough text waits to be spoken
        if not answer.ok:
            raise RuntimeError(answer.text)
        return answer.json()

    def write():
        try:
            for piece in pieces:
                post(stream["text"], text=piece)
            post(stream["end"])
        except Exception as error:
            errors.append(error)
            requests.delete(f"{service}/streams/{stream['id']}", headers=headers, timeout=60)

    stream = post("/streams", **fields)
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        with requests.get(service + stream["audio"], headers=headers, stream=True) as answer:
            answer.raise_for_status()
            yield from answer.iter_content(None)
    finally:
        writer.join()
        if errors:
            raise errors[0]


def main(argv: list[str] | None = None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("question")
    parser.add_argument("--model", default="gpt-4o-mini", help="of the chat")
    parser.add_argument("--service", default="http://127.0.0.1:9883", help="of the speech")
    parser.add_argument("--voice", default="中文女")
    parser.add_argument("-o", "--output", default="answer.mp3", help="a file, or - for stdout")
    options = parser.parse_args(argv)
    pieces = chat(options.question, options.model)
    file = sys.stdout.buffer if options.output == "-" else open(options.output, "wb")
    with file:
        for data in speak(pieces, options.service.rstrip("/"), voice=options.voice):
            file.write(data)
            file.flush()


if __name__ == "__main__":
    main()
