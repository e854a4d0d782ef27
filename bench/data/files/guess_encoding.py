"""Which encoding bytes that are not UTF-8 seem to be in: decode them under each candidate, and look at what comes out.

Each candidate knows the characters that its languages use most. A text read rightly is full of them; the same bytes
read wrongly give characters that are valid and rare. Different characters are counted, not how often each occurs: a
file of a few labels says as much by them as a long one. A range of characters alone is not enough: all of 好评 and 差评
lies where Korean keeps its syllables, and is then read as syllables that no Korean writes.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_LOOKED: Final = 1 << 16  # bytes of lines with non-ASCII that are looked at
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_SIGNS: Final = re.compile(
    "[\u00a0\u00a7\u00a9\u00ab\u00ae\u00b0-\u00b1\u00b7\u00bb\u2010-\u203a\u2103\u3000-\u3020\uff01-\uff5e]"
)
_MONEY: Final = "€£¥￥₽"
_RARE, _DAILY, _MOST_USED = 0.0, 0.55, 1.0
_AT_LEAST: Final = 0.3

_SIMPLIFIED: Final = (
    "一是人了不在有大中国和为这上他个地年来我会以到时要出的生学说道民家子也成行下们于后就发自之对得主长可过天作分方用多你"
    "着部能市等业全里工公经本都而高政法面门动日进区事代那去心小同北定开产前其军还然起种所如现理机体表力好外与文当两实重新三"
    "么只山水关明从化平建又制南内西没此将员名手最东头者月间无安看见各城十相但已些正口通想度加第她合院物性战由位常点海意场武"
    "使次二向治因立数样身情入原问把路被并利石老教万知级量任江及应省资委务元美特期世湖回系比气汉总展电科金先声提品设或义王社"
    "很统处四首共马形己儿司太目基领队直计别女权话少流命至报米给打变果书清活几州华解议更称程今决张导术府才保交放管结师便走达"
    "族反再题色五京河接条规式县白它改风光运信受什组听布百济党指论强做取技黄神选记斯真却职号界件花类何眼兵传带空干农边据集联"
    "古广完质阳难增历史专官每住商即步认车台林必死游举线言皇土团收考求德叫近备研争非具李众连调感转笑革该持始英克士尔让拉思根"
    "格造较际亲单朝红否男评差货快服客价退换尺码颜买卖订店款衣满包票惠折扣姓编型状态注址购付户低未婚普额库存支银卡贷借网"
)
_TRADITIONAL: Final = (
    "的一是不在了有人我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事"
    "成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此"
    "已工使情明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代"
    "內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活爾更別打女變四神總何電數安"
    "少報才結反受目太量再感建務做接必場件計管期市直德資命山金指許統區保至隊形社便空決治展馬科司五基眼書非則聽白卻界達光放"
    "強即像難權思王象完設式色路記南品住告類求據程北邊死張該交規萬取觀術領共確傳師清今切院讓識候帶導爭運訂單號額註否男女客"
    "貨價退換買賣店款顏尺碼評差快服務漂亮流度台灣縣街巷路段樓鄉鎮村林陳黃吳劉蔡楊許鄭謝郭洪曾廖賴徐周葉蘇莊呂"
)
_JAPANESE: Final = (
    "日一国人年大十二本中長出三時行見月後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校"
    "語土木聞食車何南万毎白天母火右読友左休父雨会同事自社発者地業方新場員立開手力問代明動京目通言理体田主題意不作用度強公"
    "持野以思家世多正安院心界教文元重近考画海売知道集別物使品計死特私始朝運終台広住無真有口少町料工建空急止送切転研足究楽"
    "起着店病質待試族銀早映親験英医仕去味写字答夜音注帰古歌買悪図週室歩風紙黒花春赤青館屋色走秋夏習駅洋旅服夕借曜飲肉貸堂"
    "鳥飯勉冬昼茶弟牛魚兄犬妹姉漢市県府区村都道藤佐鈴伊渡辺井村加吉松清斎橋池森阿部石岡原太郎美優結良裕直樹香翔健浩幸和"
    "注文番号備考商返数価格支払済未配荷届到客様対応男性別住所氏電話郵便都市島福大阪神奈埼玉葉愛知静岐宮崎熊鹿児沖縄札幌横浜"
)
_KOREAN: Final = (
    "이다는을에가의은고하지로도기한나를사어리자인서그있아시해수정것과대일들보부라마게전제으상원러스면장주여만조구성안생무유소"
    "적우비경와동공선트오관미실했계국신물모세회문음요출었습니학개재치식없중거차방달든내위진았발간될외할까업본통되분금각더체화"
    "년월시품산복단연행반른양같적민명남북울서김박최강윤임호영민현준지은혜숙희진성빨좋배송별환불만족예니보높낮혼노회색번호평점"
)
_CYRILLIC: Final = "оеаинтсрвлкмдпуяыОЕАИНТСРВЛКМДПііїє"
_WESTERN: Final = "äöüßéèêëàâçñáíóúåøæœîïôûìòùãõÄÖÜÉÀÇÑÁÅØ"
_CENTRAL: Final = "ąćęłńóśźżěščřžýáíéůúňťďäöüŁŚŻŽŠČĽľ"
_TURKISH: Final = "ğşıİçöüŞÇÖÜâî"
_GREEK: Final = "αοιετσνηυρπκμλςάέήίόύώΑΟΙΕΤΣΝΚΠΜ"
_THAI: Final = "านรอกเงมยลวดทสตะปบคหแจพชขใไโซผถ่้ีัิ์ุูำ็ื"


@dataclass(frozen=True)
class _Candidate:
    """An encoding: its Python name, the characters that are used most, and how much any other one speaks for it.

    `shape`: how well the text looks like writing, from 0 to 1, given the lengths of its runs of bytes beyond ASCII.
    """

    name: str
    most_used: str
    otherwise: Callable[[str, bytes], float]
    shape: Callable[[str, Sequence[int]], float]


def _first_byte(low: int, high: int, *, second: int = 0) -> Callable[[str, bytes], float]:
    """Characters of two bytes whose first lies in the part that is in daily use: the first level of each standard."""

    def value(_: str, own: bytes) -> float:
        return _DAILY if len(own) == 2 and low <= own[0] <= high and own[1] >= second else _RARE

    return value


def _shift_jis(character: str, own: bytes) -> float:
    """Kana and the first level of kanji; narrow kana, which are single bytes, as old systems write them."""
    if _is_kana(character):
        return _MOST_USED
    return 0.5 if "\uff66" <= character <= "\uff9f" else _first_byte(0x88, 0x97)(character, own)


def _euc_jp(character: str, own: bytes) -> float:
    return _MOST_USED if _is_kana(character) else _first_byte(0xB0, 0xCF, second=0xA1)(character, own)


def _hangul(character: str, _: bytes) -> float:
    """Syllables; hanja are rare by now."""
    return _DAILY if "\uac00" <= character <= "\ud7a3" else _RARE


def _letter(character: str, _: bytes) -> float:
    """Letters of a script that is written in single bytes."""
    return _DAILY if character.isalpha() else _RARE


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u3096" or "\u30a1" <= character <= "\u30fc"


def _pairs(_: str, __: Sequence[int]) -> float:
    """Two bytes a character, of which the second may be ASCII: whether they fit is seen when they are decoded."""
    return 1.0


def _words(text: str, runs: Sequence[int]) -> float:
    """A script in single bytes: runs are words, half of them of odd length, and no capital follows a small letter."""
    in_words = sum(length for length in runs if length >= 3) / sum(runs)
    mixed = sum(a.islower() and b.isupper() for a, b in pairwise(text)) / len(runs)
    return in_words * max(0.0, 1.0 - mixed) * (1.0 if any(length % 2 for length in runs) else 0.65)


def _alone(_: str, runs: Sequence[int]) -> float:
    """Latin letters: those with marks stand between ASCII, seldom two of them together."""
    return sum({1: 1.0, 2: 0.5}.get(length, 0.0) for length in runs) / len(runs)


_CANDIDATES: Final = (
    _Candidate("gb18030", _SIMPLIFIED, _first_byte(0xB0, 0xD7, second=0xA1), _pairs),
    _Candidate("big5", _TRADITIONAL, _first_byte(0xA4, 0xC6), _pairs),
    _Candidate("shift_jis", _JAPANESE, _shift_jis, _pairs),
    _Candidate("euc_jp", _JAPANESE, _euc_jp, _pairs),
    _Candidate("euc_kr", _KOREAN, _hangul, _pairs),
    _Candidate("cp1251", _CYRILLIC, _letter, _words),
    _Candidate("koi8-r", _CYRILLIC, _letter, _words),
    _Candidate("cp1253", _GREEK, _letter, _words),
    _Candidate("cp874", _THAI, _letter, _words),
    _Candidate("latin-1", _WESTERN, _letter, _alone),
    _Candidate("cp1252", _WESTERN, _letter, _alone),
    _Candidate("cp1250", _CENTRAL, _letter, _alone),
    _Candidate("cp1254", _TURKISH, _letter, _alone),
)


def detect(head: bytes) -> str | None:
    """The likeliest encoding of bytes that are not UTF-8, None where none fits."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    if b"\0" in head[:_LOOKED]:
        lines = head[:_LOOKED].count(b"\n")
        ends = {"utf-16-le": head[:_LOOKED].count(b"\n\0"), "utf-16-be": head[:_LOOKED].count(b"\0\n")}
        best = max(ends, key=lambda name: ends[name])
        return best if ends[best] >= max(lines / 2, 1) else None  # a stray zero is none
    text = _looked_at(head)
    scores = {candidate.name: _score(candidate, text) for candidate in _CANDIDATES}
    best = max(scores, key=lambda name: scores[name])  # of equals the first
    return best if scores[best] > _AT_LEAST else None


def _looked_at(head: bytes) -> bytes:
    """The first lines with bytes that are not ASCII; whole ones."""
    lines, size = [], 0
    for line in head.splitlines():
        if _HIGH.search(line):
            lines.append(line)
            size += len(line)
        if size > _LOOKED:
            return b"\n".join(lines[:-1] or lines)
    return b"\n".join(lines)


def _score(candidate: _Candidate, text: bytes) -> float:
    """How much the characters that are no ASCII speak for a candidate, from 0 to 1; 0 where bytes are not of it."""
    try:
        decoded = text.decode(candidate.name)
    except UnicodeDecodeError:
        return 0.0
    characters = {c for c in decoded if c > "\x7f" and not _SIGNS.match(c) and c not in _MONEY}
    if any("\ue000" <= c <= "\uf8ff" or c < "\xa0" for c in characters):  # for private use, or controls
        return 0.0
    most_used = frozenset(candidate.most_used)
    values = [_MOST_USED if c in most_used else candidate.otherwise(c, c.encode(candidate.name)) for c in characters]
    # A sum that is exact: sets have another order in every process, and equal scores must stay equal.
    value = math.fsum(values) / len(values) if values else 0.9  # signs only: € or a quotation mark
    return value * candidate.shape(decoded, [len(run) for run in _HIGH.findall(text)])
