// Words of TorchScript source: literals, identifiers, reserved names.
#pragma once

#include <complex>
#include <optional>
#include <string>
#include <string_view>

namespace calque::torchscript {

/// A float literal that every reader takes as a float: 17 significant digits, with a point or an exponent
/// (`1.`, `0.10000000000000001`, `1e+22`), or `inf`, `-inf`, `nan`.
std::string float_text(double value);

/// `3.+4.j`; nullopt when no literal gives back both parts exactly (infinities, NaN, a negative zero).
std::optional<std::string> complex_text(const std::complex<double>& value);

/// A literal in double quotes. Bytes beyond ASCII stay as they are (readers take UTF-8); control characters
/// are written in the forms that all versions of PyTorch read.
std::string string_text(std::string_view value);

/// True when every byte is ASCII.
bool is_ascii(std::string_view text);

/// True for a name that can stand after a dot and before a colon: letters, digits and `_`, no leading digit,
/// no keyword of the language.
bool is_identifier(std::string_view name);

/// `hint` with every other character replaced by `_`, and one in front of a leading digit.
std::string to_identifier(std::string_view hint);

/// True for names that a local variable must not have: keywords, and names with a meaning in printed code.
bool is_reserved(std::string_view name);

}  // namespace calque::torchscript
