"""The page in real headless Chromium, with the real service and the fake engine.

Skipped where Playwright's Python package or the system's Chromium is missing. Marks in the text
control the fake engine, see support/fake_engine.py. Its tone starts at 200 Hz + seed.
"""

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import wave
from pathlib import Path
from urllib.parse import urlsplit

import imageio_ffmpeg
import numpy as np
import pytest
import requests
import soundfile

from tests.support.fake_engine import RATE, tone
from tests.support.jobs import SFT
from tests.support.server import FAKE_SERVER, ROOT, figure, free_port, send
from tests.support.waiting import wait_for

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this system"),
]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
]
PATIENCE = 30_000  # ms, for a machine that is busy with other things
sync_api.expect.set_options(timeout=PATIENCE)
SLOW = "一句慢慢说的话。{chunks=6 size=22050 delay=0.3}"  # 6 s of sound, made in about 2 s
QUICK = SLOW.replace("delay=0.3", "delay=0.1")
BROKEN = QUICK.replace("delay", "fail=3 delay")


# the service, the browser, a page


@contextlib.contextmanager
def running_service(folder: Path, **environment):
    """The service's address; its store is folder/store."""
    port = free_port()
    for name in ("output", "reference", "model"):
        (folder / name).mkdir()
    places = {
        "COSYVOICE_MODEL": folder / "model",
        "OUTPUT_DIR": folder / "output",
        "STORE_DIR": folder / "store",
        "REFERENCE_DIR": folder / "reference",
    }
    command = [*FAKE_SERVER, "--port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **{k: str(v) for k, v in places.items()}, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_for(lambda: is_up(address, process), 120)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def is_up(address: str, process: subprocess.Popen) -> bool:
    assert process.poll() is None, "the service did not start"
    with contextlib.suppress(requests.ConnectionError, requests.Timeout):
        return requests.get(f"{address}health", timeout=5).ok
    return False


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service_address(place):
    with running_service(place) as address:
        yield address


@pytest.fixture(scope="module")
def microphone(tmp_path_factory):
    """The sound of Chromium's fake microphone: 5 s of syllables on a 140 Hz voice."""
    path, t = tmp_path_factory.mktemp("microphone") / "voice.wav", np.arange(5 * 48000) / 48000
    voice = (
        sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 9))
        * np.abs(np.sin(2 * np.pi * 2 * t))
        * 0.15
    )
    soundfile.write(path, voice.astype(np.float32), 48000, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def browser(microphone):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*FLAGS, f"--use-file-for-fake-audio-capture={microphone}"],
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, service_address):
    """A function that opens the page for a new visitor.

    After the test, the console must show no error, and no address a foreign host or a key.
    """
    contexts, troubles, addresses = [], [], []

    def watch(tab):
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on(
            "console",
            lambda said: (
                said.type == "error"
                and "Failed to load resource" not in said.text
                and troubles.append(said.text)
            ),
        )
        tab.on("request", lambda request: addresses.append(request.url))

    def open_page(address=None, locale="en-US", width=1280, script="", **options):
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": 800}, **options
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.on("page", watch)
        if script:
            context.add_init_script(script)
        tab = context.new_page()
        tab.goto(address or service_address)
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert not troubles
    assert all(
        re.match(r"(blob:)?http://127\.0\.0\.1:\d+/", a) and "secret" not in a for a in addresses
    )


def wait_for_sound(page):
    """Until sound has come; the first figures may be there before."""
    sync_api.expect(page.locator("#figures")).to_contain_text("Length")


def speak(page, text=None, mode="sft", wait=True):
    """Choose, write, press the button; returns the request that the page sent."""
    page.locator(f"[name=mode][value={mode}]").check(force=True)
    if mode in ("sft", "instruct"):
        page.wait_for_selector("#speakers .chip")
    if text:
        page.fill("#text", text)
    with page.expect_request("**/generate_audio") as sent:
        page.click("#speak")
    if wait:
        page.wait_for_selector("#save-wav:visible")
    return sent.value


def set_advanced(page, seed=None, format=None):
    page.click("#advanced summary")
    if seed is not None:
        page.fill("#seed", seed)
    if format is not None:
        page.select_option("#format", format)


KEEP_UPLOADS = """const real = window.fetch;
window.fetch = (path, options) => {
    if (options?.body instanceof FormData) window.uploaded = options.body;
    return real(path, options);
};"""


def uploaded(page, tmp_path) -> tuple[dict, Path]:
    """Fields and file of the last multipart request of a page opened with KEEP_UPLOADS."""
    fields, name, data = page.evaluate("""async () => {
        const { prompt_speech_16k: file, ...fields } = Object.fromEntries(window.uploaded);
        const address = await new Promise((done) => { const reader = new FileReader();
            reader.onload = () => done(reader.result); reader.readAsDataURL(file); });
        return [fields, file.name, address.split(",")[1]]; }""")
    (tmp_path / f"sent-{name}").write_bytes(base64.b64decode(data))
    return fields, tmp_path / f"sent-{name}"


def download(page, button, tmp_path) -> Path:
    with page.expect_download() as got:
        page.click(button)
    got.value.save_as(path := tmp_path / got.value.suggested_filename)
    return path


def decode(path) -> np.ndarray:
    """Sound of any kind -> (N,) at RATE."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        str(path),
        "-f",
        "f32le",
        "-ac",
        "1",
        "-ar",
        str(RATE),
        "-",
    ]
    return np.frombuffer(
        subprocess.run(command, capture_output=True, check=True).stdout, np.float32
    )


def assert_is_tone(samples, seconds, seed=0):
    """The decoded sound is the engine's, up to the codec's delay (1105 samples) and loss."""
    assert abs(len(samples) / RATE - seconds) < 0.1
    expected = tone(0, int(seconds * RATE), seed)[0]
    heard = samples[len(samples) - len(expected) :] if len(samples) >= len(expected) else samples
    best = max(
        np.corrcoef(samples[lag : lag + 40000], expected[:40000])[0, 1]
        for lag in (0, 1104, 1105, 1106)
    )
    assert best > 0.98 and np.abs(heard).max() > 0.3


# opening it


def first_paint(page) -> float:
    """Of a reload, in ms."""
    page.reload()
    page.wait_for_selector("#speakers .chip")
    return page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")


def test_it_is_painted_within_a_second(visit):
    if os.name == "posix" and os.getloadavg()[0] > 3 * os.cpu_count():
        pytest.skip("the machine is too busy to time a paint")
    page = visit()
    page.wait_for_selector("#speakers .chip")
    assert min(first_paint(page) for _ in range(3)) < 1000


def test_it_opens_at_once_and_is_ready_to_speak(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    sync_api.expect(page.locator("#status")).to_contain_text("Ready")
    assert len(page.input_value("#text")) > 20 and page.input_value("#format") == "mp3"
    assert page.locator("#speakers :checked").input_value() == "英文女"


def test_it_speaks_the_visitors_language(visit):
    page = visit(locale="zh-CN")
    sync_api.expect(page.locator("#speak")).to_have_text("生成语音")
    assert (
        page.locator("html").get_attribute("lang") == "zh-CN"
        and page.locator("#speakers :checked").input_value() == "中文女"
    )
    page.click("#language")
    sync_api.expect(page.locator("#speak")).to_have_text("Generate speech")
    page.reload()
    sync_api.expect(page.locator("#speak")).to_have_text("Generate speech")


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_nothing_sticks_out_on_a_phone(visit, locale):
    page = visit(locale=locale, width=360)
    for mode in ("sft", "clone", "cross", "instruct"):
        page.locator(f"[value={mode}]").check(force=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#speak").bounding_box()["y"] < 800
    sync_api.expect(page.locator("#status")).to_contain_text(
        {"zh-CN": "就绪", "en-US": "Ready"}[locale]
    )
    assert page.evaluate(
        "(word => word.scrollWidth <= word.clientWidth)(document.querySelector('#status span'))"
    ), "the state is read whole"


@pytest.mark.parametrize("width", [360, 1280])
def test_what_is_wrong_is_said_where_it_is_seen(visit, width):
    """The form is longer than the window: the sentence must not wait below it."""
    page = visit(width=width)
    page.set_viewport_size({"width": width, "height": 640})
    page.wait_for_selector("#speakers .chip")
    page.locator("[value=clone]").check(force=True)
    page.click("#speak")
    sentence, wanted = (
        page.locator("#notice").bounding_box(),
        page.locator("#record").bounding_box(),
    )
    below = page.locator("#speak").bounding_box()["y"] if width == 360 else 640
    assert (
        0 <= wanted["y"]
        and wanted["y"] + wanted["height"] <= sentence["y"]
        and sentence["y"] + sentence["height"] <= below
    )


def test_the_description_of_the_api_fits_a_phone(visit, service_address):
    page = visit(f"{service_address}docs", width=360, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert (
        page.evaluate("getComputedStyle(document.querySelector('a')).color") == "rgb(102, 170, 255)"
    ), "light on dark"


def test_theme_follows_the_system_and_can_be_changed(visit):
    page = visit(color_scheme="dark")
    theme = page.locator("html")
    sync_api.expect(theme).to_have_attribute("data-theme", "dark")
    page.click("#theme")
    page.reload()
    sync_api.expect(theme).to_have_attribute("data-theme", "light")


def test_the_visitors_id_stays(visit):
    page = visit()
    first = page.evaluate("localStorage.cosyvoice_user ?? ''") or None
    page.click("#settings-open")
    shown = page.input_value("#user")
    assert re.fullmatch(r"web-[a-z0-5]{12}", shown) and first in (None, shown)
    page.reload()
    page.click("#settings-open")
    assert page.input_value("#user") == shown


# hearing


def test_sound_is_heard_while_it_is_made(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.evaluate("""() => { const context = new AudioContext();
        window.ear = new AnalyserNode(context, { fftSize: 8192 });
        context.createMediaElementSource(document.querySelector("#audio"))
            .connect(window.ear).connect(context.destination); }""")
    set_advanced(page, seed="240")
    speak(page, SLOW.replace("chunks=6", "chunks=10"), wait=False)
    wait_for_sound(page)
    time.sleep(0.8)
    heard = page.evaluate("""() => { const bins = new Float32Array(window.ear.frequencyBinCount);
        window.ear.getFloatFrequencyData(bins);
        const most = bins.indexOf(Math.max(...bins));
        return { hertz: most * window.ear.context.sampleRate / 8192, level: bins[most],
                 at: document.querySelector("#audio").currentTime,
                 making: document.querySelector("#speak").classList.contains("stop") }; }""")
    assert heard["making"] and heard["at"] > 0.2
    assert abs(heard["hertz"] - 440) < 40 and heard["level"] > -70  # dB; silence is below -100


def test_mp3_and_wav_can_be_kept(visit, tmp_path):
    page = visit()
    set_advanced(page, seed="7")
    request = speak(page, "你好，世界。{chunks=3 size=22050}")
    assert json.loads(request.post_data) == {
        "mode": "预训练音色",
        "tts_text": "你好，世界。{chunks=3 size=22050}",
        "spk_id": "英文女",
        "seed": 7,
        "speed": 1,
        "stream": "True",
    }
    assert re.fullmatch(r"[a-z0-5]{24}", request.headers["x-request-id"])
    mp3, wav = download(page, "#save-mp3", tmp_path), download(page, "#save-wav", tmp_path)
    assert (
        mp3.name.startswith("你好")
        and mp3.suffix == ".mp3"
        and soundfile.info(wav).samplerate == RATE
    )
    assert_is_tone(decode(mp3), 3, seed=7)
    assert_is_tone(decode(wav), 3, seed=7)


def test_what_the_dice_and_the_slider_show_is_sent(visit):
    page = visit()
    set_advanced(page)
    thrown = set()
    for _ in range(2):
        page.click("#dice")
        thrown.add(page.input_value("#seed"))
    page.focus("#speed")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    sync_api.expect(page.locator("#speed-value")).to_have_text("1.25×")
    fields = json.loads(speak(page, "骰子。{chunks=2 size=22050}").post_data)
    assert (
        len(thrown) == 2
        and fields["seed"] == int(page.input_value("#seed"))
        and fields["speed"] == 1.25
    )
    sync_api.expect(page.locator("#figures")).to_contain_text(str(fields["seed"]))


def test_the_longest_text_is_what_the_service_says(visit):
    page = visit(locale="zh-CN")
    page.wait_for_selector("#speakers .chip")
    page.fill("#text", "长" * 10_001)
    sync_api.expect(page.locator("#count")).to_have_text(
        "10001 个字，一次最多 10000 个：请分成几段"
    )
    page.route("**/ready", lambda route: route.fulfill(json={"ready": True, "max_text_chars": 20}))
    page.reload()
    page.fill("#text", "长" * 21)
    sync_api.expect(page.locator("#count")).to_have_text("21 个字，一次最多 20 个：请分成几段")
    page.fill("#text", "长" * 20)
    sync_api.expect(page.locator("#count")).to_contain_text("20 个字，约")


def test_figures_and_waveform_are_shown(visit):
    page = visit()
    speak(page, "数字。{chunks=3 size=22050}")
    shown = page.locator("#figures").text_content()
    assert "First sound" in shown and "Real-time factor" in shown and "3.1 s" in shown
    inked = page.evaluate("""() => { const c = document.querySelector("#wave");
        const data = c.getContext("2d").getImageData(0, 0, c.width, 12).data;
        return data.some((x, i) => i % 4 === 3 && x > 0); }""")
    assert inked, "the bars reach the upper rows"


def test_without_streaming_a_wav_is_asked_and_played(visit, tmp_path):
    page = visit()
    set_advanced(page, format="wav")
    request = speak(page, "整段。{chunks=2 size=22050}")
    assert json.loads(request.post_data)["stream"] == "False"
    assert not page.is_visible("#save-mp3")
    with wave.open(str(download(page, "#save-wav", tmp_path))) as file:
        assert file.getnframes() == 2 * 22050
    assert page.evaluate("document.querySelector('#audio').duration") == pytest.approx(2, abs=0.01)


def test_a_browser_without_media_source_plays_at_the_end(visit):
    page = visit(script="delete window.MediaSource; delete window.ManagedMediaSource")
    speak(page, "没有流。{chunks=2 size=22050}")
    page.wait_for_selector("#play[aria-label=Pause]")
    sync_api.expect(page.locator("#figures")).to_contain_text("First sound")


def test_a_model_slower_than_the_sound_makes_pauses_and_says_so(visit):
    page = visit()
    speak(page, "慢。{chunks=4 size=11025 delay=0.9}", wait=False)
    sync_api.expect(page.locator("#progress")).to_contain_text("made more slowly")
    page.wait_for_selector("#save-wav:visible")
    page.wait_for_selector("#play[aria-label=Play]")
    assert page.evaluate("document.querySelector('#audio').currentTime") == pytest.approx(
        2.05, abs=0.15
    )


def test_stop_keeps_what_was_made(visit):
    page = visit()
    speak(page, SLOW.replace("chunks=6", "chunks=60"), wait=False)
    wait_for_sound(page)
    page.click("#speak")
    sync_api.expect(page.locator("#progress")).to_contain_text("Stopped after")
    page.wait_for_selector("#save-mp3:visible")
    page.wait_for_function("document.querySelector('#audio').paused")


def test_the_history_plays_again(visit):
    page = visit()
    speak(page, "第一句。{chunks=1 size=22050}")
    speak(page, "第二句。{chunks=2 size=22050}")
    sync_api.expect(page.locator("#takes li")).to_have_count(2)
    page.click("#takes li:nth-child(2) .past")
    sync_api.expect(page.locator("#progress")).to_contain_text("1.1 s")
    page.wait_for_selector("#play[aria-label=Pause]")


def test_the_curl_command_does_the_same(visit, tmp_path):
    page = visit()
    speak(page, "it's one. {chunks=2 size=22050}")
    page.click("#more summary")
    command = page.locator("#command-text").inner_text()
    subprocess.run(["bash", "-c", f"{command} -s"], cwd=tmp_path, check=True, timeout=30)
    assert_is_tone(decode(tmp_path / "speech.mp3"), 2)


# the request's state beside the sound


def test_the_queue_is_visible(visit, tmp_path):
    with running_service(tmp_path, MAX_CONCURRENT="1") as address:
        page = visit(address)
        page.wait_for_selector("#speakers .chip")
        job = json.dumps({**SFT, "tts_text": "别人。{chunks=2 size=22050 delay=4}"}).encode()
        port = urlsplit(address).port
        with send(port, job), send(port, job):  # one speaks, one waits
            wait_for(lambda: figure(address, "queue_length") == 1)
            speak(page, "等。", wait=False)
            sync_api.expect(page.locator("#progress")).to_contain_text(
                "In the queue: 1 before you, starts in about"
            )
            page.click("#speak")
        wait_for(lambda: figure(address, "running") == 0)


def test_the_first_sound_waits_for_enough_to_go_on_with(visit):
    page = visit()
    speak(page, "短。{chunks=4 size=8820 delay=0.5}")  # 0.4 s of sound each
    assert float(page.locator("#figures dd").first.text_content().split()[0]) > 0.95


def test_the_sentence_being_spoken_is_lit(visit, tmp_path):
    page = visit()
    speak(page, "两句。{chunks=3 size=110250 delay=0.1}")
    lit = page.locator("#sentences [aria-current]")
    page.locator("#sentences span").nth(1).click()
    sync_api.expect(lit).to_have_text("句1")
    page.locator("#sentences span").nth(0).press("Enter")
    sync_api.expect(lit).to_have_text("句0")
    subtitles = download(page, "#save-srt", tmp_path).read_text("utf-8")
    assert (
        "00:00:00,000 --> 00:00:10,000" in subtitles
        and "00:00:10,000 --> 00:00:15,000" in subtitles
    )


# the reference


def test_a_recorded_voice_is_cloned_and_kept(visit, place, tmp_path):
    page = visit(permissions=["microphone"], script=KEEP_UPLOADS)
    page.locator("[value=clone]").check(force=True)
    page.click("#record")
    page.wait_for_selector("#recording:visible")
    assert "window" in page.locator("#script").inner_text()
    time.sleep(3.6)
    assert int(page.locator("#level").get_attribute("aria-valuenow")) > 20
    assert re.fullmatch(r"0:0\d, 0:2\d left", page.locator("#clock").inner_text()), "of 28 s"
    page.click("#record-stop")
    page.wait_for_selector("#findings li")
    assert "long: good" in page.locator("#findings").inner_text()
    assert page.input_value("#transcript") == page.locator(
        "#script"
    ).inner_text() or "window" in page.input_value("#transcript")
    page.fill("#keep", "我的声音")
    page.click("#speak")
    sync_api.expect(page.locator("#notice")).to_contain_text("confirm that the voice is yours")
    page.check("#consent")
    speak(page, "克隆。{chunks=2 size=22050}", mode="clone")
    fields, sent = uploaded(page, tmp_path)
    assert {"mode", "prompt_text", "exp_name", "user_id", "consent", "stream"} <= set(fields)
    check_recording(sent)
    user = page.evaluate("localStorage.cosyvoice_user")
    assert any(user in str(path) for path in (place / "store").rglob("*")), (
        "the voice is in the store"
    )
    said, deck = page.locator("#notice").bounding_box(), page.locator("#player").bounding_box()
    assert said["y"] >= 0 and said["y"] + said["height"] <= deck["y"], (
        "the sentence is seen and covers nothing"
    )
    page.click("text=Speak with it")
    assert page.locator("#voices :checked").input_value() == "我的声音"
    fields = json.loads(speak(page, "再说一次。").post_data)
    assert (
        fields["spk_customize"] == "我的声音"
        and fields["user_id"] == user
        and "spk_id" not in fields
    )


def check_recording(path):
    """A 16-bit mono WAV of what the microphone heard."""
    info = soundfile.info(path)
    assert (info.subtype, info.channels, info.samplerate) == (
        "PCM_16",
        1,
        24000,
    ) and 3 < info.duration < 9
    samples, _ = soundfile.read(path)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    loudest = np.fft.rfftfreq(len(samples), 1 / 24000)[spectrum.argmax()]
    assert abs(loudest - 140 * round(loudest / 140)) < 8


def test_a_microphone_that_is_denied_is_explained(visit):
    page = visit()
    page.locator("[value=cross]").check(force=True)
    page.click("#record")
    sync_api.expect(page.locator("#notice")).to_contain_text("microphone is not allowed")
    assert page.is_visible("#drop")


def sound_file(tmp_path, name, samples, rate=24000) -> str:
    soundfile.write(tmp_path / name, np.asarray(samples, np.float32), rate)
    return str(tmp_path / name)


def speech_like(seconds, level=0.4, rate=24000):
    t = np.arange(int(seconds * rate)) / rate
    pauses = (t % 3) < 2.4
    noise = np.random.default_rng(0).normal(0, 1e-4, len(t))
    return (
        level * pauses * np.abs(np.sin(2 * np.pi * 2.2 * t)) * np.sin(2 * np.pi * 180 * t) + noise
    )


@pytest.mark.parametrize(
    "name, samples, said",
    [
        ("good.flac", speech_like(6), "level: good"),
        ("silent.wav", np.zeros(72000), "nothing can be heard"),
        ("short.wav", speech_like(1.2), "only 1.2 s"),
        ("quiet.wav", speech_like(5, 0.01), "very quiet"),
        ("clipped.wav", np.clip(speech_like(5, 2.0), -1, 1), "distorted"),
        ("long.wav", speech_like(50), "cut at pauses"),
    ],
)
def test_the_look_at_a_recording_says_what_is_wrong(visit, tmp_path, name, samples, said):
    page = visit()
    page.locator("[value=cross]").check(force=True)
    page.set_input_files("#file", sound_file(tmp_path, name, samples))
    sync_api.expect(page.locator("#findings")).to_contain_text(said)


def test_a_long_recording_is_cut_and_a_good_one_sent_as_it_is(visit, tmp_path):
    page = visit(script=KEEP_UPLOADS)
    page.locator("[value=cross]").check(force=True)
    good = sound_file(tmp_path, "good.flac", speech_like(6))
    page.set_input_files("#file", good)
    page.check("#consent")
    page.wait_for_selector("#findings li")
    speak(page, "Hello. {chunks=1}", mode="cross")
    fields, sent = uploaded(page, tmp_path)
    assert sent.read_bytes() == Path(good).read_bytes() and "prompt_text" not in fields
    page.set_input_files("#file", sound_file(tmp_path, "long.wav", speech_like(50)))
    sync_api.expect(page.locator("#findings")).to_contain_text("0:50")
    sync_api.expect(
        page.locator("#consent")
    ).not_to_be_checked()  # it was given for the first recording
    page.check("#consent")
    speak(page, "Hello. {chunks=1}", mode="cross")
    assert 20 < soundfile.info(uploaded(page, tmp_path)[1]).duration <= 28.1


def test_a_file_that_is_no_sound_is_refused(visit, tmp_path):
    page = visit(locale="zh-CN")
    page.locator("[value=clone]").check(force=True)
    (tmp_path / "a.txt").write_text("hello")
    page.set_input_files("#file", str(tmp_path / "a.txt"))
    sync_api.expect(page.locator("#notice")).to_contain_text("不是声音文件")
    (tmp_path / "b.wav").write_text("not a wav at all")
    page.set_input_files("#file", str(tmp_path / "b.wav"))
    sync_api.expect(page.locator("#findings")).to_contain_text("由服务来检查")
    page.fill("#transcript", "你好")
    page.check("#consent")
    speak(page, "试试。", mode="clone", wait=False)
    sync_api.expect(page.locator("#notice")).to_be_visible()
    assert not re.search("[a-z]{4} ", page.locator("#notice p").inner_text()), (
        "only the Chinese half is shown"
    )


def test_a_dropped_file_is_the_reference_and_one_dropped_beside_does_not_replace_the_page(
    visit, tmp_path
):
    page = visit()
    page.locator("[value=cross]").check(force=True)
    data = base64.b64encode(
        Path(sound_file(tmp_path, "good.flac", speech_like(6))).read_bytes()
    ).decode()
    dropped = page.evaluate_handle(
        """(data) => { const dropped = new DataTransfer();
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        dropped.items.add(new File([bytes], "good.flac"));
        return dropped; }""",
        data,
    )
    page.dispatch_event("#drop", "dragover", {"dataTransfer": dropped})
    assert "over" in page.locator("#drop").get_attribute("class")
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    sync_api.expect(page.locator("#findings")).to_contain_text("level: good")
    for event in ("dragover", "drop"):
        left_alone = page.evaluate(
            """([kind, dropped]) => document.body.dispatchEvent(
            new DragEvent(kind, { dataTransfer: dropped, bubbles: true, cancelable: true }))""",
            [event, dropped],
        )
        assert not left_alone, "the browser would open the file"


def test_an_instruction_is_needed_and_examples_help(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.locator("[value=instruct]").check(force=True)
    page.click("#speak")
    sync_api.expect(page.locator("#notice")).to_contain_text("Describe how it should sound")
    assert page.evaluate("document.activeElement.id") == "instruction"
    page.click("#examples button >> nth=0")
    fields = json.loads(speak(page, "慢。{chunks=1}", mode="instruct", wait=False).post_data)
    assert fields["prompt_text"] == "Speak slowly." and fields["mode"] == "自然语言控制"


ANSWERS_OF_COSYVOICE3 = """const real = window.fetch;
const list = [{ text: "请用四川话表达。", kind: "dialect", en: "Sichuanese", zh: "四川话" }];
window.fetch = (path, options) => path === "instructions"
    ? Promise.resolve(Response.json({ supported: true, with_recording: true, instructions: list }))
    : real(path, options);"""


def test_a_model_may_offer_instructions_and_take_a_recording_with_them(visit, microphone, tmp_path):
    page = visit(script=ANSWERS_OF_COSYVOICE3 + KEEP_UPLOADS.replace("real", "faked"))
    page.wait_for_selector("#speakers .chip")
    page.locator("[value=instruct]").check(force=True)
    page.click("#examples button:has-text('Sichuanese')")
    fields = json.loads(speak(page, "慢。{chunks=1}", mode="instruct", wait=False).post_data)
    assert fields["prompt_text"] == "请用四川话表达。" and fields["spk_id"] == "英文女"
    page.set_input_files("#file", microphone)
    page.check("#consent")
    page.wait_for_selector("#look:visible")
    page.wait_for_selector("#speak:not(.stop)")
    speak(page, mode="instruct", wait=False)
    fields, sent = uploaded(page, tmp_path)
    assert "spk_id" not in fields and fields["prompt_text"] == "请用四川话表达。"
    assert soundfile.info(sent).duration == pytest.approx(5, abs=0.1)


# saved voices


def keep_voice(address: str, user: str, name: str, microphone: Path):
    with open(microphone, "rb") as file:
        answer = requests.post(
            f"{address}voices",
            {"user_id": user, "name": name, "prompt_text": "一句话。"},
            files={"prompt_speech_16k": file},
            timeout=60,
        )
    assert answer.ok, answer.text


def test_a_saved_voice_can_be_heard_and_deleted_in_every_tab(
    visit, service_address, microphone, place
):
    page = visit(locale="zh-CN")
    page.wait_for_selector("#speakers .chip")
    page.click("#settings-open")
    keep_voice(service_address, user := page.input_value("#user"), "小雨", microphone)
    kept = place / "store"
    assert any("cosyvoice" in str(path) and user in str(path) for path in kept.rglob("*.pt"))
    page.reload()
    other = page.context.new_page()
    other.goto(service_address)
    other.wait_for_selector("#voices .chip")
    page.locator("#voices input").check(force=True)
    page.fill("#text", "{chunks=3 size=110250}")
    speak(page)
    sync_api.expect(page.locator("#play use")).to_have_attribute("href", "#i-pause")
    page.route("**/generate_audio", lambda route: (time.sleep(0.5), route.continue_()))
    hear = page.locator("#voices .hear")
    hear.click()
    sync_api.expect(hear).to_have_attribute("aria-busy", "true")
    sync_api.expect(hear.locator("use")).to_have_attribute("href", "#i-stop")
    sync_api.expect(hear).to_have_attribute("aria-busy", "false")
    sync_api.expect(page.locator("#play use")).to_have_attribute(
        "href", "#i-play"
    )  # one sound at a time
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#forget")
    sync_api.expect(page.locator("#notice")).to_contain_text("已删除“小雨”")
    sync_api.expect(other.locator("#own")).to_be_hidden()
    assert page.locator("#speakers :checked").count() == 1
    assert not any(user in str(path) for path in kept.rglob("*.pt"))


def test_a_voice_deleted_while_it_speaks_is_heard_to_the_end(
    visit, service_address, microphone, tmp_path
):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.click("#settings-open")
    keep_voice(service_address, user := page.input_value("#user"), "short-lived", microphone)
    page.reload()
    page.locator("#voices input").check(force=True)
    page.fill("#text", SLOW)
    page.click("#speak")
    page.wait_for_selector("#figures dd", state="attached")
    assert requests.delete(
        f"{service_address}voices/short-lived", params={"user_id": user}, timeout=30
    ).ok
    page.wait_for_selector("#save-wav:visible")
    assert_is_tone(decode(download(page, "#save-mp3", tmp_path)), 6)
    page.click("#speak")
    sync_api.expect(page.locator("#notice")).to_contain_text("short-lived")


# trouble


def test_an_error_is_a_sentence_in_the_pages_language(visit):
    page = visit(locale="zh-CN")
    speak(page, "坏。{error=TextError}", wait=False)
    sync_api.expect(page.locator("#notice p")).to_have_text("引擎拒绝")
    assert page.evaluate("document.activeElement.id") == "text"
    sync_api.expect(page.locator("#progress")).to_have_text("没有生成声音")
    sync_api.expect(page.locator("#play")).to_have_attribute("aria-label", "播放")
    page.click("#language")
    sync_api.expect(page.locator("#notice p")).to_have_text("the engine refuses")


def test_a_busy_service_is_asked_again_when_it_said(visit):
    page = visit()
    refusals = iter([True])

    def answer(route):
        if next(refusals, False):
            return route.fulfill(
                status=503,
                headers={"Retry-After": "1"},
                json={"error": "busy: wait / 忙：请稍候", "code": "busy", "field": None},
            )
        route.continue_()

    page.route("**/generate_audio", answer)
    speak(page, "忙。{chunks=1}", wait=False)
    sync_api.expect(page.locator("#notice p")).to_have_text("busy: wait")
    page.wait_for_selector("#save-mp3:visible")


def test_a_lost_connection_says_so_and_goes_on(visit, tmp_path):
    page = visit()
    speak(page, BROKEN, wait=False)
    notice = page.locator("#notice")
    sync_api.expect(notice).to_contain_text("broke off after")
    ids = []

    def repaired(route):
        ids.append(route.request.headers["x-request-id"])
        route.continue_(post_data=route.request.post_data.replace("fail=3 ", ""))

    page.route("**/generate_audio", repaired)
    page.click("text=Go on from there")
    sync_api.expect(page.locator("#progress")).to_contain_text("Done: 6.1 s")
    assert len(ids) == 1 and notice.is_hidden()
    page.reload()
    sync_api.expect(page.locator("#takes li")).to_have_count(1)  # the whole one, not both
    page.click("#takes .past")
    resumed = decode(download(page, "#save-mp3", tmp_path))
    page.unroute("**/generate_audio")
    speak(page, QUICK)
    whole = decode(download(page, "#save-mp3", tmp_path))
    assert len(resumed) == len(whole) and np.abs(resumed - whole).max() < 0.02


def test_a_service_that_is_gone_is_said_to_be(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.route("**/generate_audio", lambda route: route.abort())
    speak(page, "没人。", wait=False)
    sync_api.expect(page.locator("#notice")).to_contain_text("does not answer")
    page.unroute("**/generate_audio")
    page.click("text=Try again")
    page.wait_for_selector("#save-mp3:visible")


def test_the_key_is_asked_once_and_goes_in_a_header(visit, tmp_path):
    with running_service(tmp_path, API_KEY="secret-key") as address:
        page = visit(address)
        page.wait_for_selector("#key[open]")
        page.fill("#key-value", "secret-wrong")
        page.keyboard.press("Enter")
        sync_api.expect(page.locator("#key-hint")).to_contain_text("not accepted")
        page.fill("#key-value", "secret-key")
        page.keyboard.press("Enter")
        page.wait_for_selector("#speakers .chip")
        request = speak(page, "有钥匙。{chunks=1}")
        assert request.headers["authorization"] == "Bearer secret-key"
        page.click("#more summary")
        assert (
            "$API_KEY" in page.locator("#command-text").inner_text()
            and "secret" not in page.locator("#command-text").inner_text()
        )
        stored = page.evaluate("[JSON.stringify(localStorage), JSON.stringify(sessionStorage)]")
        assert "secret-key" not in stored[0] and "secret-key" in stored[1]
        page.reload()
        page.wait_for_selector("#speakers .chip")


# two tabs, keyboard


def test_two_tabs_do_not_talk_at_once(visit, service_address):
    first = visit()
    speak(first, "第一个。{chunks=20 size=22050}")
    first.wait_for_selector("#play[aria-label=Pause]")
    second = first.context.new_page()
    second.goto(service_address)
    speak(second, "第二个。{chunks=2 size=22050}")
    first.wait_for_selector("#play[aria-label=Play]")


def test_the_keyboard_is_enough(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.focus("[value=sft]")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("[value=clone]") and page.is_visible("#reference")
    page.keyboard.press("ArrowLeft")
    page.focus("#text")
    page.fill("#text", "键盘。{chunks=3 size=22050}")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#save-wav:visible")
    page.focus("#position")
    page.keyboard.press("Home")
    assert page.locator("#position").get_attribute("aria-valuetext").startswith("0:00 of 0:03")
    page.focus("#play")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


# how the text is read


def test_the_reading_is_shown_while_the_text_is_written(visit):
    page = visit(locale="zh-CN")
    page.wait_for_selector("#speakers .chip")
    page.click("#reading summary")
    page.fill("#text", '一共3个<font color="red">苹果</font>[pause 500ms]好吃')
    sync_api.expect(page.locator("#reading-text ruby")).to_have_text("三3")
    sync_api.expect(page.locator("#reading-text")).to_have_text("一共三3个苹果停顿 0.5 秒好吃")
    sync_api.expect(page.locator("#reading-note")).to_contain_text("font")
    page.fill("#text", "好[pause 5 apples]")
    sync_api.expect(page.locator("#reading-note")).to_contain_text(
        "[pause 5 apples] 不是有效的停顿"
    )
    page.fill("#text", "")
    sync_api.expect(page.locator("#reading-text")).to_be_empty()
    page.reload()  # it stays open
    sync_api.expect(page.locator("#reading-text")).not_to_be_empty()


def test_figures_alone_are_shown_in_the_language_of_the_chosen_voice(visit):
    page = visit(locale="zh-CN")
    page.wait_for_selector("#speakers .chip")
    page.click("#reading summary")
    page.fill("#text", "42")
    sync_api.expect(page.locator("#reading-text ruby")).to_have_text("四十二42")
    page.locator("#speakers [value=英文女]").check(force=True)
    sync_api.expect(page.locator("#reading-text")).to_contain_text("forty")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_list_of_pronunciations_is_kept_by_the_keyboard_alone(visit, width):
    page = visit(locale="zh-CN", width=width)
    page.wait_for_selector("#speakers .chip")
    page.click("#reading summary")
    page.fill("#text", "去重庆")
    page.focus("#words-open")
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#words")).to_be_visible()
    page.keyboard.type("重庆")
    page.keyboard.press("Tab")
    page.keyboard.type("chong9 qing4")
    page.keyboard.press("Enter")
    wrong = page.locator("#words-error")
    sync_api.expect(wrong).to_contain_text("没有音节 'chong9'")
    invalid = page.locator("#words-list [aria-invalid]")
    assert invalid.count() == 2 and invalid.first.evaluate("e => e === document.activeElement")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#words").bounding_box()["width"] <= width
    for keys in ("Tab", "Control+A"):
        page.keyboard.press(keys)
    page.keyboard.type("chong2 qing4")
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#words")).to_be_hidden()
    sync_api.expect(page.locator("#reading-text ruby")).to_have_text("chong2 qing4重庆")
    sent = speak(page).post_data_json
    assert sent["user_id"].startswith("web-") and sent["tts_text"] == "去重庆"
    page.reload()
    page.click("#words-open")
    said = page.locator("#words-list input").nth(1)
    sync_api.expect(said).to_have_value("chong2 qing4")
    page.locator("#words-list button").first.click()
    page.click("#words .main")
    sync_api.expect(page.locator("#reading-text ruby")).to_have_count(0)


def test_a_list_that_is_not_kept_changes_nothing(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.click("#words-open")
    sync_api.expect(page.locator("#words")).to_be_visible()
    page.keyboard.type("x")
    page.keyboard.press("Escape")
    sync_api.expect(page.locator("#words")).to_be_hidden()
    assert "user_id" not in speak(page, "好{chunks=1}").post_data_json
    page.click("#words-open")
    sync_api.expect(page.locator("#words-list li")).to_have_count(1)


def test_what_was_written_is_shown_and_its_words_are_its_title(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    speak(page, "<blink>好</blink>{chunks=1}")
    first = page.locator("#sentences span").first
    sync_api.expect(first).to_have_text("句0")
    sync_api.expect(first).to_have_attribute("title", "说0")
    sync_api.expect(page.locator("#progress")).to_contain_text("blink")


# long texts


def test_a_long_text_is_spoken_heard_saved_and_deleted(visit, tmp_path):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.click("#jobs summary")
    page.fill("#job-title", "Winter")
    page.fill("#job-text", "Chapter 1\n{chunks=1 size=22050}One.\nChapter 2\n{chunks=1}Two.")
    page.click("#job-start")
    job = page.locator("#jobs li")
    sync_api.expect(job).to_contain_text("done · 4 of 4 sentences")
    job.get_by_text("Listen so far").click()
    heard = "document.querySelector('#jobs audio').currentTime"
    wait_for(lambda: page.evaluate(heard) > 0.2, PATIENCE / 1000)
    with page.expect_download() as saved:
        job.get_by_text("Download").click()
    assert saved.value.suggested_filename == "Winter.m4b"
    with page.expect_download() as saved:
        job.get_by_text("SRT").click()
    assert saved.value.path().read_text("utf-8").count("-->") == 6
    page.on("dialog", lambda dialog: dialog.accept())
    job.get_by_text("Delete").click()
    sync_api.expect(job).to_have_count(0)


def test_a_long_text_that_cannot_be_read_is_told(visit, tmp_path):
    (tmp_path / "bad.epub").write_bytes(b"no EPUB")
    page = visit(locale="zh-CN")
    page.wait_for_selector("#speakers .chip")
    page.click("#jobs summary")
    page.set_input_files("#job-file", tmp_path / "bad.epub")
    form = page.locator("#jobs .jobs-form")
    sync_api.expect(form).to_contain_text("选择文件bad.epub移除文件")
    sync_api.expect(page.locator("#job-text")).to_be_hidden()
    page.click("#job-start")
    sync_api.expect(page.locator("#notice")).to_contain_text("无法读取该 EPUB")
    form.get_by_text("移除文件").click()
    sync_api.expect(page.locator("#job-text")).to_be_visible()
    assert page.input_value("#job-text") == "" and page.locator("#jobs li").count() == 0


# a recording and what belongs to it


def cloning_page(visit, microphone):
    page = visit(permissions=["microphone"])
    page.locator("[value=clone]").check(force=True)
    page.set_input_files("#file", microphone)
    page.wait_for_selector("#findings li")
    page.fill("#transcript", "words of the file")
    page.fill("#keep", "anna")
    page.check("#consent")
    return page


def belonging(page) -> tuple:
    """What was written and ticked for the recording."""
    return page.input_value("#transcript"), page.input_value("#keep"), page.is_checked("#consent")


def test_what_belongs_to_a_recording_goes_with_it(visit, microphone, tmp_path):
    page = cloning_page(visit, microphone)
    page.click("#look-drop")
    assert belonging(page) == ("", "", False)
    page.set_input_files("#file", microphone)
    page.wait_for_selector("#findings li")
    page.fill("#transcript", "words of the file")
    page.set_input_files("#file", sound_file(tmp_path, "other.flac", speech_like(6)))
    sync_api.expect(page.locator("#findings")).to_contain_text("6.0 s long")
    assert belonging(page) == ("", "", False)


def test_a_take_of_the_pages_sentence_always_brings_that_sentence(visit, microphone):
    page = cloning_page(visit, microphone)
    page.click("#record")
    page.wait_for_selector("#recording:visible")
    assert belonging(page) == ("", "", False)
    script = page.locator("#script").inner_text()
    page.click("#language")  # what was shown when the recording began is what was read
    page.fill("#transcript", "something else")
    time.sleep(0.6)
    page.click("#record-stop")
    page.wait_for_selector("#findings li")
    assert belonging(page) == (script, "", False)


def test_a_saved_voice_is_replaced_only_when_the_visitor_says_so(
    visit, service_address, microphone
):
    page = cloning_page(visit, microphone)
    page.wait_for_selector("#speakers .chip", state="attached")
    user = page.evaluate("localStorage.cosyvoice_user")
    keep_voice(service_address, user, "anna", microphone)  # on another device: unknown here
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    page.fill("#text", "替换。{chunks=1}")
    page.click("#speak")
    notice = page.locator("#notice")
    sync_api.expect(notice).to_contain_text("“anna” is one of your voices. Replace it")
    assert not any(address.endswith("generate_audio") for address in sent)
    assert page.evaluate("document.activeElement.id") == "keep"
    notice.locator("button").first.click()
    sync_api.expect(notice).to_contain_text("“anna” is saved")


def test_cloning_can_be_tried_without_a_recording(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.locator("[value=clone]").check(force=True)
    page.click("#sample")
    page.wait_for_selector("#findings li")
    transcript, name, consent = belonging(page)
    assert "nice to meet you" in transcript and not name and consent
    speak(page, "示例。{chunks=1}", mode="clone")


def test_the_words_that_were_heard_are_a_proposal_and_go_with_their_recording(
    visit, microphone, tmp_path
):
    page, asked = visit(), []
    ready = {"ready": True, "max_text_chars": 10000, "can_hear": True}
    page.route("**/ready", lambda route: route.fulfill(json=ready))

    def hear(route):
        asked.append(route.request.headers["content-type"])
        said = {"text": f"Words of file {len(asked)}.", "language": "en"}
        route.fulfill(json={"advice": [], "transcript": said})

    page.route("**/voices/doctor", hear)
    page.reload()
    page.wait_for_selector("#speakers .chip")
    page.locator("[value=cross]").check(force=True)  # which needs no words
    page.set_input_files("#file", microphone)
    page.wait_for_selector("#findings li")
    assert not asked
    page.locator("[value=clone]").check(force=True)
    page.fill("#transcript", "typed")
    proposal = page.locator("#proposal")
    sync_api.expect(proposal).to_contain_text("Words of file 1.")
    assert belonging(page) == ("typed", "", False)
    page.click("#proposal-use")
    sync_api.expect(proposal).to_be_hidden()
    assert belonging(page) == ("Words of file 1.", "", False)
    page.set_input_files("#file", sound_file(tmp_path, "other.flac", speech_like(6)))
    sync_api.expect(proposal).to_contain_text("Words of file 2.")
    assert belonging(page) == ("", "", False)
    page.click("#look-drop")
    sync_api.expect(proposal).to_be_hidden()
    page.click("#sample")  # whose words are known
    page.wait_for_selector("#findings li")
    assert len(asked) == 2 and "nice to meet you" in page.input_value("#transcript")


# hearing voices


def test_every_voice_has_a_sample_that_is_made_once(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    made = []
    page.on(
        "request",
        lambda sent: sent.url.endswith("generate_audio") and made.append(sent.post_data_json),
    )
    names = page.locator("#speakers .hear").evaluate_all("all => all.map((e) => e.ariaLabel)")
    assert [name.removeprefix("Listen to ") for name in names] == [
        "Mandarin, woman",
        "Mandarin, man",
        "English, woman",
    ]
    for _ in range(2):
        hear = page.locator("#speakers .hear").first
        hear.click()
        sync_api.expect(hear.locator("use")).to_have_attribute("href", "#i-stop")
        page.reload()
        page.wait_for_selector("#speakers .chip")
    assert [fields["spk_id"] for fields in made] == ["中文女"] and "你好" in made[0]["tts_text"]


def test_a_voice_of_another_language_than_the_text_is_noticed_and_replaced(visit):
    page = visit(locale="zh-CN")
    page.wait_for_selector("#speakers .chip")
    page.fill("#text", "The quick brown fox jumps over the lazy dog.")
    sync_api.expect(page.locator("#mismatch")).to_contain_text("文字是英语，这个声音说的是普通话")
    page.click("#mismatch-use")
    assert page.locator("#speakers :checked").input_value() == "英文女"
    sync_api.expect(page.locator("#mismatch")).to_be_hidden()


# what stays


def test_a_mode_chosen_while_the_page_loads_stays(visit):
    page = visit()
    page.locator("[value=clone]").check(force=True)
    page.reload()
    answers = []
    page.route("**/openapi.json", lambda route: answers.append(route))
    page.reload()
    assert page.is_checked("[value=clone]"), "the draft's mode"
    page.locator("[value=cross]").check(force=True)
    page.wait_for_selector("#speakers .chip", state="attached")
    for route in answers:
        route.continue_()
    page.wait_for_selector("#jobs:visible")
    assert page.is_checked("[value=cross]")


def test_draft_and_history_survive_a_reload(visit, tmp_path):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    page.locator("#speakers [value=中文男]").check(force=True)
    set_advanced(page, seed="7")
    speak(page, "第一句。{chunks=2 size=22050}")
    page.locator("[value=instruct]").check(force=True)
    page.fill("#instruction", "whisper")
    page.fill("#text", "a draft")
    page.fill("#seed", "8")
    page.reload()
    page.wait_for_selector("#takes li")
    assert page.input_value("#text") == "a draft" and page.input_value("#instruction") == "whisper"
    assert page.is_checked("[value=instruct]") and page.input_value("#seed") == "8"
    page.click("#takes .past")
    page.wait_for_selector("#play[aria-label=Pause]")
    page.click("#takes [aria-label^=Edit]")
    assert page.input_value("#text") == "第一句。{chunks=2 size=22050}"
    assert page.is_checked("[value=sft]") and page.input_value("#seed") == "7"
    assert page.locator("#speakers :checked").input_value() == "中文男"
    assert_is_tone(decode(download(page, "#takes [aria-label^=Download]", tmp_path)), 2, seed=7)
    page.click("#takes [aria-label^=Delete]")
    sync_api.expect(page.locator("#history")).to_be_hidden()
    page.reload()
    page.wait_for_selector("#speakers .chip")
    sync_api.expect(page.locator("#takes li")).to_have_count(0)


# files, code, one sentence


def test_a_wav_of_a_stream_is_made_anew_without_loss(visit, tmp_path):
    page = visit()
    speak(page, "无损。{chunks=2 size=22050}")
    with page.expect_request("**/generate_audio") as sent:
        path = download(page, "#save-wav", tmp_path)
    assert sent.value.post_data_json["stream"] == "False"
    samples, _ = soundfile.read(path, dtype="int16")
    assert np.abs(samples - tone(0, 44100, 0)[0] * 32767).max() <= 2
    page.click("#more-formats summary")
    assert soundfile.info(download(page, "#save-flac", tmp_path)).format == "FLAC"
    assert "WEBVTT" in download(page, "#save-vtt", tmp_path).read_text("utf-8")


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_code_in_python_and_javascript_does_the_same(visit, tmp_path):
    page = visit()
    speak(page, 'it\'s "one". {chunks=2 size=22050}')
    page.click("#more summary")
    runners = {
        "python": [sys.executable, "-c"],
        "javascript": ["node", "--input-type=module", "-e"],
    }
    for kind, command in runners.items():
        page.select_option("#command-kind", kind)
        code = page.locator("#command-text").inner_text()
        subprocess.run([*command, code], cwd=tmp_path, check=True, timeout=30)
        assert_is_tone(decode(tmp_path / "speech.mp3"), 2)
        (tmp_path / "speech.mp3").unlink()


def test_one_sentence_can_be_made_again(visit):
    page = visit()
    speak(page, "两句。{chunks=3 size=66150}")
    page.locator("#sentences span").nth(1).click()
    with page.expect_request("**/generate_audio") as sent:
        page.click("#again")
    again = sent.value.post_data_json
    assert again["tts_text"] == "句1" and again["spk_id"] == "英文女" and again["seed"] != 0


def test_a_text_file_is_read_and_a_cleared_text_comes_back(visit, tmp_path):
    page = visit(locale="zh-CN")
    for encoding in ("utf-8", "gb18030"):
        (tmp_path / "a.txt").write_text("从前有座山", encoding)
        page.set_input_files("#text-file", tmp_path / "a.txt")
        sync_api.expect(page.locator("#text")).to_have_value("从前有座山")
        page.click("#text-clear")
        sync_api.expect(page.locator("#text")).to_have_value("")
    page.click("#notice >> text=撤销")
    sync_api.expect(page.locator("#text")).to_have_value("从前有座山")
    page.click("#text-sample")
    assert len(page.input_value("#text")) > 20


# what the service is


def test_a_rough_model_says_so_beside_its_name(visit):
    page = visit()
    page.wait_for_selector("#speakers .chip")
    sync_api.expect(page.locator("#rough-open")).to_be_hidden()
    mini = {"ready": True, "model": "CosyVoice-Mini-25Hz-v2", "max_text_chars": 10000}
    page.route("**/ready", lambda route: route.fulfill(json=mini))
    page.reload()
    page.click("#rough-open")
    sync_api.expect(page.locator("#rough-command")).to_contain_text(
        "-m cosyvoice download CosyVoice-300M-25Hz"
    )


def test_what_programs_need_is_linked(visit, service_address):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.click("#openai-copy")
    sync_api.expect(page.locator("#openai-copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{service_address}v1"
    sync_api.expect(page.locator("#readme")).to_be_visible()
    for link in page.locator(".foot a").all():
        assert requests.get(link.evaluate("(link) => link.href"), timeout=10).ok


def test_a_call_can_be_tried_in_the_description(visit, service_address):
    page = visit(f"{service_address}docs")
    section = page.locator("#post-generate_audio")
    section.locator("summary").click()
    section.locator("[name=mode]").select_option("预训练音色")
    section.locator("[name=tts_text]").fill("试试。{chunks=1}")
    section.locator("[name=spk_id]").fill("中文女")
    section.locator("button").click()
    section.locator("audio").wait_for()
    section.locator("[name=spk_id]").fill("nobody")
    section.locator("button").click()
    sync_api.expect(section.locator("pre")).to_contain_text("spk_id")


def test_an_address_of_sound_plays_in_a_tab_of_its_own(visit, service_address):
    address = f"{service_address}generate_audio_get?mode=预训练音色&spk_id=中文女&tts_text="
    page = visit(f"{address}你好。{{chunks=2 size=22050}}")
    page.wait_for_function("document.querySelector('video, audio').readyState === 4")


# the voice changer


def test_the_voice_changer_sends_a_recording_and_a_voice(visit, microphone):
    page = visit(script=KEEP_UPLOADS)
    page.wait_for_selector("#speakers .chip")
    described = {"paths": {"/voice_conversion": {}}}
    page.route("**/openapi.json", lambda route: route.fulfill(json=described))
    page.route(
        "**/voice_conversion",
        lambda route: route.fulfill(content_type="audio/wav", path=microphone),
    )
    page.reload()
    page.locator("[value=change]").check(force=True)
    set_advanced(page, format="wav")
    page.click("#speak")
    sync_api.expect(page.locator("#notice")).to_contain_text("A recording is needed")
    page.set_input_files("#source-file", microphone)
    page.wait_for_selector("#source-look:visible")
    page.click("#speak")
    page.wait_for_selector("#save-wav:visible")
    sync_api.expect(page.locator("#progress")).to_have_text("Done: 5.0 s")
    fields = page.evaluate("Object.fromEntries(window.uploaded)")
    assert fields.pop("source_speech_16k") is not None
    assert fields == {"spk_id": "英文女", "seed": "0", "speed": "1", "stream": "False"}
    sync_api.expect(page.locator("#takes b")).to_have_text("voice.wav")


# the shelf of saved voices

SHELF = """const told = window.fetch, made = { mix: {}, voice_file: {} };
const body = { content: { "application/json": { schema: { properties: made } } } };
const paths = { "/voices": { post: { requestBody: body } }, "/voices/{name}/file": {},
    "/voices/{name}": { patch: {} } };
window.fetch = (path, options) => path === "openapi.json"
    ? Promise.resolve(Response.json({ paths })) : told(path, options);"""


def test_saved_voices_are_renamed_taken_along_brought_and_mixed(
    visit, service_address, microphone, tmp_path
):
    page = visit(script=SHELF)
    page.wait_for_selector("#speakers .chip")
    user = page.evaluate("localStorage.cosyvoice_user")
    keep_voice(service_address, user, "mum", microphone)
    page.reload()
    page.locator("#voices input").check(force=True)
    asked = []

    def answer(route):
        asked.append((route.request.method, route.request.post_data or ""))
        route.fulfill(json={"name": "x"}, status=201)

    page.on("dialog", lambda dialog: dialog.accept("mother"))
    page.route("**/voices/mum", answer)
    page.click("#rename")
    wait_for(lambda: asked)
    assert asked[0][0] == "PATCH" and json.loads(asked[0][1])["new_name"] == "mother"
    page.locator("#voices input").check(force=True)
    page.route("**/voices/mum/file?*", lambda route: route.fulfill(body=b"a voice"))
    assert download(page, "#take-along", tmp_path).read_bytes() == b"a voice"
    page.route("**/voices", answer)
    page.set_input_files("#voice-file", tmp_path / "mum.pt")
    sync_api.expect(page.locator("#notice")).to_contain_text("“mother” is saved")
    page.click("#mix-open")
    page.select_option("#mix-second", "mum")
    page.fill("#mix-name", "blend")
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#notice")).to_contain_text("“blend” is saved")
    assert json.loads(asked[-1][1])["mix"] == {"中文女": 0.5, "mum": 0.5}


# keyboard and phone


def test_sentences_are_one_stop_of_the_tab_key_and_esc_stops(visit):
    page = visit()
    speak(page, "三句。{chunks=6 size=22050}")
    reached = page.locator("#sentences [tabindex='0']")
    assert page.locator("#sentences span").count() == 3 and reached.count() == 1
    reached.focus()
    for key, index in (("Home", 0), ("ArrowRight", 1), ("End", 2), ("ArrowUp", 1)):
        page.keyboard.press(key)
        focused = page.evaluate("document.activeElement.textContent")
        assert focused == f"句{index}" and reached.count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "again"
    speak(page, SLOW.replace("chunks=6", "chunks=60"), wait=False)
    wait_for_sound(page)
    page.keyboard.press("Escape")
    sync_api.expect(page.locator("#progress")).to_contain_text("Stopped after")


SMALL_TARGETS = """() => [...document.querySelectorAll("button, select, summary, a, .chip label")]
    .filter((e) => e.offsetParent && Math.round(e.getBoundingClientRect().height) < 44)
    .map((e) => e.id || e.className || e.textContent)"""


def test_a_phone_has_large_targets_and_a_bar_that_covers_no_result(visit):
    page = visit(width=360, has_touch=True, is_mobile=True)
    speak(page, "手机。{chunks=2 size=22050}")
    for mode in ("sft", "clone", "cross", "instruct"):
        page.locator(f"[value={mode}]").check(force=True)
        assert not page.evaluate(SMALL_TARGETS)
        assert page.locator(f"[value={mode}] ~ small").is_visible()
        assert "drop" not in page.locator("main").inner_text()
    page.evaluate("document.querySelector('#player').scrollIntoView({ block: 'end' })")
    bar, player = page.locator(".go").bounding_box(), page.locator("#player").bounding_box()
    assert bar["y"] + bar["height"] <= player["y"]
