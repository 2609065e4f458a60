// How an image of any size is cut into tiles that a model of fixed size can take (FORMAT.md, 3).
#pragma once

#include <limits>

#include "manifest.hpp"

namespace kerasae {

namespace detail {

/// A product that stays at the largest number where it would be larger.
constexpr std::uint64_t product(std::uint64_t a, std::uint64_t b) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    return b != 0 && a > most / b ? most : a * b;
}

template <class... Rest>
constexpr std::uint64_t product(std::uint64_t a, std::uint64_t b, Rest... rest) {
    return product(product(a, b), rest...);
}

/// The sum of numbers that stays at the largest one, too.
constexpr std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
    return a > std::numeric_limits<std::uint64_t>::max() - b
               ? std::numeric_limits<std::uint64_t>::max()
               : a + b;
}

constexpr std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) {
    return a / b + (a % b != 0 ? 1 : 0);
}

}  // namespace detail

/// A tile along one axis, in cells: where it starts, and the cells that are taken from it.
struct TileSpan {
    std::uint64_t origin = 0;
    std::uint64_t start = 0;
    std::uint64_t stop = 0;
};

/// Cover an axis of `cells` cells with tiles of `tile` cells, each trusted `margin` cells inside.
inline std::vector<TileSpan> spans(std::uint64_t cells, std::uint64_t tile, std::uint64_t margin) {
    const std::uint64_t last = cells > tile ? cells - tile : 0;
    std::vector<TileSpan> found;
    for (std::uint64_t origin = 0; origin < last; origin += tile - 2 * margin)
        found.push_back({origin, 0, 0});
    found.push_back({last, 0, cells});
    for (std::size_t i = 1; i < found.size(); ++i)
        found[i].start = found[i - 1].stop = (found[i - 1].origin + found[i].origin + tile) / 2;
    return found;
}

struct Size {
    std::uint64_t height = 0;
    std::uint64_t width = 0;
};

/// The cells, tiles and groups of an image, as they follow from a bundle's codec part.
class Layout {
public:
    explicit Layout(const CodecSpec& spec) : margin_(spec.margin), group_(spec.group) {
        const bool grid = spec.layout == LayoutKind::grid;
        tile_ = {spec.tile[0], spec.tile[1]};
        tile_cells_ = grid ? Size{spec.code_shape[0], spec.code_shape[1]} : Size{1, 1};
        pitch_ = grid ? Size{spec.stride, spec.stride} : tile_;
        depth_ = 1;
        for (std::size_t i = grid ? 2 : 0; i < spec.code_shape.size(); ++i)
            depth_ *= spec.code_shape[i];
    }

    Size tile() const { return tile_; }              ///< pixels of a tile
    Size tile_cells() const { return tile_cells_; }  ///< cells of a tile; in blocks it is one
    Size pitch() const { return pitch_; }            ///< pixels of a cell
    std::uint64_t depth() const { return depth_; }   ///< symbols of a cell

    /// Rows and columns of cells of an image.
    Size cells(Size image) const {
        return {detail::ceil_div(image.height, pitch_.height),
                detail::ceil_div(image.width, pitch_.width)};
    }

    /// Number of symbols of an image.
    std::uint64_t count(Size image) const {
        const Size n = cells(image);
        return detail::product(n.height, n.width, depth_);
    }

    std::vector<TileSpan> rows(Size image) const {
        return spans(cells(image).height, tile_cells_.height, margin_);
    }
    std::vector<TileSpan> columns(Size image) const {
        return spans(cells(image).width, tile_cells_.width, margin_);
    }

    /// Runs of the decoder, one for each tile of an image.
    std::uint64_t runs(Size image) const {
        const auto along = [this](std::uint64_t n, std::uint64_t t) {
            return detail::ceil_div(n > t ? n - t : 0, t - 2 * margin_) + 1;
        };
        const Size n = cells(image);
        return detail::product(along(n.height, tile_cells_.height),
                               along(n.width, tile_cells_.width));
    }

    /// Number of squares of cells in an image, each of which has a class.
    std::uint64_t group_count(Size image) const {
        const Size n = cells(image);
        return detail::product(detail::ceil_div(n.height, group_),
                               detail::ceil_div(n.width, group_));
    }

    std::uint64_t group() const { return group_; }

private:
    Size tile_, tile_cells_, pitch_;
    std::uint64_t margin_ = 0, group_ = 1, depth_ = 1;
};

}  // namespace kerasae
