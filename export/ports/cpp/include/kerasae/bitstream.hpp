// The container around the entropy-coded symbols: `.kae` files and streams (FORMAT.md, 5 to 7).
#pragma once

#include "entropy.hpp"

namespace kerasae {

/// Whether the bytes begin as a stream of many images does, not as a single one.
inline bool is_stream(Bytes data) { return data.size() > 1 && data[0] == 0xAE && data[1] == 0x73; }

namespace detail {

inline constexpr std::uint8_t version = 1;
inline constexpr std::uint8_t image_magic = 0x6B, stream_magic = 0x73;
inline constexpr std::size_t head_size = 5, crc_size = 4, least_size = 10;
inline constexpr const char* damaged =
    "The bitstream is damaged or truncated: its checksum does not match.";

inline std::array<std::uint8_t, 4> four_bytes(std::uint32_t value) {
    return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
            static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 24)};
}

inline bool same(Bytes a, Bytes b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

/// Reads in order; nothing is given where the data ends.
class Cursor {
public:
    explicit Cursor(Bytes data) : data_(data) {}

    std::size_t at() const { return at_; }

    std::optional<std::uint8_t> byte() {
        if (at_ == data_.size()) return std::nullopt;
        return data_[at_++];
    }

    std::optional<std::uint64_t> varint() {
        return read_varint([this] { return byte(); });
    }

    std::optional<Bytes> take(std::uint64_t size) {
        if (size > data_.size() - at_) return std::nullopt;
        const Bytes piece = data_.subspan(at_, static_cast<std::size_t>(size));
        at_ += piece.size();
        return piece;
    }

private:
    Bytes data_;
    std::size_t at_ = 0;
};

inline std::array<std::uint8_t, head_size> head(std::uint8_t magic, const Digest& hash) {
    return {0xAE, magic, version, hash[0], hash[1]};
}

inline void check_head(Bytes data, std::uint8_t magic, const Digest& hash,
                       std::uint8_t known = version) {
    const std::uint8_t kind = data.size() > 1 && data[0] == 0xAE ? data[1] : 0;
    if (kind != magic && (kind == image_magic || kind == stream_magic))
        throw BitstreamError(std::string("The bitstream holds ") +
                             (kind == stream_magic ? "a stream of many images" : "a single image") +
                             ": read it as such.");
    if (data.size() < least_size || kind != magic)
        throw CorruptBitstreamError("The data is not a kerasae bitstream: it has " +
                                    std::to_string(data.size()) + " bytes and starts with \"" +
                                    hex(data.subspan(0, 2)) + "\", not \"ae" +
                                    hex(Bytes(&magic, 1)) + "\".");
    if (data[2] != known)
        throw BitstreamVersionError("The bitstream is of version " + std::to_string(data[2]) +
                                    "; this codec reads version " + std::to_string(known) + ".");
    if (data[3] != hash[0] || data[4] != hash[1])
        throw BitstreamBundleError("The bitstream was made with bundle " +
                                   hex(data.subspan(3, 2)) + ", not with this one, " +
                                   hex(Bytes(hash).subspan(0, 2)) + ".");
}

/// The quality, height and width of a block; nothing where the data ends.
inline bool read_claims(Cursor& cursor, std::size_t qualities, Block& block) {
    if (qualities > 1) {
        const auto quality = cursor.byte();
        if (!quality) return false;
        if (*quality < 1 || *quality > qualities)
            throw CorruptBitstreamError("The bitstream names quality " + std::to_string(*quality) +
                                        ", and the bundle has " + std::to_string(qualities) + ".");
        block.quality = *quality;
    }
    const auto height = cursor.varint();
    const auto width = height ? cursor.varint() : std::nullopt;
    if (!width) return false;
    block.height = *height;
    block.width = *width;
    return true;
}

inline void append_claims(ByteVector& to, std::size_t qualities, const Block& block) {
    if (qualities > 1) to.push_back(static_cast<std::uint8_t>(block.quality));
    append_varint(to, block.height);
    append_varint(to, block.width);
}

}  // namespace detail

/// What a bitstream is read and written with: a bundle's codec part and hash, and limits.
struct Context {
    const CodecSpec& spec;
    const Layout& layout;
    const Digest& hash;
    const Limits& limits;
};

/// The `.kae` file of a block of one image.
inline ByteVector write_image(const Block& block, const Context& context) {
    ByteVector data;
    append(data, detail::head(detail::image_magic, context.hash));
    detail::append_claims(data, context.spec.qualities.size(), block);
    append(data, block.payload);
    append(data, detail::four_bytes(crc32(data, crc32(context.hash))));
    return data;
}

/// Check a `.kae` file; its block of one image, whose payload is a view of `data`.
inline Block read_image(Bytes data, const Context& context) {
    detail::check_head(data, detail::image_magic, context.hash);
    const Bytes body = data.subspan(0, data.size() - detail::crc_size);
    const auto crc = detail::four_bytes(crc32(body, crc32(context.hash)));
    if (!detail::same(crc, data.subspan(body.size()))) throw CorruptBitstreamError(detail::damaged);
    detail::Cursor cursor(body.subspan(detail::head_size));
    Block block;
    if (!detail::read_claims(cursor, context.spec.qualities.size(), block))
        throw CorruptBitstreamError("The bitstream is truncated.");
    block.payload = body.subspan(detail::head_size + cursor.at());
    detail::Budget budget(context.spec, context.layout, context.limits);
    auto refusal = budget.take(block, block.payload.size());
    if (!refusal) refusal = budget.check(data.size());
    if (refusal) throw BitstreamLimitError("The bitstream " + *refusal);
    return block;
}

/// Writes a stream block by block.
class StreamWriter {
public:
    explicit StreamWriter(const Context& context) : context_(context) {
        append(data_, detail::head(detail::stream_magic, context.hash));
        chained_ = crc32(data_, crc32(context.hash));
    }

    void put(const Block& block) {
        const std::size_t first = data_.size();
        append_varint(data_, block.count);
        detail::append_claims(data_, context_.spec.qualities.size(), block);
        append_varint(data_, block.payload.size());
        append(data_, block.payload);
        seal(first);
        total_ += block.count;
    }

    /// The whole stream; nothing can follow.
    ByteVector finish() {
        const std::size_t first = data_.size();
        append_varint(data_, 0);
        append_varint(data_, total_);
        seal(first);
        return std::move(data_);
    }

private:
    /// Append the CRC of what was written since `first`, chained to the one before.
    void seal(std::size_t first) {
        const auto crc = detail::four_bytes(crc32(Bytes(data_).subspan(first), chained_));
        append(data_, crc);
        chained_ = crc32(crc, crc32(context_.hash));
    }

    Context context_;
    ByteVector data_;
    std::uint32_t chained_ = 0;  // over the hash and the last CRC, or the head
    std::uint64_t total_ = 0;
};

/// Reads a stream while it arrives: push bytes, take blocks, and say when no more bytes come.
///
///     StreamReader reader(context);
///     while (...) {
///         reader.push(received);
///         while (auto block = reader.next()) ...
///     }
///     reader.finish();
///     while (auto block = reader.next()) ...
///
/// It accepts and refuses what a reader of the whole stream does. So a block that asks for more
/// than the bytes so far allow waits until more have come, or there are none.
class StreamReader {
public:
    explicit StreamReader(const Context& context)
        : context_(context), budget_(context.spec, context.layout, context.limits) {}

    /// A reader of the whole stream, which it does not copy.
    StreamReader(const Context& context, Bytes whole) : StreamReader(context) {
        data_ = whole;
        received_ = whole.size();
        finished_ = true;
    }

    StreamReader(const StreamReader&) = delete;
    StreamReader& operator=(const StreamReader&) = delete;

    /// More bytes have come. Payloads of blocks taken before are no longer valid.
    void push(Bytes bytes) {
        if (finished_) throw std::logic_error("`push` must not be called after `finish`.");
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ = 0;
        append(buffer_, bytes);
        data_ = buffer_;
        received_ += bytes.size();
    }

    /// No more bytes come.
    void finish() { finished_ = true; }

    /// The next block, or nothing: more bytes are needed, or after `finish`, the stream is over.
    ///
    /// @throws BitstreamError as for a whole stream, and again for each further call
    std::optional<Block> next() {
        if (!begun_ && !begin()) return std::nullopt;
        if (ended_) {
            if (at_ != data_.size()) throw CorruptBitstreamError(detail::damaged);
            return std::nullopt;
        }
        const Bytes rest = data_.subspan(at_);
        detail::Cursor cursor(rest);
        Block block;
        const auto count = cursor.varint();
        if (!count) return more();
        if (*count == 0) return end(rest, cursor);
        block.count = *count;
        if (!detail::read_claims(cursor, context_.spec.qualities.size(), block)) return more();
        const auto size = cursor.varint();
        if (!size) return more();
        detail::Budget budget = budget_;
        auto refusal = budget.take(block, *size);
        const auto payload = cursor.take(*size);
        if (!payload) return more();
        if (!check_crc(rest, cursor)) return more();
        if (refusal) throw BitstreamLimitError("The bitstream " + *refusal);
        if ((refusal = budget.check(received_))) {
            if (!finished_) return std::nullopt;
            throw BitstreamLimitError("The bitstream " + *refusal);
        }
        block.payload = *payload;
        budget_ = budget;
        total_ += block.count;
        leave(cursor);
        return block;
    }

private:
    bool begin() {
        if (data_.size() < detail::least_size && !finished_) return false;
        detail::check_head(data_, detail::stream_magic, context_.hash);
        chained_ = crc32(data_.subspan(0, detail::head_size), crc32(context_.hash));
        at_ = detail::head_size;
        return begun_ = true;
    }

    std::optional<Block> more() const {
        if (finished_) throw CorruptBitstreamError("The bitstream is truncated.");
        return std::nullopt;
    }

    std::optional<Block> end(Bytes rest, detail::Cursor& cursor) {
        const auto declared = cursor.varint();
        if (!declared || !check_crc(rest, cursor)) return more();
        leave(cursor);
        if (*declared != total_ || at_ != data_.size())
            throw CorruptBitstreamError(detail::damaged);
        ended_ = true;
        return std::nullopt;
    }

    /// Compare the next CRC with that of the bytes before; false where there are too few.
    bool check_crc(Bytes rest, detail::Cursor& cursor) {
        const Bytes body = rest.subspan(0, cursor.at());
        const auto found = cursor.take(detail::crc_size);
        if (!found) return false;
        if (!checked_) {
            const auto crc = detail::four_bytes(crc32(body, chained_));
            if (!detail::same(crc, *found)) throw CorruptBitstreamError(detail::damaged);
            checked_ = true;
            next_chained_ = crc32(crc, crc32(context_.hash));
        }
        return true;
    }

    void leave(const detail::Cursor& cursor) {
        at_ += cursor.at();
        chained_ = next_chained_;
        checked_ = false;
    }

    Context context_;
    detail::Budget budget_;
    ByteVector buffer_;
    Bytes data_;  // the buffer, or the whole stream
    std::size_t at_ = 0;
    std::uint64_t received_ = 0, total_ = 0;
    std::uint32_t chained_ = 0;  // over the hash and the last CRC, or the head
    std::uint32_t next_chained_ = 0;
    bool checked_ = false;  // whether the CRC of the block at hand matched
    bool begun_ = false, ended_ = false, finished_ = false;
};

}  // namespace kerasae
