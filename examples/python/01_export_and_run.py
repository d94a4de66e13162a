# %% [markdown]
# # From a checkpoint to an archive, and back
# Run as a program with the directory of a checkpoint (`make demo` makes demo/minilm), or cell by cell in an editor.

# %%
import sys

import calque
from calque.transformers import AutoTokenizer, BertModel

checkpoint = sys.argv[1] if len(sys.argv) > 1 else "demo/minilm"

# %% Token ids
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
inputs = tokenizer("Who was Jim Henson ?", "Jim Henson was a puppeteer", return_tensors="pt")
print(inputs.tokens())

# %% The trace
model = BertModel.from_pretrained(checkpoint, torchscript=True)
traced = calque.jit.trace(model, [inputs["input_ids"], inputs["attention_mask"], inputs["token_type_ids"]])
calque.jit.save(traced, "traced_bert.pt")

# %% Back again, at another length
loaded = calque.jit.load("traced_bert.pt")
longer = tokenizer("A text of another length than the one that was traced", return_tensors="pt")
hidden, pooled = loaded(longer["input_ids"], longer["attention_mask"], longer["token_type_ids"])
print(hidden.shape, pooled.shape)
