"""What the teacher is to say: WORK/sentences.jsonl, and the sentences kept back for evaluation, WORK/heldout.json.

A line is {"id", "lang", "kind", "text", "instruct", "style"}: `lang` zh, en or mixed (decides the prosody of the voice), `style` one of
STYLES with its instruction, or "" and no instruction. The order is seeded and shuffled over all kinds, so that any prefix is balanced;
single interjections are at its end. heldout.json is {"zh": [100 texts], "en": [100 texts]}; none of them is in the list, alone or within another text.

Sources: hsk-sentences-audio (CC-BY-SA-4.0, with English translations), the templates below, and random words (jieba's dictionary by
frequency, characters by syllable, wordfreq's English list) so that rare syllables and words are heard too.

    python -m tools.mini.data.sentences --work WORK [--count 14000] [--seed 1]
"""

import argparse
import json
import re
from collections import defaultdict
from importlib.resources import files
from itertools import cycle
from pathlib import Path

import numpy as np
import wordfreq

from cosyvoice.tokenizer.english import look_up
from cosyvoice.tokenizer.mandarin import word_pinyin

HELD_OUT = 100  # sentences a language
ENGLISH_SHARE, MIXED_SHARE, INSTRUCT_SHARE = 0.42, 0.06, 0.12
KINDS = {
    "sentence": 0.40,
    "template": 0.18,
    "words": 0.16,
    "syllables": 0.04,
    "short": 0.06,
    "two": 0.10,
    "many": 0.06,
}
LONGEST = {"zh": 70, "en": 36}  # characters, words
CALLS, CALLED = (
    "啊呀哦嗯唉哎哈喂嘿爱",
    800,
)  # said alone, and how often in all, at the end of the list: one sound, which nothing around it tells

ZH_SLOTS = {
    "人": "我 你 他 她 我们 他们 老师 妈妈 爸爸 小王 李明 张经理 王医生 我的朋友 那位先生 这个孩子 邻居 同事 爷爷 奶奶 司机 校长".split(),
    "时": "今天 明天 昨天 后天 早上 上午 中午 下午 晚上 周末 星期一 星期三 星期五 下个月 去年 现在 刚才 每天 凌晨三点 八点半 十二点一刻 国庆节".split(),
    "地": "北京 上海 广州 深圳 成都 西安 学校 医院 公司 超市 图书馆 火车站 机场 公园 家里 银行 饭店 电影院 博物馆 体育场 厨房 办公室 海边 山上".split(),
    "物": "苹果 手机 电脑 书 衣服 自行车 咖啡 米饭 面条 牛奶 票 雨伞 钥匙 照片 礼物 药 词典 地图 耳机 蛋糕 绿茶 西瓜 眼镜 空调 洗衣机".split(),
    "做": "吃饭 学习 工作 睡觉 跑步 唱歌 跳舞 看电影 买东西 开会 做作业 打电话 洗衣服 游泳 画画 写信 修车 聊天 旅行 锻炼身体 下围棋 包饺子".split(),
    "样": "很好 非常漂亮 有点儿贵 太大了 特别便宜 不太方便 十分安静 真有意思 比较困难 又快又好 越来越热 格外新鲜 相当复杂 挺舒服".split(),
    "数": "两 三 五 十 十二 二十五 一百 三百六十五 一千 两万 四十八 六 七 八 九 一百零七 十六".split(),
    "气": "晴天 多云 下雨 下雪 刮大风 有雾 很热 很冷 有雷阵雨 阴转晴 零下五度 二十三度".split(),
}
ZH_TEMPLATES = """{人}{时}在{地}{做}。|{时}{地}{气}。|请问，去{地}怎么走？|这{物}多少钱？|{人}想买{数}个{物}。|{人}觉得这个{物}{样}。|{时}你有空吗？我们一起去{地}{做}吧！
您好，这里是客服中心，请问有什么可以帮您？|你的验证码是{码}，请在五分钟内输入。|前方{数}百米右转，进入{地}路。|{人}说{时}要去{地}{做}。|{人}把{物}放在{地}了。|如果{时}{气}，{人}就不去{地}了。
因为{人}要{做}，所以{时}没去{地}。|虽然{物}{样}，但是{人}还是喜欢。|你喜欢{做}还是{做}？|{人}已经在{地}等了{数}分钟了。|{物}和{物}，哪个更好？|别忘了带{物}！|欢迎来到{地}，祝您玩得愉快。
第{数}次列车{时}从{地}开往{地}。|{人}的电话号码是{码}。|一共{数}块钱，请拿好您的{物}。|{人}一边{做}一边{做}。|听说{地}的{物}{样}，是真的吗？|请把{物}递给{人}，谢谢。|不好意思，{物}卖完了。
{时}的会议改到{时}，地点在{地}。|{人}从来没有去过{地}。|天气预报说，{地}{时}{气}，请注意出行安全。|{人}花了{数}个小时才{做}。|小心！前面有{物}。|{人}为什么不去{地}{做}呢？|对不起，我没听清楚，请再说一遍。
下一站是{地}，请要下车的乘客提前做好准备。|生日快乐，{人}！|{人}打算{时}开始{做}，每次{数}分钟。|这道题{样}，{人}想了{数}天也没想出来。|谁能告诉我{物}在哪儿？|为您播放{人}最喜欢的歌曲。""".replace(
    "\n", "|"
).split("|")
EN_SLOTS = {
    "who": "I;you;we;they;my sister;the teacher;our neighbor;Doctor Brown;Emily;the manager;his uncle;Mister Johnson;the children;a stranger;my best friend;the driver".split(
        ";"
    ),
    "was": "went to;came back from;waited at;walked around;called from;looked for;talked about;remembered;painted;visited".split(
        ";"
    ),
    "place": "the station;the market;London;New York;the library;the old bridge;the hospital;the beach;school;the kitchen;a small village;the airport;Beijing;the museum;the garden;Chicago".split(
        ";"
    ),
    "time": "yesterday;last night;this morning;on Monday;in October;two hours ago;after lunch;before sunrise;last winter;at half past seven;on Thursday evening;in nineteen ninety nine".split(
        ";"
    ),
    "thing": "the umbrella;a cup of coffee;the blue jacket;an orange;the newspaper;his guitar;a birthday cake;the keys;my phone;the camera;fresh bread;a wooden chair;the red bicycle;seven eggs;her notebook".split(
        ";"
    ),
    "adj": "beautiful;expensive;rather strange;very quiet;extremely useful;too heavy;almost perfect;surprisingly cheap;quite dangerous;really funny;brand new;warm and dry;a little bit early".split(
        ";"
    ),
    "do": "buy;find;fix;carry;forget;bring;clean;choose;borrow;measure;throw away;describe;wrap;share".split(
        ";"
    ),
    "num": "two;three;five;eleven;twenty four;ninety;one hundred;six thousand;thirty three;eighteen;seventy five;a dozen".split(
        ";"
    ),
}
EN_TEMPLATES = """{who} {was} {place} {time}.|Could you please {do} {thing}?|The weather in {place} will be {adj} tomorrow.|How much is {thing}?|{who} said that {thing} was {adj}.|There are {num} people waiting at {place}.
Your package will arrive in {num} days.|Turn left at {place}, then go straight for {num} meters.|Don't {do} {thing} without asking.|Why did you {do} {thing} {time}?|Welcome to {place}! We hope you enjoy your stay.|The train to {place} leaves in {num} minutes.
If it rains, we will stay in {place}.|I would rather {do} {thing} than {do} {thing}.|What time does {place} open?|Thank you for calling, how can I help you today?|Your verification code is {code}.|{thing} is {adj}, isn't it?|She never wanted to {do} {thing}.
Please remember to {do} {thing}, because it is {adj}.|{who} paid {num} dollars for {thing}.|Good morning, everyone, and thank you for coming.|Next stop, {place}.|Have you ever been to {place}?|{who} and {who} {was} {place} together.|Oh no, I forgot {thing}!
It took {num} hours to {do} {thing}.|Happy birthday, {who}!|I think, therefore I {do}.|The number you have dialed is {code}.|Only {num} of them were {adj}.|Where can I {do} {thing} in {place}?|Playing your favorite song now.|Sorry, I didn't catch that, could you say it again?""".replace(
    "\n", "|"
).split("|")
MIXED_TEMPLATES = """我想用{en}写一个程序。|请打开{en}，然后点击{en}。|这个{en}怎么用？|我们公司用{en}开会。|{人}的{en}坏了。|你会说{en}吗？|他在{地}做{en}。|我最喜欢的是{en}和{en}。|明天下午有一个{en}，别迟到。|把{en}发到我的邮箱里。
今天的{en}{样}。|I really like {物}, it tastes great.|How do you say {物} in Chinese?|My friend lives in {地}.|{人}说，{en_sentence}|那个{en}太{en}了！|{en}这个词是什么意思？|用{en}付款可以吗？|下载最新的{en}，马上体验。|他在朋友圈里写道，{en_sentence}""".replace(
    "\n", "|"
).split("|")
EN_IN_CHINESE = """app;email;Python;wifi;OK;KTV;PPT;CEO;AI;GPS;iPhone;Google;email;Windows;online;meeting;project;coffee;demo;bug;team;USB;DNA;party;fashion;machine learning;deadline;vlog;English;
Microsoft;Linux;GitHub;API;podcast;update;NBA;T shirt;logo;Facebook;case;sofa;pizza;cool;happy;model;data;server;checklist;feedback;offer;brunch;yoga;VIP;CPU;GPU;TV;CD""".replace(
    "\n", ""
).split(";")
SHORT = {
    "zh": """好的。|你好！|谢谢。|再见！|不行。|是吗？|对。|没问题。|知道了。|为什么？|当然可以。|等一下。|真的吗？|太好了！|快点儿！|对不起。|没关系。|早上好。|晚安。|不知道。|小心！|请进。|请坐。|来了来了。|别走！|可以。
一点儿也不。|怎么了？|加油！|随便。|什么？|不用谢。|哪里？|多少？|谁？|嗯。|哦，原来如此。|哎呀！|停！|没有。|有。|走吧。|明白了。|恭喜恭喜！|是的。|不是。|你叫什么名字？|几点了？|我也是。|慢走。|干杯！""".replace(
        "\n", "|"
    ).split("|"),
    "en": """Yes.|No.|Hello!|Thank you.|Goodbye!|Really?|Of course.|Why not?|Good night.|I see.|Wait!|Sorry.|Excuse me.|Come in.|Sit down.|Never mind.|Great!|Hurry up!|Maybe.|Not yet.|Me too.|Where?|What?|Who is it?|Okay.|See you soon.|Well done!|Stop!
Be careful.|No problem.|I don't know.|You're welcome.|How are you?|Fine, thanks.|Let's go.|Absolutely not.|Sure.|That's it.|Guess what?|Right.|Left.|Wow!|Cheers!|Take care.|Good luck!|One moment, please.""".replace(
        "\n", "|"
    ).split("|"),
}

STYLES = {  # name: (share, words for it in Chinese and in English)
    "slow": (
        0.15,
        "慢一点 慢一些 慢 缓慢 很慢 放慢",
        "slowly;more slowly;slower;at a slow pace;at a slower speed",
    ),
    "fast": (
        0.15,
        "快一点 快一些 快 快速 很快 加快",
        "quickly;faster;more quickly;at a fast pace;at a faster speed",
    ),
    "high": (
        0.15,
        "高一点 高一些 高 较高 很高 更高",
        "with a higher pitch;in a high voice;in a higher voice;with a high pitch;in a high tone",
    ),
    "low": (
        0.15,
        "低一点 低一些 低 低沉 很低 更低",
        "with a lower pitch;in a low voice;in a lower voice;with a low pitch;in a deep tone",
    ),
    "slow high": (0.06, "", ""),
    "slow low": (0.06, "", ""),
    "fast high": (0.06, "", ""),
    "fast low": (0.06, "", ""),
    "neutral": (
        0.16,
        "正常 平常 自然 一般 普通",
        "normally;in a normal tone;naturally;in your usual voice;at a normal speed;in a neutral tone",
    ),
}
ZH_SPEED = "用{}的语速说|请用{}的语速说|请用{}的速度说这句话|语速{}|说得{}|请说得{}|用{}的语速读出来|请用{}的语速来朗读|速度{}|请把语速变得{}|希望你用{}的语速说话|麻烦用{}的语速讲".split(
    "|"
)
ZH_PITCH = "用{}的音调说|请用{}的音调说|声音{}|请用{}的声音说这句话|音调{}|音高{}|用{}的语调读出来|请用{}的嗓音来说|请把声音变得{}|希望你用{}的声音说话|用{}的声调朗读".split(
    "|"
)
ZH_NEUTRAL = "用{}的语气说|请用{}的语气说|请用{}的声音说这句话|用{}的语速说|请用{}的方式读出来|用{}的音调说".split(
    "|"
)
EN_TEMPLATES_OF_STYLE = "speak {}|please speak {}|say it {}|read this {}|please say this sentence {}|can you speak {}|talk {}|say this {}|I want you to speak {}|read it out {}|please read {}|you should speak {}".split(
    "|"
)
ZH_JOINTS = "，|，并且|，同时|，而且|、|，然后".split("|")
EN_JOINTS = " and ; , and ; , ; but ".split(";")


class Texts:
    """Endless, seeded supply of texts of every kind."""

    def __init__(
        self, sentences: dict[str, list[str]], held_out: set[str], rng: np.random.Generator
    ):
        self.rng, self.held_out = rng, held_out
        self.sentences = {
            lang: cycle(rng.permutation(texts).tolist()) for lang, texts in sentences.items()
        }
        self.zh_words, self.zh_weights = chinese_words()
        self.en_words, self.en_weights = english_words()
        self.characters = characters_by_syllable()
        self.next_syllable = cycle(rng.permutation(list(self.characters)).tolist())

    def draw(self, lang: str) -> tuple[str, str]:
        """(kind, text) of a language, never a held-out text or one that is too long."""
        while True:
            kind = "mixed" if lang == "mixed" else self.choice(list(KINDS), list(KINDS.values()))
            text = getattr(self, kind)(lang)
            if self.allowed(text, lang):
                return kind, text

    def allowed(self, text: str, lang: str) -> bool:
        size = len(text.split()) if lang == "en" else len(text)
        return size <= LONGEST.get(lang, 60) and not any(held in text for held in self.held_out)

    def choice(self, items, weights=None):
        p = None if weights is None else np.asarray(weights) / np.sum(weights)
        return items[int(self.rng.choice(len(items), p=p))]

    def sentence(self, lang: str) -> str:
        return next(self.sentences[lang])

    def template(self, lang: str) -> str:
        template = self.choice(ZH_TEMPLATES if lang == "zh" else EN_TEMPLATES)
        return self.fill(template, ZH_SLOTS if lang == "zh" else EN_SLOTS, lang)

    def fill(self, template: str, slots: dict[str, list[str]], lang: str) -> str:
        text = re.sub(r"\{(.+?)\}", lambda match: self.slot(match[1], slots, lang), template)
        return text[0].upper() + text[1:]

    def slot(self, name: str, slots: dict[str, list[str]], lang: str) -> str:
        if name in ("码", "code"):
            digits = self.rng.integers(0, 10, size=int(self.rng.integers(4, 9)))
            names = (
                list("零一二三四五六七八九")
                if lang == "zh"
                else "zero one two three four five six seven eight nine".split()
            )
            return ("" if lang == "zh" else " ").join(names[digit] for digit in digits)
        return self.choice(slots[name])

    def mixed(self, lang: str) -> str:
        if self.rng.random() < 0.25:
            return self.foreign_word()
        template = self.choice(MIXED_TEMPLATES).replace("{en_sentence}", self.sentence("en"))
        template = re.sub(r"\{en\}", lambda _: self.english_insert(), template)
        return self.fill(template, ZH_SLOTS, "zh")

    def foreign_word(self) -> str:
        """A Chinese sentence with one of its words, at random, in English."""
        text = self.sentence("zh")
        place = int(self.rng.integers(0, len(text)))
        return text[:place] + self.english_insert() + text[place:]

    def english_insert(self) -> str:
        return (
            self.choice(EN_IN_CHINESE)
            if self.rng.random() < 0.6
            else self.pick(self.en_words, self.en_weights)
        )

    def words(self, lang: str) -> str:
        """One to twelve random words with some commas and an end mark."""
        words, weights = (
            (self.zh_words, self.zh_weights) if lang == "zh" else (self.en_words, self.en_weights)
        )
        drawn = [self.pick(words, weights) for _ in range(1 + int(self.rng.integers(0, 12)))]
        return self.punctuated(drawn, lang)

    def pick(self, words: list[str], cumulated: np.ndarray) -> str:
        return words[int(np.searchsorted(cumulated, self.rng.random() * cumulated[-1]))]

    def syllables(self, lang: str) -> str:
        """Characters chosen so that every toned syllable comes as often as any other; in English, words of any frequency."""
        size = 2 + int(self.rng.integers(0, 9))
        if lang == "en":
            return self.punctuated([self.choice(self.en_words) for _ in range(size)], lang)
        return self.punctuated(
            [self.choice(self.characters[next(self.next_syllable)]) for _ in range(size)], lang
        )

    def punctuated(self, words: list[str], lang: str) -> str:
        joints = ["" if lang == "zh" else " ", "，" if lang == "zh" else ", "]
        text = words[0] + "".join(
            joints[int(self.rng.random() < 0.12)] + word for word in words[1:]
        )
        ends = "。。。。？！" if lang == "zh" else "....?!"
        end = "" if self.rng.random() < 0.1 else self.choice(ends)
        return (text if lang == "zh" else text[0].upper() + text[1:]) + end

    def short(self, lang: str) -> str:
        return self.choice(SHORT[lang])

    def two(self, lang: str) -> str:
        return self.joined(lang, 2)

    def many(self, lang: str) -> str:
        return self.joined(lang, int(self.rng.integers(3, 6)))

    def joined(self, lang: str, count: int) -> str:
        kinds = [
            self.choice(("sentence", "template", "short"), (0.5, 0.35, 0.15)) for _ in range(count)
        ]
        return ("" if lang == "zh" else " ").join(getattr(self, kind)(lang) for kind in kinds)

    def instruction(self, lang: str) -> tuple[str, str]:
        """(style, instruction), the instruction mostly in the language of the text."""
        style = self.choice(list(STYLES), [share for share, *_ in STYLES.values()])
        chinese = self.rng.random() < (0.2 if lang == "en" else 0.8)
        parts = style.split()
        if self.rng.random() < 0.5:
            parts.reverse()
        return style, (self.zh_instruction(parts) if chinese else self.en_instruction(parts))

    def zh_instruction(self, parts: list[str]) -> str:
        said = [
            self.choice(zh_frames(part)).format(self.choice(STYLES[part][1].split()))
            for part in parts
        ]
        return self.choice(ZH_JOINTS).join(said) + self.choice(["", "。", "", "吧"])

    def en_instruction(self, parts: list[str]) -> str:
        said = self.choice(EN_JOINTS).join(
            self.choice(STYLES[part][2].split(";")) for part in parts
        )
        text = self.choice(EN_TEMPLATES_OF_STYLE).format(said).replace(" ,", ",")
        return (text[0].upper() + text[1:] if self.rng.random() < 0.5 else text) + self.choice(
            ["", "."]
        )


def zh_frames(part: str) -> list[str]:
    return {"slow": ZH_SPEED, "fast": ZH_SPEED, "neutral": ZH_NEUTRAL}.get(part, ZH_PITCH)


def chinese_words() -> tuple[list[str], np.ndarray]:
    """Words of jieba's dictionary and their cumulated weights, the square root of their frequency."""
    lines = (
        line.split(" ")
        for line in files("jieba").joinpath("dict.txt").read_text("utf-8").splitlines()
    )
    counts = {
        word: int(count)
        for word, count, _ in lines
        if re.fullmatch("[\u4e00-\u9fff]{2,4}", word) and int(count) > 10
    }
    return list(counts), np.cumsum(np.sqrt(list(counts.values())))


def english_words() -> tuple[list[str], np.ndarray]:
    """The 30,000 most frequent English words that the lexicon has, and their cumulated weights (frequency to the power 0.3)."""
    words = [
        word
        for word in wordfreq.top_n_list("en", 40_000)
        if re.fullmatch("[a-z]{2,}(?:'[a-z]+)?", word) and look_up(word, None)
    ]
    return words[:30_000], np.cumsum(
        [wordfreq.word_frequency(word, "en") ** 0.3 for word in words[:30_000]]
    )


def characters_by_syllable() -> dict[str, list[str]]:
    """Toned syllable -> the commonest characters read so."""
    characters = defaultdict(list)
    for character in wordfreq.top_n_list("zh", 60_000):
        if (
            re.fullmatch("[\u4e00-\u9fff]", character)
            and len(characters[word_pinyin(character)[0]]) < 6
        ):
            characters[word_pinyin(character)[0]].append(character)
    return dict(characters)


def read_sentences(path: Path, rng: np.random.Generator) -> tuple[dict, dict]:
    """(sentences to say, sentences held out), by language; the held-out ones of both languages are of different rows."""
    rows = [
        (clean(row["chinese"]), clean(row["translation"]["en"]))
        for row in json.loads(path.read_text("utf-8"))
    ]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    long_enough = [
        i for i, (zh, en) in enumerate(rows) if 8 <= len(zh) <= 30 and 5 <= len(en.split()) <= 16
    ]
    held_zh, held_en = long_enough[:HELD_OUT], long_enough[HELD_OUT : 2 * HELD_OUT]
    held = {"zh": [rows[i][0] for i in held_zh], "en": [rows[i][1] for i in held_en]}
    used = [row for i, row in enumerate(rows) if i not in set(held_zh + held_en)]
    return {"zh": [zh for zh, _ in used], "en": [en for _, en in used]}, held


def clean(text: str) -> str:
    """One line, without remarks in brackets."""
    return re.sub(r"\s+", " ", re.sub(r"[(（\[].*?[)）\]]", "", text)).strip()


def plan(texts: Texts, count: int) -> list[dict]:
    rows = []
    for number in range(count):
        lang = texts.choice(
            ["mixed", "en", "zh"], [MIXED_SHARE, ENGLISH_SHARE, 1 - ENGLISH_SHARE - MIXED_SHARE]
        )
        kind, text = texts.draw(lang)
        style, instruct = (
            texts.instruction(lang) if texts.rng.random() < INSTRUCT_SHARE else ("", "")
        )
        rows.append(
            {
                "id": number,
                "lang": lang,
                "kind": kind,
                "text": text,
                "instruct": instruct,
                "style": style,
            }
        )
    return rows


def calls(first: int) -> list[dict]:
    """Rows of single interjections, numbered from `first`."""
    return [
        {
            "id": first + i,
            "lang": "zh",
            "kind": "call",
            "text": CALLS[i % len(CALLS)] + "。！？"[i // len(CALLS) % 3],
            "instruct": "",
            "style": "",
        }
        for i in range(CALLED)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=14_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    sentences, held = read_sentences(args.work / "teacher/sentences.json", rng)
    (args.work / "heldout.json").write_text(json.dumps(held, ensure_ascii=False, indent=1), "utf-8")
    rows = plan(Texts(sentences, set(held["zh"] + held["en"]), rng), args.count) + calls(args.count)
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    (args.work / "sentences.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
