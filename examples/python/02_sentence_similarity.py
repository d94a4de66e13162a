# %% [markdown]
# # Which sentences mean the same?

# %%
import sys

import calque
import calque.nn.functional as F
from calque.transformers import AutoModel, AutoTokenizer

checkpoint = sys.argv[1] if len(sys.argv) > 1 else "demo/minilm"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModel.from_pretrained(checkpoint)

# %% Mean of the tokens' vectors, padding left out, of length one
sentences = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
features = tokenizer(sentences, padding=True, truncation=True, return_tensors="pt")
mask = features["attention_mask"].unsqueeze(-1).float()
hidden = model(**features).last_hidden_state
embeddings = F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)

# %% Cosines
cosines = embeddings @ embeddings.T
for row, sentence in zip(cosines.tolist(), sentences, strict=True):
    print(" ".join(f"{value:5.2f}" for value in row), sentence)
assert cosines[0, 1].item() > cosines[0, 2].item()
