# %% [markdown]
# # A model of Transformers, run by Calque
# This one needs torch and transformers.

# %%
import sys

import torch
import transformers

import calque

checkpoint = sys.argv[1] if len(sys.argv) > 1 else "demo/minilm"
tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
model = transformers.AutoModel.from_pretrained(checkpoint)

# %% The same call, torch tensors in and out; the first one is compared with the original
fast = calque.optimize(model)
inputs = tokenizer(["Who was Jim Henson ?", "A puppeteer"], padding=True, return_tensors="pt")
output = fast(**inputs)
print(type(output).__name__, tuple(output.last_hidden_state.shape))
print(fast.report)

# %%
with torch.no_grad():
    expected = model(**inputs)
assert torch.allclose(output.last_hidden_state, expected.last_hidden_state, atol=1e-4)
