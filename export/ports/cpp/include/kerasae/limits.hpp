// How much a reader does for the bytes that it received (FORMAT.md, section 7.1).
#pragma once

#include <algorithm>
#include <string>

#include "errors.hpp"
#include "tiling.hpp"

namespace kerasae {

/// Number of lanes of the entropy coder for a number of symbols.
constexpr std::uint64_t lane_count(std::uint64_t symbols) {
    return std::max<std::uint64_t>(1, std::min<std::uint64_t>(1024, symbols / 4096));
}

/// What a reader allows.
struct Limits {
    std::uint64_t max_pixels = std::uint64_t{1} << 26;  ///< of an image, or of all of a stream
    std::uint64_t max_images = std::uint64_t{1} << 17;  ///< of a stream
    std::uint64_t max_expansion = 1;  ///< times what the bytes received may ask for

    /// Most escaped symbols of a block.
    std::uint64_t escapes() const {
        return std::max<std::uint64_t>(std::uint64_t{1} << 13, max_pixels >> 5);
    }

    void check_escapes(std::uint64_t number) const {
        if (number > escapes())
            throw BitstreamLimitError(
                "The bitstream holds " + std::to_string(number) +
                " symbols outside of its tables, more than the " + std::to_string(escapes()) +
                " that are allowed with `max_pixels` of " + std::to_string(max_pixels) + ".");
    }
};

/// Images of one size that share an entropy-coded payload.
struct Block {
    std::uint64_t count = 1;
    std::uint64_t height = 0;
    std::uint64_t width = 0;
    std::uint32_t quality = 1;
    Bytes payload;  // a view of the bytes that were read

    Size size() const { return {height, width}; }
};

namespace detail {

/// How many bits the class of a square takes.
constexpr std::uint32_t class_bits(std::uint32_t classes) {
    std::uint32_t bits = 0;
    while (classes > std::uint32_t{1} << bits) ++bits;
    return bits;
}

/// What the bytes of a file or a stream may ask for, block by block.
class Budget {
public:
    Budget(const CodecSpec& spec, const Layout& layout, const Limits& limits)
        : spec_(&spec), layout_(&layout), limits_(&limits) {}

    /// Count a block, whose payload of so many bytes is not looked at.
    ///
    /// @throws CorruptBitstreamError if it claims what cannot be
    /// @return what is wrong if it claims more than is allowed, whatever was received
    std::optional<std::string> take(const Block& block, std::uint64_t payload) {
        constexpr std::uint64_t most_side = (std::uint64_t{1} << 31) - 1;
        if (block.count > 256)
            throw CorruptBitstreamError("A block claims " + std::to_string(block.count) +
                                        " images, over 256.");
        if (block.height < 1 || block.height > most_side || block.width < 1 ||
            block.width > most_side)
            throw CorruptBitstreamError("The bitstream claims an impossible size of " +
                                        std::to_string(block.height) + " x " +
                                        std::to_string(block.width) + " pixels.");
        const std::uint64_t runs = product(block.count, layout_->runs(block.size()));
        images_ = sum(images_, block.count);
        pixels_ = sum(pixels_, product(block.count, block.height, block.width));
        runs_ = sum(runs_, runs);
        tile_pixels_ =
            sum(tile_pixels_, product(runs, layout_->tile().height, layout_->tile().width));
        if (pixels_ > limits_->max_pixels)
            return "claims " + std::to_string(pixels_) + " pixels, over the " +
                   std::to_string(limits_->max_pixels) +
                   " that are allowed; raise `max_pixels` if you trust it.";
        const std::uint64_t symbols = product(block.count, layout_->count(block.size()));
        if (auto refusal = check_length(block, payload, symbols)) return refusal;
        if (symbols > limits_->max_pixels || tile_pixels_ > product(16, limits_->max_pixels))
            return "takes " + std::to_string(symbols) + " symbols and " +
                   std::to_string(tile_pixels_) +
                   " pixels of tiles, more than is allowed with `max_pixels` of " +
                   std::to_string(limits_->max_pixels) + ".";
        if (images_ > limits_->max_images)
            return "claims " + std::to_string(images_) + " images, over the " +
                   std::to_string(limits_->max_images) +
                   " that are allowed; raise `max_images` if you trust it.";
        return std::nullopt;
    }

    /// What is wrong if the blocks so far ask for too much for so many bytes.
    std::optional<std::string> check(std::uint64_t received) const {
        struct Asked {
            const char* what;
            std::uint64_t number, base, each, factor;
        };
        for (const Asked& asked : {Asked{"images", images_, 1 << 10, 1 << 3, 1},
                                   Asked{"pixels", pixels_, 1 << 20, 1 << 12, 1},
                                   Asked{"runs of the decoder", runs_, 1 << 12, 1 << 7, 1},
                                   Asked{"pixels of tiles", tile_pixels_, 1 << 20, 1 << 12, 16}}) {
            const std::uint64_t most =
                product(asked.factor, limits_->max_expansion,
                        sum(asked.base, product(asked.each, received)));
            if (asked.number > most)
                return "of " + std::to_string(received) + " bytes claims " +
                       std::to_string(asked.number) + " " + asked.what + ", over the " +
                       std::to_string(most) +
                       " that so few are allowed; raise `max_expansion` if you trust it.";
        }
        return std::nullopt;
    }

private:
    std::optional<std::string> check_length(const Block& block, std::uint64_t payload,
                                            std::uint64_t symbols) const {
        const Quality& quality = spec_->qualities[block.quality - 1];
        const std::uint64_t groups = product(block.count, layout_->group_count(block.size()));
        const std::uint64_t front =
            sum(sum(ceil_div(product(groups, class_bits(quality.classes)), 8),
                    4 * lane_count(symbols)),
                product(2, symbols));
        // An entry takes a word at most, an escape has five more.
        if (payload > sum(front, product(10, symbols)))
            throw CorruptBitstreamError("The bitstream is longer than its symbols can make it.");
        if (payload > sum(front, product(10, limits_->escapes())))
            return "is so long that more symbols are outside of its tables than are allowed with "
                   "`max_pixels` of " +
                   std::to_string(limits_->max_pixels) + ".";
        return std::nullopt;
    }

    const CodecSpec* spec_;
    const Layout* layout_;
    const Limits* limits_;
    std::uint64_t images_ = 0, pixels_ = 0, runs_ = 0, tile_pixels_ = 0;
};

}  // namespace detail
}  // namespace kerasae
