// The container of version 2: a `.kae` file of one photograph (FORMAT.md, section 10).
#pragma once

#include "bitstream.hpp"
#include "family.hpp"

namespace kerasae {

/// What a file of version 2 says before its payload.
struct PhotoHead {
    std::uint32_t quality = 0;
    std::uint64_t height = 0;
    std::uint64_t width = 0;
};

namespace detail {

inline constexpr std::uint8_t photo_version = 2;
inline constexpr std::uint64_t photo_lanes = 1024;  // at most

constexpr std::uint64_t cells_of(std::uint64_t pixels) { return ceil_div(pixels, cell_side); }

inline PhotoHead read_photo_claims(Cursor& cursor) {
    const auto quality = cursor.byte();
    if (quality && *quality >= 0x80)
        throw BitstreamVersionError(
            "The bitstream names its tables in a way that this code does not know.");
    if (quality && (*quality < 1 || *quality > photo_qualities))
        throw CorruptBitstreamError("The bitstream names quality " + std::to_string(*quality) +
                                    ", and there are " + std::to_string(photo_qualities) + ".");
    const auto height = quality ? cursor.varint() : std::nullopt;
    const auto width = height ? cursor.varint() : std::nullopt;
    if (!width) throw CorruptBitstreamError("The bitstream is truncated.");
    return {*quality, *height, *width};
}

/// Refuse what a head claims, for a payload and a file of so many bytes (FORMAT.md, section 7).
inline void check_photo_claims(const PhotoHead& head, std::uint64_t payload,
                               std::uint64_t received, const Limits& limits) {
    constexpr std::uint64_t most_side = (std::uint64_t{1} << 31) - 1;
    if (head.height < 1 || head.height > most_side || head.width < 1 || head.width > most_side)
        throw CorruptBitstreamError("The bitstream claims an impossible size of " +
                                    std::to_string(head.height) + " x " +
                                    std::to_string(head.width) + " pixels.");
    const std::uint64_t pixels = head.height * head.width;
    if (pixels > limits.max_pixels)
        throw BitstreamLimitError("The bitstream claims " + std::to_string(pixels) +
                                  " pixels, over the " + std::to_string(limits.max_pixels) +
                                  " that are allowed; raise `max_pixels` if you trust it.");
    const std::uint64_t most = product(
        limits.max_expansion, sum(std::uint64_t{1} << 20, product(std::uint64_t{1} << 12, received)));
    if (pixels > most)
        throw BitstreamLimitError("The bitstream of " + std::to_string(received) +
                                  " bytes claims " + std::to_string(pixels) +
                                  " pixels, over the " + std::to_string(most) +
                                  " that so few are allowed; raise `max_expansion` if you trust it.");
    const std::uint64_t symbols =
        product(cells_of(head.height), cells_of(head.width), photo_channels + 1);
    const std::uint64_t front = sum(1 + 4 * photo_lanes, product(2, symbols));
    if (payload > sum(front, product(10, symbols)))
        throw CorruptBitstreamError("The bitstream is longer than its symbols can make it.");
    if (payload > sum(front, product(10, limits.escapes())))
        limits.check_escapes(ceil_div(payload - front, 10));
}

}  // namespace detail

/// The first two bytes of the hash of the family of a file of version 2; nothing for other bytes.
inline std::optional<std::array<std::uint8_t, 2>> family_id(Bytes data) {
    if (data.size() < detail::least_size || data[0] != 0xAE || data[1] != detail::image_magic ||
        data[2] != detail::photo_version)
        return std::nullopt;
    return std::array<std::uint8_t, 2>{data[3], data[4]};
}

/// What a file of version 2 says without its family, before its CRC is checked.
///
/// @throws CorruptBitstreamError, BitstreamVersionError as a reader of the whole file does
inline PhotoHead read_photo_head(Bytes data) {
    Digest own{};
    for (std::size_t i = 0; i < 2 && i + 3 < data.size(); ++i) own[i] = data[i + 3];
    detail::check_head(data, detail::image_magic, own, detail::photo_version);
    detail::Cursor cursor(
        data.subspan(detail::head_size, data.size() - detail::head_size - detail::crc_size));
    return detail::read_photo_claims(cursor);
}

/// The `.kae` file of a payload.
inline ByteVector write_photo(const PhotoHead& head, Bytes payload, const Digest& hash) {
    ByteVector data = {0xAE, detail::image_magic, detail::photo_version, hash[0], hash[1],
                       static_cast<std::uint8_t>(head.quality)};
    append_varint(data, head.height);
    append_varint(data, head.width);
    append(data, payload);
    append(data, detail::four_bytes(crc32(data, crc32(hash))));
    return data;
}

/// Check a file; `payload` becomes a view of its payload.
inline PhotoHead read_photo(Bytes data, const Digest& hash, const Limits& limits, Bytes& payload) {
    detail::check_head(data, detail::image_magic, hash, detail::photo_version);
    const Bytes body = data.subspan(0, data.size() - detail::crc_size);
    const auto crc = detail::four_bytes(crc32(body, crc32(hash)));
    if (!detail::same(crc, data.subspan(body.size()))) throw CorruptBitstreamError(detail::damaged);
    detail::Cursor cursor(body.subspan(detail::head_size));
    const PhotoHead head = detail::read_photo_claims(cursor);
    payload = body.subspan(detail::head_size + cursor.at());
    detail::check_photo_claims(head, payload.size(), data.size(), limits);
    return head;
}

}  // namespace kerasae
