// Pixels, values, levels and symbols (FORMAT.md, section 2).
#pragma once

#include <cmath>
#include <cstring>

#include "manifest.hpp"

namespace kerasae {

/// A real value to a level of a uint8 input.
inline std::uint8_t level_of(double value, const Edge& edge) {
    const double level = std::floor(value / edge.scale + 0.5) + edge.zero_point;
    return static_cast<std::uint8_t>(std::min(255.0, std::max(0.0, level)));
}

/// The steps of a quality, one for each channel of the code.
inline std::vector<double> steps_of(const Quality& quality) {
    std::vector<double> steps;
    for (const std::int32_t mantissa : quality.mantissas)
        steps.push_back(std::ldexp(mantissa, quality.exponent));
    return steps;
}

/// The symbol of a code value.
inline std::int32_t symbol_of(double value, double step) {
    if (!std::isfinite(value))
        throw std::domain_error("The image made the encoder give a code that is not finite.");
    const double symbol = std::floor(value / step + 0.5);
    return static_cast<std::int32_t>(std::min(2147483647.0, std::max(-2147483648.0, symbol)));
}

/// The pixel of a value of the decoder's output, which is real.
inline std::uint8_t pixel_of(double value) {
    const double pixel = std::floor(255 * value + 0.5);
    if (std::isnan(pixel)) return 0;
    return static_cast<std::uint8_t>(std::min(255.0, std::max(0.0, pixel)));
}

/// The bytes of a model's input or output, and the values that they stand for.
class Tensor {
public:
    explicit Tensor(const Edge& edge) : edge_(&edge), width_(edge.dtype == DType::uint8 ? 1 : 4) {
        bytes_.resize(edge.size() * width_);
    }

    const ByteVector& bytes() const { return bytes_; }
    ByteVector& bytes() { return bytes_; }

    /// Give an input a real value, or an index.
    void set(std::size_t i, double value) {
        switch (edge_->dtype) {
            case DType::uint8: bytes_[i] = level_of(value, *edge_); break;
            case DType::float32: store(i, static_cast<float>(value)); break;
            case DType::int32: store(i, static_cast<std::int32_t>(value)); break;
        }
    }

    /// The real value, or the index, that an output gives.
    double get(std::size_t i) const {
        switch (edge_->dtype) {
            case DType::uint8: return (bytes_[i] - edge_->zero_point) * edge_->scale;
            case DType::float32: return (double{load<float>(i)} - edge_->zero_point) * edge_->scale;
            case DType::int32: return load<std::int32_t>(i);
        }
        return 0;
    }

    /// The pixel that an output gives.
    std::uint8_t pixel(std::size_t i) const {
        // A sigmoid's output has the fixed scale 1/256, with which no level would mean white.
        const bool sigmoid = edge_->scale == 1.0 / 256 && edge_->zero_point == 0;
        return edge_->dtype == DType::uint8 && sigmoid ? bytes_[i] : pixel_of(get(i));
    }

private:
    template <class T>
    void store(std::size_t i, T value) {
        std::memcpy(bytes_.data() + sizeof(T) * i, &value, sizeof(T));
    }
    template <class T>
    T load(std::size_t i) const {
        T value;
        std::memcpy(&value, bytes_.data() + sizeof(T) * i, sizeof(T));
        return value;
    }

    const Edge* edge_;
    std::size_t width_;
    ByteVector bytes_;
};

}  // namespace kerasae
