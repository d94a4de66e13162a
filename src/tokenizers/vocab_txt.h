// Reader of vocab.txt.
#pragma once

#include <string>
#include <string_view>

#include "tokenizers/vocab.h"

namespace calque {

/// One token a line, the line number (from 0) is its id; of equal lines the last counts. Lines end in LF, CR
/// or CR LF, as in Python. Throws LoadError on text that is not UTF-8, and on an empty file; `label` names
/// the file.
Vocab parse_vocab_txt(std::string_view text, const std::string& label);

}  // namespace calque
