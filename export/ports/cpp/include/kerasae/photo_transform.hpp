// The transform of photographs, row of cells by row of cells (FORMAT.md, sections 11 and 12): pixels
// to coefficients in integers, which doubles hold exactly, and symbols to pixels.
#pragma once

#include "image.hpp"
#include "photo.hpp"

namespace kerasae {

namespace detail {

/// The samples of a plane in one row of cells: 16 lines of pixels.
template <class Real>
using Strip = std::vector<Real>;

/// Products of a 16 x 16 matrix with 16 neighbouring samples.
template <class Real>
class Product {
public:
    /// @param unit what 1 is in the matrix that is given
    /// @param whole whether results are rounded to whole numbers, halves up
    Product(const Family::Matrix<cell_side>& matrix, double unit, bool whole) : whole_(whole) {
        for (std::size_t i = 0; i < cell_side; ++i)
            for (std::size_t j = 0; j < cell_side; ++j) {
                matrix_[i * cell_side + j] = static_cast<Real>(matrix[i * cell_side + j] / unit);
                transposed_[j * cell_side + i] = matrix_[i * cell_side + j];
            }
    }

    /// Replace each 16 neighbours of lines from one place of each line to another.
    void across(Strip<Real>& strip, std::size_t first, std::size_t stop) const {
        const std::size_t line = strip.size() / cell_side;
        for (std::size_t y = 0; y < cell_side; ++y)
            for (std::size_t at = y * line + first; at < y * line + stop; at += cell_side) {
                std::array<Real, cell_side> sum{};
                for (std::size_t j = 0; j < cell_side; ++j) {
                    const Real sample = strip[at + j];
                    const Real* column = &transposed_[j * cell_side];
                    for (std::size_t i = 0; i < cell_side; ++i) sum[i] += column[i] * sample;
                }
                store(sum, &strip[at]);
            }
    }

    /// Replace the 16 samples one below the other in the first eight lines and in the others.
    void down(Real* upper, Real* lower, std::size_t line) const {
        constexpr std::size_t half = cell_side / 2;
        std::array<Real, cell_area> samples{};
        for (std::size_t x = 0; x < line; x += cell_side) {
            const auto row = [&](std::size_t i) {
                return (i < half ? upper + i * line : lower + (i - half) * line) + x;
            };
            for (std::size_t j = 0; j < cell_side; ++j)
                std::copy_n(row(j), cell_side, &samples[j * cell_side]);
            for (std::size_t i = 0; i < cell_side; ++i) {
                std::array<Real, cell_side> sum{};
                for (std::size_t j = 0; j < cell_side; ++j) {
                    const Real factor = matrix_[i * cell_side + j];
                    const Real* from = &samples[j * cell_side];
                    for (std::size_t k = 0; k < cell_side; ++k) sum[k] += factor * from[k];
                }
                store(sum, row(i));
            }
        }
    }

    void down(Strip<Real>& strip) const {
        const std::size_t line = strip.size() / cell_side;
        down(strip.data(), &strip[cell_side / 2 * line], line);
    }

    /// The same with the samples around the boundary of two rows of cells.
    void down(Strip<Real>& above, Strip<Real>& below) const {
        const std::size_t line = above.size() / cell_side;
        down(&above[cell_side / 2 * line], below.data(), line);
    }

private:
    void store(const std::array<Real, cell_side>& sum, Real* to) const {
        if (whole_)
            for (std::size_t i = 0; i < cell_side; ++i) to[i] = std::floor(sum[i] + Real{0.5});
        else
            std::copy(sum.begin(), sum.end(), to);
    }

    std::array<Real, cell_area> matrix_{}, transposed_{};
    bool whole_;
};

template <class Real>
using Strips = std::array<Strip<Real>, photo_planes>;

/// Visit the rows of cells: `begin` fills the strips of a row, `join` is given those of two
/// neighbours, and `finish` each of them when it has been joined to both.
template <class Real, class Begin, class Join, class Finish>
void visit_rows(std::size_t rows, std::size_t line, Begin&& begin, Join&& join, Finish&& finish) {
    Strips<Real> above, here;
    for (std::size_t plane = 0; plane < photo_planes; ++plane) {
        above[plane].resize(cell_side * line);
        here[plane].resize(cell_side * line);
    }
    for (std::size_t row = 0; row < rows; ++row) {
        begin(here, row);
        if (row > 0) {
            for (std::size_t plane = 0; plane < photo_planes; ++plane)
                join(above[plane], here[plane]);
            finish(above, row - 1);
        }
        std::swap(above, here);
    }
    finish(above, rows - 1);
}

}  // namespace detail

/// Coefficients of a photograph, in units of 2^-12 levels of 255: of each channel in each cell,
/// cells running fastest.
inline std::vector<std::int32_t> analyse_photo(const Family& family, const Image& image) {
    const auto height = static_cast<std::size_t>(image.height);
    const auto width = static_cast<std::size_t>(image.width);
    const auto rows = static_cast<std::size_t>(detail::cells_of(height));
    const auto columns = static_cast<std::size_t>(detail::cells_of(width));
    const std::size_t line = columns * cell_side, half = cell_side / 2;
    const detail::Product<double> block(family.block_inverse, 65536, true);
    const detail::Product<double> overlap(family.overlap_inverse, 65536, true);
    std::vector<std::int32_t> coefficients(photo_channels * rows * columns);
    const auto begin = [&](detail::Strips<double>& strips, std::size_t row) {
        for (std::size_t y = 0; y < cell_side; ++y) {
            const std::uint8_t* from =
                &image.data[std::min(row * cell_side + y, height - 1) * width * photo_planes];
            for (std::size_t x = 0; x < line; ++x) {
                const std::uint8_t* pixel = from + std::min(x, width - 1) * photo_planes;
                for (std::size_t plane = 0; plane < photo_planes; ++plane) {
                    const double* share = &family.colour_inverse[plane * photo_planes];
                    const double sum = share[0] * (pixel[0] - 128) + share[1] * (pixel[1] - 128) +
                                       share[2] * (pixel[2] - 128);
                    strips[plane][y * line + x] = std::floor(sum / 16 + 0.5);
                }
            }
        }
    };
    const auto join = [&](detail::Strip<double>& above, detail::Strip<double>& below) {
        overlap.down(above, below);
    };
    const auto finish = [&](detail::Strips<double>& strips, std::size_t row) {
        for (std::size_t plane = 0; plane < photo_planes; ++plane) {
            detail::Strip<double>& strip = strips[plane];
            block.down(strip);
            overlap.across(strip, half, line - half);
            block.across(strip, 0, line);
            for (std::size_t v = 0; v < cell_side; ++v)
                for (std::size_t u = 0; u < cell_side; ++u) {
                    std::int32_t* to = &coefficients[(detail::channel_of(plane, v, u) * rows + row) *
                                                     columns];
                    for (std::size_t x = 0; x < columns; ++x)
                        to[x] = static_cast<std::int32_t>(strip[v * line + x * cell_side + u]);
                }
        }
    };
    detail::visit_rows<double>(rows, line, begin, join, finish);
    return coefficients;
}

/// The pixels of symbols, whose lowest coefficients are themselves, not differences.
inline Image synthesise_photo(const Family& family, const PhotoSymbols& coded,
                              const PhotoHead& head) {
    const auto height = static_cast<std::size_t>(head.height);
    const auto width = static_cast<std::size_t>(head.width);
    const auto rows = static_cast<std::size_t>(detail::cells_of(height));
    const auto columns = static_cast<std::size_t>(detail::cells_of(width));
    const std::size_t line = columns * cell_side, half = cell_side / 2;
    const detail::Product<float> block(family.block, 1, false), overlap(family.overlap, 1, false);
    const float step = static_cast<float>(family.steps[head.quality - 1]) / 64;
    std::array<float, photo_planes * photo_planes> colour{};
    for (std::size_t i = 0; i < colour.size(); ++i) colour[i] = static_cast<float>(family.colour[i]);
    Image image{ByteVector(height * width * photo_planes), head.height, head.width};
    const auto begin = [&](detail::Strips<float>& strips, std::size_t row) {
        for (std::size_t plane = 0; plane < photo_planes; ++plane) {
            detail::Strip<float>& strip = strips[plane];
            for (std::size_t v = 0; v < cell_side; ++v)
                for (std::size_t u = 0; u < cell_side; ++u) {
                    const std::size_t from =
                        (detail::channel_of(plane, v, u) * rows + row) * columns;
                    for (std::size_t x = 0; x < columns; ++x) {
                        const std::int16_t symbol = coded.symbols[from + x];
                        float value = symbol;
                        if (v + u > 0 && symbol != 0) {
                            const auto& more = family.tables[coded.tables[from + x]].rebuild;
                            const float shift = more[symbol == 1 || symbol == -1 ? 0 : 1];
                            value += symbol > 0 ? shift : -shift;
                        }
                        strip[v * line + x * cell_side + u] = value * step;
                    }
                }
            block.across(strip, 0, line);
            overlap.across(strip, half, line - half);
            block.down(strip);
        }
    };
    const auto join = [&](detail::Strip<float>& above, detail::Strip<float>& below) {
        overlap.down(above, below);
    };
    const auto finish = [&](detail::Strips<float>& strips, std::size_t row) {
        for (std::size_t y = 0; y < std::min(cell_side, height - row * cell_side); ++y) {
            std::uint8_t* to = &image.data[(row * cell_side + y) * width * photo_planes];
            const float *a = &strips[0][y * line], *b = &strips[1][y * line],
                        *c = &strips[2][y * line];
            for (std::size_t x = 0; x < width; ++x)
                for (std::size_t i = 0; i < photo_planes; ++i) {
                    const float* share = &colour[i * photo_planes];
                    const float level =
                        share[0] * a[x] + share[1] * b[x] + share[2] * c[x] + 128.5F;
                    *to++ = static_cast<std::uint8_t>(std::min(255.0F, std::max(0.0F, level)));
                }
        }
    };
    detail::visit_rows<float>(rows, line, begin, join, finish);
    return image;
}

}  // namespace kerasae
