"""Function words of languages other than English: from ``stopwordsiso``, with additions.

The additions are for languages without spaces, where a question is split into words at its function words.
"""

from collections.abc import Mapping
from functools import lru_cache

from .terms import STOP_WORDS, plain

SPACED = (
    *("af", "ca", "cs", "da", "de", "es", "et", "eu", "fi", "fr", "gl", "hr", "hu", "id", "it", "lt", "lv", "ms", "nl"),
    *("no", "pl", "pt", "ro", "sk", "sl", "sv", "sw", "tl", "tr", "vi"),
    *("ar", "bg", "bn", "el", "fa", "gu", "he", "hi", "hy", "ku", "mr", "ru", "uk", "ur"),
)  # fmt: skip
"""Languages with spaces between words, besides English."""

_CHINESE = (
    "的 了 吗 呢 吧 啊 呀 嘛 我 你 您 他 她 它 们 是 在 有 谁 哪 很 都 就 还 也 这 那 个 和 跟 与 把 被 给 从 不 没 为 "
    "嗎 們 誰 還 這 個 與 給 從 沒 什么 什麼 怎么 怎麼 怎样 怎樣 哪里 哪裡 哪儿 哪兒 哪个 哪個 哪些 哪天 哪家 哪种 多少 几个 幾個 几点 "
    "为什么 為什麼 我们 我們 你们 你們 他们 他們 她们 她們 请问 請問 可以 喜欢 喜歡 知道 觉得 覺得 告诉 告訴 想要 想去 现在 現在 目前 最近 "
    "今天 昨天 明天 时候 時候 什么时候 什麼時候 有没有 有沒有 是不是 能不能 会不会 會不會 一个 一個 一只 一隻 一家 一下 一些 这个 這個 "
    "那个 那個 这里 這裡 那里 那裡 没有 沒有 怎么样 怎麼樣 记得 記得 还是 還是 已经 已經 曾经 曾經 自己 关于 關於 最 叫 请 請 吗"
)
_JAPANESE = (
    "です ます でした ました ません でしょう だった だったら ですか ますか ましたか でしたか ませんか たい たいです たか している しています "
    "していました していますか して した する しますか しました ている ています ていますか ていました いました います いますか いて いた いる ある "
    "あります ありますか ありました ない なかった なく って という といいます として について ください あなた わたし ぼく おれ どこ どこか なに "
    "なん なんです いつ だれ どれ どの どう どんな どちら どうして なぜ いくつ いくら これ それ あれ この その あの ここ そこ あそこ から まで "
    "より など だけ しか でも では には とは のは のが のを にも とか けど けれど ので のに もの こと ところ ため ような ように ようと らしい "
    "そう もう まだ また とても すごく ちょっと ありがとう お好き 好き 好きな 好きです 好きですか 最近 現在 今日 昨日 明日 今 私 僕 俺 彼 "
    "彼女 君 貴方 何 誰 何処 何時 何色 れる られ られる せる させ れて られて んです んですか んだ よね かな かも かしら たり ながら ても "
    "くて れば たら なら だ って"
)
_PARTICLES = "はがをにでとのもへやかよねなしてたりだ"
_KOREAN = (
    "나 나는 난 내 내가 저 저는 제 제가 너 너는 네 네가 당신 당신은 우리 그 그는 그녀 그녀는 이 저것 그것 이것 무엇 무엇을 뭐 뭐를 뭘 누구 "
    "누가 누구와 언제 어디 어디에 어디서 어디에서 어디로 왜 어떻게 어떤 무슨 몇 얼마 얼마나 있다 있는 있어 있어요 있나요 있습니다 있습니까 "
    "없다 없어요 없습니다 하다 해 해요 하나요 합니다 합니까 했어요 했나요 했습니까 하고 하는 되다 이다 인가요 입니까 입니다 좋아하는 좋아해요 "
    "좋아하나요 좋아합니까 것 거 수 지금 요즘 오늘 어제 내일 최근 최근에 현재 아주 매우 너무 정말 그리고 그런데 하지만 가장 제일"
)
_ENDINGS = (
    "으로부터 에서부터 에서는 에서도 에게서 한테서 이라고 이라는 입니까 입니다 인가요 이에요 이었어요 이었나요 습니까 습니다 으로는 에서 에게 한테 "
    "께서 으로 까지 부터 처럼 보다 마다 이나 라고 라는 예요 에요 이야 하나요 합니까 합니다 했나요 했어요 했습니까 했습니다 하세요 해요 하고 하는 "
    "되나요 됩니까 돼요 나요 니까 니다 어요 아요 여요 세요 을까 ㄴ가요 은요 는요 이랑 들은 들이 들을 에는 에도 와는 과는 은 는 이 가 을 를 에 의 "
    "로 와 과 도 만 랑 요"
)
_THAI = (
    "ที่ไหน ไหน ไหม มั้ย หรือ หรือไม่ หรือเปล่า อะไร ใคร เมื่อไหร่ เมื่อไร ทำไม อย่างไร ยังไง เท่าไหร่ เท่าไร กี่ คุณ ฉัน ดิฉัน ผม เขา เธอ พวกเขา พวกเรา เรา "
    "ของ ที่ ใน และ แต่ เป็น คือ อยู่ ครับ ค่ะ คะ นะ บ้าง นี้ นั้น ได้ ไม่ จะ แล้ว กำลัง เคย ด้วย ชอบ ตอนนี้ วันนี้ เมื่อวาน พรุ่งนี้ จาก กับ เพราะ "
    "โดย ให้ ว่า มาก ๆ"
)
_LAO = "ແມ່ນ ຫຍັງ ບໍ່ ບໍ ຢູ່ ໃສ ໃຜ ເມື່ອໃດ ເປັນຫຍັງ ແນວໃດ ເທົ່າໃດ ຈັກ ເຈົ້າ ຂ້ອຍ ຂ້າພະເຈົ້າ ລາວ ພວກເຮົາ ຂອງ ທີ່ ໃນ ແລະ ແຕ່ ເປັນ ນີ້ ນັ້ນ ໄດ້ ຈະ ແລ້ວ ກັບ ຈາກ ມັກ"
_KHMER = (
    "អ្វី អ្វីខ្លះ ណា នៅ ឯណា ទីណា នរណា អ្នកណា ពេលណា ហេតុអ្វី យ៉ាងម៉េច ប៉ុន្មាន អ្នក ខ្ញុំ គាត់ នាង យើង របស់ ដែល ក្នុង និង ប៉ុន្តែ ជា នេះ នោះ បាន នឹង ហើយ ទេ តើ ឬ មាន "
    "ចូលចិត្ត ពី ជាមួយ"
)
_BURMESE = (
    "ဘာ ဘာလဲ ဘယ် ဘယ်မှာ ဘယ်သူ ဘယ်တော့ ဘယ်လို ဘာကြောင့် ဘယ်လောက် သင် သင့် ခင်ဗျား ရှင် ကျွန်တော် ကျွန်မ ကျွန်ုပ် သူ သူမ ငါ တို့ ၏ ရဲ့ မှာ တွင် နှင့် နဲ့ သည် တယ် "
    "ပါ ပါတယ် ပါသလား သလား လား လဲ ကို က မှ များ ဒီ ဟို ထို ဖြစ် ရှိ နေ ခဲ့ မည် မယ်"
)


@lru_cache(maxsize=1)
def spaced() -> Mapping[str, int]:
    """Function words of the languages in ``SPACED``, each with a bit for every language that has it."""
    found: dict[str, int] = {}
    for number, language in enumerate(SPACED):
        for word in _listed(language):
            found[word] = found.get(word, 0) | 1 << number
    return found


@lru_cache(maxsize=1)
def english() -> frozenset[str]:
    """Common English words, which show that a text is English."""
    # The list's shorter ones are country codes of Internet domains.
    return STOP_WORDS | {word for word in _listed("en") if len(word) > 2}


@lru_cache(maxsize=1)
def unspaced() -> frozenset[str]:
    """Function words of languages without spaces between words, except Japanese."""
    # A single Chinese character of the list is part of many other words.
    chinese = frozenset(word for word in _listed("zh") if len(word) > 1)
    return chinese | _own(_CHINESE, _THAI, _LAO, _KHMER, _BURMESE)


@lru_cache(maxsize=1)
def japanese() -> frozenset[str]:
    """Japanese function words and verb endings."""
    return _own(_JAPANESE) | {word for word in _listed("ja") if len(word) > 1}


@lru_cache(maxsize=1)
def korean() -> frozenset[str]:
    """Korean function words."""
    return _own(_KOREAN) | _listed("ko")


ENDINGS = sorted(_ENDINGS.split(), key=len, reverse=True)
"""Korean particles and endings, longest first."""

PARTICLES = frozenset(_PARTICLES)
"""Japanese particles of one kana."""


def _listed(language: str) -> frozenset[str]:
    # Imported lazily: it reads its lists at import, and many workers have no memories.
    import stopwordsiso

    return frozenset(plain(word) for word in stopwordsiso.stopwords(language) if " " not in word)


def _own(*texts: str) -> frozenset[str]:
    return frozenset(plain(word) for text in texts for word in text.split())
