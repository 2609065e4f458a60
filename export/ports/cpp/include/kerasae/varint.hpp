// Unsigned integers of variable length (LEB128): seven bits a byte, the low ones first.
#pragma once

#include <optional>

#include "errors.hpp"
#include "span.hpp"

namespace kerasae {

/// Append the shortest encoding of a value in [0, 2^35).
inline void append_varint(ByteVector& to, std::uint64_t value) {
    for (; value > 127; value >>= 7) to.push_back(static_cast<std::uint8_t>(value % 128 + 128));
    to.push_back(static_cast<std::uint8_t>(value));
}

/// How many bytes that takes.
inline std::size_t varint_size(std::uint64_t value) {
    std::size_t size = 1;
    while (value >>= 7) ++size;
    return size;
}

/// Read one number; only its shortest encoding is accepted.
///
/// @param next_byte gives the next byte, or nothing where the data ends
/// @return the number, or nothing where the data ends
template <class NextByte>
std::optional<std::uint64_t> read_varint(NextByte&& next_byte) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        const std::optional<std::uint8_t> byte = next_byte();
        if (!byte) return std::nullopt;
        value |= std::uint64_t{*byte & 0x7FU} << shift;
        if (*byte < 128) {
            if (shift > 0 && *byte == 0) break;
            return value;
        }
    }
    throw CorruptBitstreamError("The bitstream holds a malformed number.");
}

}  // namespace kerasae
