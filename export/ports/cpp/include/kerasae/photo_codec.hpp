// The codec of photographs: pixels to a file of version 2 and back, without any network.
#pragma once

#include "photo_transform.hpp"

namespace kerasae {

namespace detail {

/// Floor of a quotient by a positive number.
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/// The symbols of coefficients, lowest ones not yet as differences (FORMAT.md, section 11).
inline std::vector<std::int16_t> round_photo(const std::vector<std::int32_t>& coefficients,
                                             std::uint32_t step) {
    constexpr std::int64_t most = 32767;
    const std::size_t cells = coefficients.size() / photo_channels;
    std::vector<std::int16_t> symbols(coefficients.size());
    for (std::size_t channel = 0, i = 0; channel < photo_channels; ++channel) {
        const bool lowest = channel % cell_area == 0;
        for (std::size_t cell = 0; cell < cells; ++cell, ++i) {
            const std::int64_t c = coefficients[i], magnitude = c < 0 ? -c : c;
            std::int64_t symbol = 0;
            if (lowest) {
                symbol = floor_div(c + std::int64_t{32} * step, std::int64_t{64} * step);
            } else if (magnitude >= std::int64_t{43} * step) {  // else it is 0
                // 32 bits hold the sum, and are divided faster.
                symbol = static_cast<std::uint32_t>(magnitude + std::int64_t{21} * step) /
                         (64 * step);
                if (c < 0) symbol = -symbol;
            }
            symbols[i] = static_cast<std::int16_t>(std::min(most, std::max(-most, symbol)));
        }
    }
    return symbols;
}

/// The class of each cell of least cost, the first of several (FORMAT.md, section 11).
inline ByteVector cheapest_photo_classes(const Family& family,
                                         const std::vector<std::int16_t>& symbols) {
    constexpr std::size_t piece = 256;  // cells, whose sums stay in a cache
    const std::size_t cells = symbols.size() / photo_channels, count = family.count;
    std::vector<std::int32_t> zeros(count);  // what zeros cost
    std::vector<std::int32_t> extra(photo_channels * photo_buckets * count);  // over a zero
    for (std::size_t channel = 0; channel < photo_channels; ++channel)
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t level = family.classes[k * photo_channels + channel];
            const std::uint32_t* cost = &family.costs[level * photo_buckets];
            zeros[k] += static_cast<std::int32_t>(cost[0]);
            for (std::size_t b = 0; b < photo_buckets; ++b)
                extra[(channel * photo_buckets + b) * count + k] =
                    static_cast<std::int32_t>(cost[b]) - static_cast<std::int32_t>(cost[0]);
        }
    ByteVector classes(cells);
    std::vector<std::int32_t> totals;
    for (std::size_t first = 0; first < cells; first += piece) {
        const std::size_t stop = std::min(cells, first + piece);
        totals.clear();
        for (std::size_t cell = first; cell < stop; ++cell)
            totals.insert(totals.end(), zeros.begin(), zeros.end());
        for (std::size_t channel = 0; channel < photo_channels; ++channel)
            for (std::size_t cell = first; cell < stop; ++cell) {
                const std::int32_t symbol = symbols[channel * cells + cell];
                if (symbol == 0) continue;
                std::size_t bucket = 1;
                for (std::int32_t bound = 1; bucket < 7 && std::abs(symbol) > bound; bound *= 2)
                    ++bucket;
                const std::int32_t* more =
                    &extra[(channel * photo_buckets + bucket) * count];
                std::int32_t* total = &totals[(cell - first) * count];
                for (std::size_t k = 0; k < count; ++k) total[k] += more[k];
            }
        for (std::size_t cell = first; cell < stop; ++cell) {
            const std::int32_t* total = &totals[(cell - first) * count];
            classes[cell] =
                static_cast<std::uint8_t>(std::min_element(total, total + count) - total);
        }
    }
    return classes;
}

}  // namespace detail

/// Compresses photographs to bytes and back. Threads may share it.
class PhotoCodec {
public:
    static constexpr std::uint32_t default_quality = 75;

    /// @param families the first one writes, and all of them read: a file names its family
    explicit PhotoCodec(std::vector<Family> families, Limits limits = {})
        : families_(std::move(families)), limits_(limits) {
        if (families_.empty())
            throw std::invalid_argument("`families` must hold one or more. Received: none");
        if (limits.max_pixels == 0 || limits.max_expansion == 0)
            throw std::invalid_argument("The limits must be positive. Received: 0");
    }

    const std::vector<Family>& families() const { return families_; }

    /// Compress a photograph of red, green and blue to a `.kae` file, by the rule of effort 0.
    ///
    /// @param quality 1 (the smallest file) to 100 (the best image)
    ByteVector compress(const Image& image, std::uint32_t quality = default_quality) const {
        check_quality(quality);
        check_image(image);
        const Family& family = families_.front();
        const auto columns = static_cast<std::size_t>(detail::cells_of(image.width));
        std::vector<std::int16_t> symbols =
            detail::round_photo(analyse_photo(family, image), family.steps[quality - 1]);
        predict_lowest(symbols, columns);
        const ByteVector classes = detail::cheapest_photo_classes(family, symbols);
        for (std::size_t i = 0, channel = 0; channel < photo_channels; ++channel)
            for (std::size_t cell = 0; cell < classes.size(); ++cell, ++i)
                if (family.classes[classes[cell] * photo_channels + channel] == 0) symbols[i] = 0;
        return write_photo({quality, image.height, image.width},
                           pack_photo(family, symbols, classes, columns, quality), family.hash);
    }

    /// Rebuild the photograph of a file.
    ///
    /// @throws BitstreamError if the bytes are damaged, of an unknown family or version, or claim
    ///     more than is allowed; see the classes derived from it
    Image decompress(Bytes data) const {
        PhotoHead head;
        const PhotoSymbols coded = unpack(data, head);
        return synthesise_photo(family_of(data), coded, head);
    }

    /// The symbols of a file, lowest coefficients themselves, not as differences.
    PhotoSymbols unpack(Bytes data, PhotoHead& head) const {
        const Family& family = family_of(data);
        Bytes payload;
        head = read_photo(data, family.hash, limits_, payload);
        const auto rows = static_cast<std::size_t>(detail::cells_of(head.height));
        const auto columns = static_cast<std::size_t>(detail::cells_of(head.width));
        PhotoSymbols found = unpack_photo(family, payload, rows, columns, head.quality, limits_);
        unpredict_lowest(found.symbols, columns);
        return found;
    }

    /// The `.kae` file of symbols as `unpack` gives them.
    ByteVector pack(PhotoSymbols coded, const PhotoHead& head) const {
        check_quality(head.quality);
        const auto columns = static_cast<std::size_t>(detail::cells_of(head.width));
        const std::uint64_t cells = detail::product(detail::cells_of(head.height), columns);
        if (cells == 0 || coded.classes.size() != cells ||
            coded.symbols.size() != photo_channels * cells)
            throw std::invalid_argument("`coded` must have the symbols and classes of " +
                                        std::to_string(cells) + " cells. Received: " +
                                        std::to_string(coded.classes.size()) + " classes");
        const Family& family = families_.front();
        for (const std::uint8_t k : coded.classes)
            if (k >= family.count)
                throw std::invalid_argument("`coded.classes` must be below " +
                                            std::to_string(family.count) +
                                            ". Received: " + std::to_string(k));
        predict_lowest(coded.symbols, columns);
        return write_photo(
            head, pack_photo(family, coded.symbols, coded.classes, columns, head.quality),
            family.hash);
    }

private:
    /// The family that a file names; the first one for what is no such file, and refused later.
    const Family& family_of(Bytes data) const {
        const auto id = family_id(data);
        if (!id) return families_.front();
        for (const Family& family : families_)
            if (family.hash[0] == (*id)[0] && family.hash[1] == (*id)[1]) return family;
        std::string known;
        for (const Family& family : families_)
            known += (known.empty() ? "" : ", ") + family.id();
        throw BitstreamBundleError("The bitstream was made with family " + hex(*id) +
                                   ", which this codec does not have: " + known + ".");
    }

    static void check_quality(std::uint32_t quality) {
        if (quality < 1 || quality > photo_qualities)
            throw std::invalid_argument("`quality` must be from 1 to " +
                                        std::to_string(photo_qualities) +
                                        ". Received: quality=" + std::to_string(quality));
    }

    void check_image(const Image& image) const {
        const std::uint64_t pixels = detail::product(image.height, image.width);
        if (pixels < 1 || pixels > limits_.max_pixels)
            throw std::invalid_argument("`image` must have 1 to " +
                                        std::to_string(limits_.max_pixels) +
                                        " pixels. Received: " + std::to_string(image.height) +
                                        " x " + std::to_string(image.width));
        if (image.data.size() != pixels * photo_planes)
            throw std::invalid_argument(
                "`image.data` must be " + std::to_string(pixels * photo_planes) +
                " bytes. Received: " + std::to_string(image.data.size()));
    }

    std::vector<Family> families_;
    Limits limits_;
};

}  // namespace kerasae
