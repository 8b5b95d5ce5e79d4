// Text that came from a file, a folder or a flag, made fit for a terminal and a log.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tweed {

/// `text` on one line, without anything that a terminal would act upon: control characters, bytes
/// that are no UTF-8, and characters that turn the direction of writing become `\n`, `\t`,
/// `\xNN` or `\u{NNNN}`. More than `most` bytes lose their middle: "abc[... 1000 bytes ...]xyz".
///
/// Messages that name what somebody else wrote (classes, tensors, keys, lines, paths) pass it
/// through here, so that a name can forge no line and fill no screen.
std::string printable(std::string_view text, std::size_t most = 200);

/// The same between single quotes: 'beach'.
std::string in_quotes(std::string_view text, std::size_t most = 200);

/// What printf would print, up to 400 bytes.
__attribute__((format(printf, 1, 2))) std::string formatted(const char* format, ...);

/// Whether `text` is UTF-8, as JSON and so our files need it: no overlong forms, no surrogates,
/// nothing beyond U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace tweed
