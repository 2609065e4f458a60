// Entropy coding of integer symbols: interleaved rANS (FORMAT.md, section 4).
#pragma once

#include <cmath>

#include "limits.hpp"
#include "varint.hpp"

namespace kerasae {

namespace detail {

inline constexpr std::uint32_t low_state = 1 << 16;  // a state in use is not below
inline constexpr std::uint32_t byte_frequency = 16;  // of each value of a plain byte

/// Writes what Decoder reads; everything is given in the reverse order of decoding.
class Encoder {
public:
    explicit Encoder(std::size_t lanes) : states_(lanes, lanes == 1 ? 0 : low_state) {}

    void put(std::size_t lane, std::uint32_t frequency, std::uint32_t start) {
        std::uint32_t x = states_[lane];
        if (x >= std::uint64_t{frequency} << 20) {
            words_.push_back(static_cast<std::uint16_t>(x));
            x >>= 16;
        }
        states_[lane] = (x / frequency << 12) + x % frequency + start;
    }

    void finish(ByteVector& to) const {
        std::size_t size = 4;
        if (states_.size() == 1)
            for (size = 0; size < 4 && states_[0] >> 8 * size != 0;) ++size;
        for (const std::uint32_t state : states_)
            for (std::size_t i = 0; i < size; ++i)
                to.push_back(static_cast<std::uint8_t>(state >> 8 * i));
        for (std::size_t i = words_.size(); i-- > 0;) {
            to.push_back(static_cast<std::uint8_t>(words_[i]));
            to.push_back(static_cast<std::uint8_t>(words_[i] >> 8));
        }
    }

private:
    std::vector<std::uint32_t> states_;
    std::vector<std::uint16_t> words_;  // the last one is decoded first
};

class Decoder {
public:
    Decoder(Bytes data, std::size_t lanes) : data_(data) {
        std::size_t size = 4;
        if (lanes == 1) size = data.size() <= 4 ? data.size() : 4 - data.size() % 2;
        if (data.size() < size * lanes || (lanes > 1 && data.size() % 2 != 0))
            throw CorruptBitstreamError("The entropy-coded data is too short for its symbols.");
        if (lanes == 1 && size > 0 && data[size - 1] == 0)
            throw CorruptBitstreamError("The entropy-coded data starts with an overlong state.");
        states_.resize(lanes);
        for (std::uint32_t& state : states_) {
            for (std::size_t i = size; i-- > 0;) state = state << 8 | data_[at_ + i];
            at_ += size;
            if (lanes > 1 && state < low_state)
                throw CorruptBitstreamError("The entropy-coded data starts with a state too small.");
        }
    }

    std::uint32_t slot(std::size_t lane) const { return states_[lane] & 4095U; }

    /// Leave the interval that the slot of a lane lies in.
    void advance(std::size_t lane, std::uint32_t frequency, std::uint32_t start) {
        std::uint32_t x = states_[lane];
        x = frequency * (x >> 12) + (x & 4095U) - start;
        if (x < low_state) x = refill(x);
        states_[lane] = x;
    }

    std::uint8_t byte() {
        const std::uint32_t value = slot(0) / byte_frequency;
        advance(0, byte_frequency, byte_frequency * value);
        return static_cast<std::uint8_t>(value);
    }

    /// Check that the data ends here, as the encoder would have ended it.
    void finish() const {
        const std::uint32_t start = states_.size() == 1 ? 0 : low_state;
        bool good = at_ == data_.size();
        for (const std::uint32_t state : states_) good = good && state == start;
        if (!good)
            throw CorruptBitstreamError("The entropy-coded data does not end where it should.");
    }

private:
    std::uint32_t refill(std::uint32_t x) {
        if (at_ < data_.size()) {
            x = x << 16 | std::uint32_t{data_[at_]} | std::uint32_t{data_[at_ + 1]} << 8;
            at_ += 2;
        } else if (states_.size() > 1) {
            throw CorruptBitstreamError("The entropy-coded data ends before its symbols do.");
        }
        return x;
    }

    Bytes data_;
    std::size_t at_ = 0;
    std::vector<std::uint32_t> states_;
};

/// What a symbol costs, in 256ths of a bit.
inline const std::array<std::uint32_t, 4097>& costs() {
    static const auto table = [] {
        std::array<std::uint32_t, 4097> made{};
        for (std::uint32_t f = 1; f <= 4096; ++f)
            made[f] = static_cast<std::uint32_t>(std::floor(256 * (12 - std::log2(f)) + 0.5));
        return made;
    }();
    return table;
}

}  // namespace detail

/// The entropy coder with the tables of a quality: a set for each class, a table for each channel.
class Tables {
public:
    explicit Tables(const Quality& quality)
        : channels_(quality.mantissas.size()),
          classes_(quality.classes),
          shift_(quality.tables.size() <= most_exact ? 0 : 4) {
        for (const Table& table : quality.tables) {
            tables_.push_back({entries_.size(), slots_.size(), table.offset,
                               static_cast<std::uint32_t>(table.frequencies.size() - 1)});
            std::uint32_t start = 0, slot = 0;
            for (std::size_t j = 0; j < table.frequencies.size(); ++j) {
                entries_.push_back({static_cast<std::uint16_t>(start), table.frequencies[j]});
                start += table.frequencies[j];
                for (; slot < start; slot += 1U << shift_)
                    slots_.push_back(static_cast<std::uint16_t>(j));
            }
        }
    }

    std::size_t channels() const { return channels_; }
    std::uint32_t classes() const { return classes_; }

    /// Append the code of symbols, channels running fastest.
    ///
    /// @param class_of gives the class of each row of channels; rows are asked for in any order
    template <class ClassOf>
    void encode(Span<const std::int32_t> symbols, ClassOf&& class_of, ByteVector& to) const {
        const std::size_t lanes = lane_count(symbols.size());
        detail::Encoder encoder(lanes);
        const std::size_t rows = symbols.size() / channels_;
        ByteVector escapes;
        std::size_t i = 0;
        for (std::size_t row = 0; row < rows; ++row) {
            const Coded* table = &tables_[class_of(row) * channels_];
            for (std::size_t c = 0; c < channels_; ++c, ++i)
                if (const auto value = escape_value(table[c], symbols[i]))
                    append_varint(escapes, *value);
        }
        for (std::size_t k = escapes.size(); k-- > 0;)
            encoder.put(0, detail::byte_frequency, detail::byte_frequency * escapes[k]);
        std::size_t lane = symbols.size() % lanes;
        for (std::size_t row = rows; row-- > 0;) {
            const Coded* table = &tables_[class_of(row) * channels_];
            for (std::size_t c = channels_; c-- > 0;) {
                lane = (lane == 0 ? lanes : lane) - 1;
                const Entry& entry = entries_[table[c].base + entry_of(table[c], symbols[--i])];
                encoder.put(lane, entry.frequency, entry.start);
            }
        }
        encoder.finish(to);
    }

    /// Decode rows of symbols.
    ///
    /// @throws CorruptBitstreamError if the bytes are not exactly those that `encode` gives
    /// @throws BitstreamLimitError if more symbols are escaped than are allowed
    template <class ClassOf>
    Symbols decode(Bytes data, std::size_t rows, ClassOf&& class_of, const Limits& limits) const {
        const std::size_t count = rows * channels_;
        const std::size_t lanes = lane_count(count);
        detail::Decoder decoder(data, lanes);
        Symbols symbols;
        std::vector<Escaped> escaped;
        std::uint64_t escapes = 0;
        std::size_t lane = 0, i = 0;
        for (std::size_t row = 0; row < rows;) {
            // Memory follows what has been decoded, not what was claimed.
            const std::size_t stop = std::min(rows, row + std::max(row, 1 + (1 << 16) / channels_));
            symbols.resize(stop * channels_);
            for (; row < stop; ++row) {
                const Coded* table = &tables_[class_of(row) * channels_];
                for (std::size_t c = 0; c < channels_; ++c, ++i) {
                    const std::uint32_t j = entry_at(table[c], decoder.slot(lane));
                    const Entry& entry = entries_[table[c].base + j];
                    decoder.advance(lane, entry.frequency, entry.start);
                    // An escaped symbol may be beyond 32 bits here; it is replaced below.
                    symbols[i] = static_cast<std::int32_t>(std::int64_t{table[c].offset} + j);
                    if (j == table[c].escape && ++escapes <= limits.escapes())
                        escaped.push_back({i, &table[c]});
                    if (++lane == lanes) lane = 0;
                }
            }
        }
        limits.check_escapes(escapes);
        for (const Escaped& place : escaped) symbols[place.at] = read_escaped(decoder, *place.table);
        decoder.finish();
        return symbols;
    }

    /// For each group of rows, the first class that codes it at the least cost.
    template <class GroupOf>
    std::vector<std::uint8_t> cheapest_classes(Span<const std::int32_t> symbols, std::size_t groups,
                                               GroupOf&& group_of) const {
        std::vector<std::uint64_t> sums(groups * classes_);
        for (std::size_t row = 0, i = 0; i < symbols.size(); ++row) {
            std::uint64_t* sum = &sums[group_of(row) * classes_];
            for (std::size_t c = 0; c < channels_; ++c, ++i)
                for (std::size_t k = 0; k < classes_; ++k)
                    sum[k] += cost(tables_[k * channels_ + c], symbols[i]);
        }
        std::vector<std::uint8_t> chosen(groups);
        for (std::size_t group = 0; group < groups; ++group) {
            const auto first = sums.begin() + static_cast<std::ptrdiff_t>(group * classes_);
            chosen[group] = static_cast<std::uint8_t>(
                std::min_element(first, first + static_cast<std::ptrdiff_t>(classes_)) - first);
        }
        return chosen;
    }

private:
    static constexpr std::size_t most_exact = 32;  // tables whose slots stay in a cache: 256 KB

    struct Entry {
        std::uint16_t start, frequency;
    };
    struct Coded {
        std::size_t base;   // of its entries
        std::size_t slots;  // of its slots
        std::int32_t offset;
        std::uint32_t escape;  // the index of its last entry
    };
    struct Escaped {
        std::size_t at;
        const Coded* table;
    };

    std::uint32_t entry_at(const Coded& table, std::uint32_t slot) const {
        std::uint32_t j = slots_[table.slots + (slot >> shift_)];
        const Entry* entries = &entries_[table.base];
        while (slot >= std::uint32_t{entries[j].start} + entries[j].frequency) ++j;
        return j;
    }

    static std::uint32_t entry_of(const Coded& table, std::int32_t symbol) {
        const std::int64_t entry = std::int64_t{symbol} - table.offset;
        return entry >= 0 && entry < table.escape ? static_cast<std::uint32_t>(entry)
                                                  : table.escape;
    }

    /// What follows an escape; nothing for a symbol of the table.
    static std::optional<std::uint64_t> escape_value(const Coded& table, std::int32_t symbol) {
        const std::int64_t entry = std::int64_t{symbol} - table.offset;
        if (entry < 0) return static_cast<std::uint64_t>(2 * (-1 - entry) + 1);
        if (entry < table.escape) return std::nullopt;
        return static_cast<std::uint64_t>(2 * (entry - table.escape));
    }

    static std::int32_t read_escaped(detail::Decoder& decoder, const Coded& table) {
        const std::uint64_t value = *read_varint(
            [&decoder] { return std::optional<std::uint8_t>(decoder.byte()); });
        const auto half = static_cast<std::int64_t>(value / 2);
        const std::int64_t symbol =
            value % 2 != 0 ? table.offset - 1 - half : table.offset + std::int64_t{table.escape} + half;
        if (symbol < std::numeric_limits<std::int32_t>::min() ||
            symbol > std::numeric_limits<std::int32_t>::max())
            throw CorruptBitstreamError("The entropy-coded data holds a symbol over 32 bits.");
        return static_cast<std::int32_t>(symbol);
    }

    std::uint64_t cost(const Coded& table, std::int32_t symbol) const {
        const auto value = escape_value(table, symbol);
        const std::uint64_t bytes = value ? varint_size(*value) : 0;
        return detail::costs()[entries_[table.base + entry_of(table, symbol)].frequency] +
               2048 * bytes;
    }

    std::size_t channels_;
    std::uint32_t classes_;
    std::vector<Coded> tables_;
    std::vector<Entry> entries_;
    std::uint32_t shift_;
    std::vector<std::uint16_t> slots_;  // the entry of each slot, or every 16th, of each table
};

/// Append integers of `width` bits each, one after the other, low bits first.
inline void pack_bits(Bytes values, std::uint32_t width, ByteVector& to) {
    const std::size_t first = to.size();
    to.resize(first + static_cast<std::size_t>(detail::ceil_div(values.size() * width, 8)));
    for (std::size_t i = 0; i < values.size(); ++i)
        for (std::size_t bit = 0; bit < width; ++bit) {
            const std::size_t at = i * width + bit;
            to[first + at / 8] = static_cast<std::uint8_t>(
                to[first + at / 8] | (values[i] >> bit & 1) << at % 8);
        }
}

/// Integers from the front of `data`, which afterwards is the rest of it.
inline std::vector<std::uint8_t> unpack_bits(Bytes& data, std::size_t count, std::uint32_t width) {
    const auto size = static_cast<std::size_t>(detail::ceil_div(count * std::uint64_t{width}, 8));
    if (data.size() < size)
        throw CorruptBitstreamError("The payload is too short for its classes.");
    std::vector<std::uint8_t> values(count);
    for (std::size_t at = 0; at < 8 * size; ++at) {
        const unsigned bit = data[at / 8] >> at % 8 & 1U;
        if (at < count * width)
            values[at / width] = static_cast<std::uint8_t>(values[at / width] | bit << at % width);
        else if (bit != 0)
            throw CorruptBitstreamError("The payload has bits set behind its classes.");
    }
    data = data.subspan(size);
    return values;
}

}  // namespace kerasae
