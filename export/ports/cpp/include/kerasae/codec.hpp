// The codec of a bundle. It runs no networks: whoever uses it passes functions that do.
#pragma once

#include <functional>
#include <memory>

#include "bitstream.hpp"
#include "image.hpp"
#include "values.hpp"

namespace kerasae {

/// The symbols of an image, channels of the code running fastest.
struct Coded {
    Symbols symbols;
    std::uint64_t height = 0;
    std::uint64_t width = 0;
    std::uint32_t quality = 1;
};

/// Runs a model once: takes the bytes of its input tensor, and fills those of its output tensor.
/// Both are in the byte order of the machine, of exactly the sizes of the manifest's edges.
using Run = std::function<void(Bytes input, Span<std::uint8_t> output)>;

/// Compresses images to bytes and back with a bundle. Threads may share it if the models allow.
class Codec {
public:
    /// @param manifest what `load_bundle` gave, or `parse_manifest` after a check of the files
    /// @param encoder runs the encoder; may be missing where only `pack` and `unpack` are called
    /// @param decoder runs the decoder; may be missing, too
    explicit Codec(Manifest manifest, Run encoder = nullptr, Run decoder = nullptr,
                   Limits limits = {})
        : manifest_(std::move(manifest)),
          layout_(manifest_.codec),
          limits_(limits),
          encoder_(std::move(encoder)),
          decoder_(std::move(decoder)) {
        if (limits.max_pixels == 0 || limits.max_images == 0 || limits.max_expansion == 0)
            throw std::invalid_argument("The limits must be positive. Received: 0");
        for (const Quality& quality : manifest_.codec.qualities) {
            tables_.emplace_back(quality);
            steps_.push_back(steps_of(quality));
        }
    }

    const Manifest& manifest() const { return manifest_; }
    const Layout& layout() const { return layout_; }

    /// How many qualities there are: 1, the smallest files, to this, the best and the default.
    std::uint32_t qualities() const { return static_cast<std::uint32_t>(tables_.size()); }

    /// What StreamReader and StreamWriter take; valid as long as the codec.
    Context context() const { return {manifest_.codec, layout_, manifest_.bundle_hash, limits_}; }

    /// Compress an image to a `.kae` file; quality 0 stands for the best.
    ByteVector compress(const Image& image, std::uint32_t quality = 0) const {
        return pack(encode(image, quality));
    }

    /// Rebuild the image of a `.kae` file.
    Image decompress(Bytes data) const { return decode(unpack(data)); }

    /// The `.kae` file of symbols.
    ByteVector pack(const Coded& coded) const {
        ByteVector payload;
        return write_image(block_of(Span<const Coded>(&coded, 1), payload), context());
    }

    /// The symbols of a `.kae` file.
    Coded unpack(Bytes data) const {
        return std::move(unpack_block(read_image(data, context())).front());
    }

    /// The stream of images: a block ends where size or quality changes, after 256 images, and
    /// beyond 2^22 pixels.
    ByteVector pack_many(Span<const Coded> images) const {
        StreamWriter writer(context());
        for (std::size_t first = 0; first < images.size();) {
            const Coded& one = images[first];
            std::size_t count = 1;
            while (first + count < images.size() && count < 256 &&
                   alike(one, images[first + count]) &&
                   detail::product(count + 1, one.height, one.width) <= block_pixels)
                ++count;
            ByteVector payload;
            writer.put(block_of(images.subspan(first, count), payload));
            first += count;
        }
        return writer.finish();
    }

    /// The images of a stream. To decode one while it arrives, see StreamReader.
    std::vector<Coded> unpack_many(Bytes data) const {
        StreamReader reader(context(), data);
        std::vector<Coded> images;
        while (const auto block = reader.next())
            for (Coded& coded : unpack_block(*block)) images.push_back(std::move(coded));
        return images;
    }

    /// The images of a block.
    std::vector<Coded> unpack_block(const Block& block) const {
        const Tables& tables = tables_[block.quality - 1];
        const auto each = static_cast<std::size_t>(layout_.count(block.size()));
        const std::size_t rows = static_cast<std::size_t>(block.count) * each / tables.channels();
        Bytes data = block.payload;
        Symbols symbols;
        if (tables.classes() == 1) {
            symbols = tables.decode(data, rows, [](std::size_t) { return 0U; }, limits_);
        } else {
            const auto groups =
                static_cast<std::size_t>(block.count * layout_.group_count(block.size()));
            const auto classes = unpack_bits(data, groups, detail::class_bits(tables.classes()));
            for (const std::uint8_t k : classes)
                if (k >= tables.classes())
                    throw CorruptBitstreamError("The payload names a class that does not exist.");
            const Groups group_of = groups_of(block.size());
            symbols = tables.decode(
                data, rows, [&](std::size_t row) { return classes[group_of(row)]; }, limits_);
        }
        if (!are_indices(symbols))
            throw CorruptBitstreamError("The payload holds a symbol that is no index.");
        std::vector<Coded> images;
        if (block.count == 1) {
            images.push_back({std::move(symbols), block.height, block.width, block.quality});
            return images;
        }
        for (std::size_t i = 0; i < block.count; ++i) {
            const auto first = symbols.begin() + static_cast<std::ptrdiff_t>(i * each);
            images.push_back({Symbols(first, first + static_cast<std::ptrdiff_t>(each)),
                              block.height, block.width, block.quality});
        }
        return images;
    }

    /// The symbols of an image, by running the encoder tile by tile; quality 0 is the best.
    Coded encode(const Image& image, std::uint32_t quality = 0) const {
        quality = check_quality(quality == 0 ? qualities() : quality);
        check_image(image);
        if (!encoder_) throw std::logic_error("`encode` needs a codec with an encoder.");
        const Size size{image.height, image.width}, cells = layout_.cells(size);
        const Size pitch = layout_.pitch(), tile = layout_.tile();
        const std::size_t channels = manifest_.codec.channels;
        Tensor input(manifest_.encoder.input), output(manifest_.encoder.output);
        Coded coded{Symbols(static_cast<std::size_t>(layout_.count(size))), image.height,
                    image.width, quality};
        for (const TileSpan& row : layout_.rows(size))
            for (const TileSpan& column : layout_.columns(size)) {
                std::size_t at = 0;
                for (std::uint64_t y = 0; y < tile.height; ++y)
                    for (std::uint64_t x = 0; x < tile.width; ++x) {
                        // Beyond its edges the image goes on with its last row and column.
                        const std::uint64_t from_y =
                            std::min(row.origin * pitch.height + y, size.height - 1);
                        const std::uint64_t from_x =
                            std::min(column.origin * pitch.width + x, size.width - 1);
                        const auto from =
                            static_cast<std::size_t>(from_y * size.width + from_x) * channels;
                        for (std::size_t c = 0; c < channels; ++c)
                            input.set(at++, image.data[from + c] / 255.0);
                    }
                encoder_(input.bytes(), output.bytes());
                take_symbols(output, row, column, cells, coded);
            }
        if (!are_indices(coded.symbols))
            throw std::domain_error("The encoder gave a symbol that is no index.");
        return coded;
    }

    /// The image of symbols, by running the decoder tile by tile.
    Image decode(const Coded& coded) const {
        check_coded(coded);
        if (!decoder_) throw std::logic_error("`decode` needs a codec with a decoder.");
        const Size size{coded.height, coded.width}, pitch = layout_.pitch();
        const std::size_t channels = manifest_.codec.channels;
        Tensor input(manifest_.decoder.input), output(manifest_.decoder.output);
        Image image{ByteVector(static_cast<std::size_t>(size.height * size.width) * channels),
                    coded.height, coded.width};
        for (const TileSpan& row : layout_.rows(size))
            for (const TileSpan& column : layout_.columns(size)) {
                put_symbols(coded, row, column, input);
                decoder_(input.bytes(), output.bytes());
                const std::uint64_t bottom = std::min(row.stop * pitch.height, size.height);
                const std::uint64_t right = std::min(column.stop * pitch.width, size.width);
                for (std::uint64_t y = row.start * pitch.height; y < bottom; ++y)
                    for (std::uint64_t x = column.start * pitch.width; x < right; ++x) {
                        const auto from = static_cast<std::size_t>(
                            (y - row.origin * pitch.height) * layout_.tile().width + x -
                            column.origin * pitch.width);
                        const auto to = static_cast<std::size_t>(y * size.width + x);
                        for (std::size_t c = 0; c < channels; ++c)
                            image.data[to * channels + c] = output.pixel(from * channels + c);
                    }
            }
        return image;
    }

private:
    static constexpr std::uint64_t block_pixels = 1 << 22;

    /// The square of each cell, cells of several images counted on.
    struct Groups {
        std::uint64_t cells, columns, side, across, each;

        std::size_t operator()(std::size_t cell) const {
            const std::uint64_t image = cell / cells, inside = cell % cells;
            const std::uint64_t row = inside / columns, column = inside % columns;
            return static_cast<std::size_t>(image * each + row / side * across + column / side);
        }
    };

    /// Only cells of a grid have classes, and each cell has one row of channels.
    Groups groups_of(Size size) const {
        const Size n = layout_.cells(size);
        return {n.height * n.width, n.width, layout_.group(),
                detail::ceil_div(n.width, layout_.group()), layout_.group_count(size)};
    }

    static bool alike(const Coded& a, const Coded& b) {
        return a.height == b.height && a.width == b.width && a.quality == b.quality;
    }

    /// Images of one size and quality as a block, whose payload is kept for it.
    Block block_of(Span<const Coded> images, ByteVector& payload) const {
        const Coded& one = images[0];
        const Size size{one.height, one.width};
        Symbols joined;
        for (const Coded& coded : images) {
            check_coded(coded);
            if (images.size() > 1)
                joined.insert(joined.end(), coded.symbols.begin(), coded.symbols.end());
        }
        const Span<const std::int32_t> symbols = images.size() > 1 ? joined : one.symbols;
        const Tables& tables = tables_[one.quality - 1];
        if (tables.classes() == 1) {
            tables.encode(symbols, [](std::size_t) { return 0U; }, payload);
        } else {
            const Groups group_of = groups_of(size);
            const auto groups = static_cast<std::size_t>(images.size() * layout_.group_count(size));
            const auto classes = tables.cheapest_classes(symbols, groups, group_of);
            pack_bits(classes, detail::class_bits(tables.classes()), payload);
            tables.encode(symbols, [&](std::size_t row) { return classes[group_of(row)]; }, payload);
        }
        return {images.size(), one.height, one.width, one.quality, payload};
    }

    void take_symbols(const Tensor& code, const TileSpan& row, const TileSpan& column, Size cells,
                      Coded& to) const {
        const std::vector<double>& steps = steps_[to.quality - 1];
        const auto depth = static_cast<std::size_t>(layout_.depth());
        for (std::uint64_t y = row.start; y < row.stop; ++y)
            for (std::uint64_t x = column.start; x < column.stop; ++x) {
                const auto from = static_cast<std::size_t>(
                    (y - row.origin) * layout_.tile_cells().width + x - column.origin);
                const auto at = static_cast<std::size_t>(y * cells.width + x);
                for (std::size_t i = 0; i < depth; ++i)
                    to.symbols[at * depth + i] =
                        symbol_of(code.get(from * depth + i), steps[i % steps.size()]);
            }
    }

    void put_symbols(const Coded& coded, const TileSpan& row, const TileSpan& column,
                     Tensor& to) const {
        const std::vector<double>& steps = steps_[coded.quality - 1];
        const Size cells = layout_.cells({coded.height, coded.width});
        const auto depth = static_cast<std::size_t>(layout_.depth());
        std::size_t at = 0;
        for (std::uint64_t y = 0; y < layout_.tile_cells().height; ++y)
            for (std::uint64_t x = 0; x < layout_.tile_cells().width; ++x) {
                // A code smaller than a tile goes on with its last cells.
                const std::uint64_t from_y = std::min(row.origin + y, cells.height - 1);
                const std::uint64_t from_x = std::min(column.origin + x, cells.width - 1);
                const auto from = static_cast<std::size_t>(from_y * cells.width + from_x) * depth;
                for (std::size_t i = 0; i < depth; ++i)
                    to.set(at++, coded.symbols[from + i] * steps[i % steps.size()]);
            }
    }

    std::uint32_t check_quality(std::uint32_t quality) const {
        if (quality < 1 || quality > qualities())
            throw std::invalid_argument("`quality` must be from 1 to " +
                                        std::to_string(qualities()) +
                                        ". Received: quality=" + std::to_string(quality));
        return quality;
    }

    void check_image(const Image& image) const {
        const std::uint64_t pixels = detail::product(image.height, image.width);
        if (pixels < 1 || pixels > limits_.max_pixels)
            throw std::invalid_argument("`image` must have 1 to " +
                                        std::to_string(limits_.max_pixels) +
                                        " pixels. Received: " + std::to_string(image.height) +
                                        " x " + std::to_string(image.width));
        if (image.data.size() != pixels * manifest_.codec.channels)
            throw std::invalid_argument(
                "`image.data` must be " + std::to_string(pixels * manifest_.codec.channels) +
                " bytes. Received: " + std::to_string(image.data.size()));
        // As much work as a reader allows.
        detail::Budget budget(manifest_.codec, layout_, limits_);
        const Block block{1, image.height, image.width, 1, {}};
        if (const auto refusal = budget.take(block, 0))
            throw BitstreamLimitError("The image " + *refusal);
    }

    void check_coded(const Coded& coded) const {
        check_quality(coded.quality);
        const bool some = coded.height > 0 && coded.width > 0;
        const std::uint64_t count = some ? layout_.count({coded.height, coded.width}) : 0;
        if (!some || coded.symbols.size() != count)
            throw std::invalid_argument("`symbols` must be the " + std::to_string(count) +
                                        " integers of a " + std::to_string(coded.height) + " x " +
                                        std::to_string(coded.width) + " image. Received: " +
                                        std::to_string(coded.symbols.size()));
        if (!are_indices(coded.symbols))
            throw std::invalid_argument("`symbols` must be indices from 0 to " +
                                        std::to_string(manifest_.codec.codebook - 1) + ".");
    }

    /// Whether symbols are within the codebook, if there is one: a decoder may do anything else.
    bool are_indices(const Symbols& symbols) const {
        const std::int64_t most = manifest_.codec.codebook;
        return most == 0 || std::all_of(symbols.begin(), symbols.end(), [most](std::int32_t s) {
                   return s >= 0 && s < most;
               });
    }

    Manifest manifest_;
    Layout layout_;
    Limits limits_;
    Run encoder_;
    Run decoder_;
    std::vector<Tables> tables_;
    std::vector<std::vector<double>> steps_;
};

}  // namespace kerasae
