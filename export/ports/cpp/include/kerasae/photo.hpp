// The payload of version 2: classes of cells, and symbols whose tables follow from them
// (FORMAT.md, section 10). Everything is integer arithmetic.
#pragma once

#include "entropy.hpp"
#include "photo_file.hpp"

namespace kerasae {

/// What a payload holds.
struct PhotoSymbols {
    std::vector<std::int16_t> symbols;  // of each channel in each cell, cells running fastest
    ByteVector classes;                 // of the cells, row by row
    ByteVector tables;                  // the table of each symbol, 0 where none is coded
};

namespace detail {

inline constexpr std::uint8_t large = 15;  // larger magnitudes, and escaped ones, count as this

constexpr bool fits_16_bits(std::int64_t value) { return value >= -32768 && value <= 32767; }

/// Visit the channels in the order of coding.
///
/// @param visit is given plane, vertical and horizontal frequency, and whether a stage begins
template <class Visit>
void visit_channels(Visit&& visit) {
    for (std::size_t d = 0; d < 2 * cell_side - 1; ++d)
        for (std::size_t plane = 0; plane < photo_planes; ++plane) {
            const std::size_t first = d < cell_side ? 0 : d - cell_side + 1;
            for (std::size_t v = first; v <= std::min(d, cell_side - 1); ++v)
                visit(plane, v, d - v, v == first);
        }
}

constexpr std::size_t channel_of(std::size_t plane, std::size_t v, std::size_t u) {
    return (plane * cell_side + v) * cell_side + u;
}

/// The context of a sum of sizes.
constexpr std::array<std::uint8_t, 256> make_photo_contexts() {
    std::array<std::uint8_t, 256> found{};
    for (unsigned sum = 0; sum < 256; ++sum)
        for (const unsigned bound : {0U, 1U, 2U, 3U, 5U, 8U, 12U, 18U, 28U})
            found[sum] = static_cast<std::uint8_t>(found[sum] + (bound < sum ? 1 : 0));
    return found;
}

inline constexpr auto photo_context_of = make_photo_contexts();

/// Finds the context of each symbol of a channel from the sizes of those coded before it, of which
/// three diagonals of frequencies are kept.
class PhotoContexts {
public:
    explicit PhotoContexts(std::size_t cells)
        : cells_(cells), sizes_((none + 1) * cells), contexts_(cells) {}

    const std::uint8_t* find(std::size_t plane, std::size_t v, std::size_t u) {
        const auto at = [&](bool there, std::size_t p, std::size_t row, std::size_t column) {
            // Lowest coefficients tell nothing of the others.
            const bool used = there && (row + column > 0 || v + u == 0);
            return &sizes_[cells_ * (used ? row_of(p, row, column) : none)];
        };
        const std::uint8_t* a = at(v > 0, plane, v - 1, u);
        const std::uint8_t* b = at(u > 0, plane, v, u - 1);
        const std::uint8_t* c = at(plane > 0, plane - 1, v, u);
        const std::uint8_t* d = at(plane == 2, 0, v, u);
        const std::uint8_t* e = at(v > 1, plane, v - 2, u);
        const std::uint8_t* f = at(u > 1, plane, v, u - 2);
        for (std::size_t i = 0; i < cells_; ++i)
            contexts_[i] = static_cast<std::uint8_t>(2 * (a[i] + b[i] + c[i] + d[i]) + e[i] + f[i]);
        for (std::uint8_t& context : contexts_) context = photo_context_of[context];
        return contexts_.data();
    }

    /// Where the sizes of the symbols of a channel go: all of them, 0 where none is coded.
    std::uint8_t* sizes(std::size_t plane, std::size_t v, std::size_t u) {
        return &sizes_[cells_ * row_of(plane, v, u)];
    }

private:
    static constexpr std::size_t none = 3 * photo_planes * cell_side;  // a row of zeros

    static constexpr std::size_t row_of(std::size_t plane, std::size_t v, std::size_t u) {
        return ((v + u) % 3 * photo_planes + plane) * cell_side + v;
    }

    std::size_t cells_;
    ByteVector sizes_, contexts_;
};

/// The table of the class of a cell, by its left and its upper neighbour: where its classes end.
inline const std::uint16_t* class_table(const Family& family, Bytes classes, std::size_t cell,
                                        std::size_t columns, std::uint32_t quality) {
    const std::uint32_t edge = family.neighbours;
    const std::uint32_t left = cell % columns > 0 ? family.groups[classes[cell - 1]] : edge;
    const std::uint32_t above = cell >= columns ? family.groups[classes[cell - columns]] : edge;
    const std::size_t row = (family.band(quality) * (edge + 1) + left) * (edge + 1) + above;
    return &family.class_ends[row * family.count];
}

/// How many symbols cells of these classes code.
inline std::size_t count_coded(const Family& family, Bytes classes) {
    std::vector<std::size_t> coded(family.count);
    for (std::size_t i = 0; i < family.classes.size(); ++i)
        coded[i / photo_channels] += family.classes[i] > 0 ? 1 : 0;
    std::size_t sum = 0;
    for (const std::uint8_t k : classes) sum += coded[k];
    return sum;
}

/// For each class the tables of its symbols of a channel by context, or null where none is coded.
inline std::vector<const std::uint8_t*> names_of(const Family& family, std::size_t channel) {
    std::vector<const std::uint8_t*> names(family.count);
    for (std::size_t k = 0; k < family.count; ++k)
        if (const std::size_t level = family.classes[k * photo_channels + channel])
            names[k] = &family.levels[level * photo_contexts];
    return names;
}

/// The number closest to log2(n / 4096), within 0 to 10.
inline std::uint32_t photo_lanes_log2(std::uint64_t n) {
    std::uint32_t log2 = 0;
    while (log2 < 10 && n * n > std::uint64_t{1} << (2 * log2 + 25)) ++log2;
    return log2;
}

template <class Value>
std::int32_t prediction(const Value* values, std::size_t cell, std::size_t columns) {
    const bool left = cell % columns > 0, above = cell >= columns;
    if (!left) return above ? values[cell - columns] : 0;
    if (!above) return values[cell - 1];
    const std::int32_t sum = 3 * (values[cell - 1] + values[cell - columns]) -
                             2 * values[cell - columns - 1] + 2;
    return sum >= 0 ? sum / 4 : -((3 - sum) / 4);
}

}  // namespace detail

/// Replace the lowest coefficients by their differences from their prediction.
///
/// @throws std::invalid_argument if a difference exceeds 16 bits
inline void predict_lowest(std::vector<std::int16_t>& symbols, std::size_t columns) {
    const std::size_t cells = symbols.size() / photo_channels;
    for (std::size_t plane = 0; plane < photo_planes; ++plane) {
        std::int16_t* values = symbols.data() + plane * cell_area * cells;
        for (std::size_t cell = cells; cell-- > 0;) {
            const std::int32_t difference =
                values[cell] - detail::prediction(values, cell, columns);
            if (!detail::fits_16_bits(difference))
                throw std::invalid_argument(
                    "The photograph must be such that differences fit in 16 bits.");
            values[cell] = static_cast<std::int16_t>(difference);
        }
    }
}

/// Undo `predict_lowest`.
inline void unpredict_lowest(std::vector<std::int16_t>& symbols, std::size_t columns) {
    const std::size_t cells = symbols.size() / photo_channels;
    for (std::size_t plane = 0; plane < photo_planes; ++plane) {
        std::int16_t* values = symbols.data() + plane * cell_area * cells;
        for (std::size_t cell = 0; cell < cells; ++cell) {
            const std::int32_t value = values[cell] + detail::prediction(values, cell, columns);
            if (!detail::fits_16_bits(value))
                throw CorruptBitstreamError("The bitstream holds a coefficient over 16 bits.");
            values[cell] = static_cast<std::int16_t>(value);
        }
    }
}

/// Code the symbols of a photograph: 0 where the class of the cell codes none, and lowest
/// coefficients as differences.
inline ByteVector pack_photo(const Family& family, const std::vector<std::int16_t>& symbols,
                             Bytes classes, std::size_t columns, std::uint32_t quality) {
    const std::size_t cells = classes.size();
    std::vector<PhotoTable::Entry> coded;
    coded.reserve(detail::count_coded(family, classes));
    std::vector<std::size_t> begins;  // of the stages
    ByteVector tail;
    detail::PhotoContexts contexts(cells);
    detail::visit_channels([&](std::size_t plane, std::size_t v, std::size_t u, bool begins_stage) {
        if (begins_stage) begins.push_back(coded.size());
        const std::size_t channel = detail::channel_of(plane, v, u);
        const auto names = detail::names_of(family, channel);
        const std::uint8_t* context = contexts.find(plane, v, u);
        std::uint8_t* size = contexts.sizes(plane, v, u);
        const std::int16_t* own = &symbols[channel * cells];
        for (std::size_t cell = 0; cell < cells; ++cell) {
            const std::uint8_t* name = names[classes[cell]];
            size[cell] = 0;
            if (name == nullptr) continue;
            const PhotoTable& table = family.tables[name[context[cell]]];
            const std::int32_t symbol = own[cell];
            const std::uint32_t entry = table.entry_of(symbol);
            if (entry == table.escape) {
                const std::int32_t beyond = symbol - table.offset;
                append_varint(tail, static_cast<std::uint64_t>(
                                        beyond < 0 ? 2 * (-1 - beyond) + 1
                                                   : 2 * (beyond - static_cast<std::int32_t>(
                                                                       table.escape))));
                size[cell] = detail::large;
            } else {
                size[cell] = static_cast<std::uint8_t>(
                    std::min<std::int32_t>(detail::large, std::abs(symbol)));
            }
            coded.push_back(table.entries[entry]);
        }
    });
    const std::uint32_t log2 = detail::photo_lanes_log2(coded.size());
    const std::size_t lanes = std::size_t{1} << log2;
    detail::Encoder encoder(lanes);
    for (std::size_t i = tail.size(); i-- > 0;)
        encoder.put(0, detail::byte_frequency, detail::byte_frequency * tail[i]);
    for (std::size_t end = coded.size(); !begins.empty(); begins.pop_back()) {
        const std::size_t begin = begins.back();
        for (std::size_t i = end; i-- > begin;)
            encoder.put((i - begin) & (lanes - 1), coded[i].frequency, coded[i].start);
        end = begin;
    }
    for (std::size_t cell = cells; cell-- > 0;) {
        const std::uint16_t* ends = detail::class_table(family, classes, cell, columns, quality);
        const std::uint8_t k = classes[cell];
        const std::uint32_t start = k > 0 ? ends[k - 1] : 0U;
        encoder.put(0, ends[k] - start, start);
    }
    ByteVector payload = {static_cast<std::uint8_t>(log2)};
    encoder.finish(payload);
    return payload;
}

/// Decode what `pack_photo` gave.
///
/// @throws CorruptBitstreamError if the payload is not exactly one that an encoder can give
/// @throws BitstreamLimitError if more symbols are escaped than are allowed
inline PhotoSymbols unpack_photo(const Family& family, Bytes payload, std::size_t rows,
                                 std::size_t columns, std::uint32_t quality, const Limits& limits) {
    if (payload.empty() || payload[0] > 10)
        throw CorruptBitstreamError("The payload names an impossible number of lanes.");
    const std::size_t lanes = std::size_t{1} << payload[0], cells = rows * columns;
    detail::Decoder decoder(payload.subspan(1), lanes);
    PhotoSymbols found;
    found.classes.resize(cells);
    for (std::size_t cell = 0; cell < cells; ++cell) {
        const std::uint16_t* ends =
            detail::class_table(family, found.classes, cell, columns, quality);
        const std::uint32_t slot = decoder.slot(0);
        const std::uint16_t* end = std::upper_bound(ends, ends + family.count, slot);
        found.classes[cell] = static_cast<std::uint8_t>(end - ends);
        const std::uint32_t start = end > ends ? end[-1] : 0U;
        decoder.advance(0, *end - start, start);
    }
    if (detail::count_coded(family, found.classes) > lanes << 14 && lanes < detail::photo_lanes)
        throw CorruptBitstreamError("The payload has fewer lanes than its symbols need.");
    found.symbols.resize(photo_channels * cells);
    found.tables.resize(photo_channels * cells);
    std::vector<std::size_t> escaped;
    std::uint64_t escapes = 0;
    std::size_t i = 0;
    detail::PhotoContexts contexts(cells);
    detail::visit_channels([&](std::size_t plane, std::size_t v, std::size_t u, bool begins_stage) {
        if (begins_stage) i = 0;
        const std::size_t channel = detail::channel_of(plane, v, u);
        const auto names = detail::names_of(family, channel);
        const std::uint8_t* context = contexts.find(plane, v, u);
        std::uint8_t* size = contexts.sizes(plane, v, u);
        std::int16_t* symbols = &found.symbols[channel * cells];
        std::uint8_t* tables = &found.tables[channel * cells];
        for (std::size_t cell = 0; cell < cells; ++cell) {
            const std::uint8_t* name = names[found.classes[cell]];
            size[cell] = 0;
            if (name == nullptr) continue;
            tables[cell] = name[context[cell]];
            const PhotoTable& table = family.tables[tables[cell]];
            const std::size_t lane = i++ & (lanes - 1);
            const std::uint32_t j = table.slots[decoder.slot(lane)];
            decoder.advance(lane, table.entries[j].frequency, table.entries[j].start);
            if (j == table.escape) {
                if (++escapes <= limits.escapes()) escaped.push_back(channel * cells + cell);
                size[cell] = detail::large;
            } else {
                const std::int32_t symbol = table.offset + static_cast<std::int32_t>(j);
                symbols[cell] = static_cast<std::int16_t>(symbol);
                size[cell] = static_cast<std::uint8_t>(
                    std::min<std::int32_t>(detail::large, std::abs(symbol)));
            }
        }
    });
    limits.check_escapes(escapes);
    for (const std::size_t at : escaped) {
        const PhotoTable& table = family.tables[found.tables[at]];
        const std::uint64_t value = *read_varint(
            [&decoder] { return std::optional<std::uint8_t>(decoder.byte()); });
        const auto half = static_cast<std::int64_t>(value / 2);
        const std::int64_t symbol =
            value % 2 != 0 ? table.offset - 1 - half : table.offset + std::int64_t{table.escape} + half;
        if (!detail::fits_16_bits(symbol))
            throw CorruptBitstreamError("The bitstream holds a symbol over 16 bits.");
        found.symbols[at] = static_cast<std::int16_t>(symbol);
    }
    decoder.finish();
    return found;
}

}  // namespace kerasae
