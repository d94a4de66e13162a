"""CTranslate2: converted by its own converter. It takes the lengths of the sequences in place of a mask."""

import numpy


def prepare(model, precision) -> None:
    del precision
    import ctranslate2.converters
    import transformers

    folder = model.folder / "ctranslate2"
    # The converter insists on a tokenizer, which a made-up checkpoint lacks: its words do not matter.
    checkpoint = model.checkpoint
    if not (checkpoint / "vocab.txt").exists():
        checkpoint = with_words(model, transformers)
    ctranslate2.converters.TransformersConverter(str(checkpoint)).convert(str(folder), force=True)


def with_words(model, transformers):
    folder = model.folder / "with_words"
    folder.mkdir(exist_ok=True)
    for file in model.checkpoint.iterdir():
        if not (folder / file.name).exists():
            (folder / file.name).symlink_to(file.resolve())
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"word{i}" for i in range(model.vocabulary - len(words))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


class Engine:
    def __init__(self, model, precision, threads):
        import ctranslate2

        self.library, self.threads = ctranslate2, threads
        self.folder = model.folder / "ctranslate2"
        self.compute = {"f32": "float32", "int8": "int8"}[precision]

    def load(self) -> None:
        self.encoder = self.library.Encoder(
            str(self.folder), device="cpu", compute_type=self.compute, inter_threads=1, intra_threads=self.threads
        )

    def bind(self, arrays: dict[str, numpy.ndarray]):
        # A view does not own its array.
        self.arrays = arrays["input_ids"].astype(numpy.int32), arrays["attention_mask"].sum(1).astype(numpy.int32)
        ids, lengths = map(self.library.StorageView.from_array, self.arrays)
        segments = arrays["token_type_ids"].tolist() if "token_type_ids" in arrays else None
        return lambda: self.encoder.forward_batch(ids, lengths, token_type_ids=segments)

    def array(self, result) -> numpy.ndarray:
        return numpy.array(result.last_hidden_state)
