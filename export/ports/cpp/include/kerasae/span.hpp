// A view of elements that lie one after the other: what C++20 has as std::span.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace kerasae {

template <class T>
class Span {
public:
    constexpr Span() = default;
    constexpr Span(T* data, std::size_t size) : data_(data), size_(size) {}

    /// Any container with `data` and `size`, such as a vector, an array or a std::span.
    template <class Container, class = std::enable_if_t<std::is_convertible_v<
                                   decltype(std::declval<Container&>().data()), T*>>>
    constexpr Span(Container&& container)  // NOLINT: it is a view, as std::span is
        : data_(container.data()), size_(container.size()) {}

    constexpr T* data() const { return data_; }
    constexpr std::size_t size() const { return size_; }
    constexpr bool empty() const { return size_ == 0; }
    constexpr T* begin() const { return data_; }
    constexpr T* end() const { return data_ + size_; }
    constexpr T& operator[](std::size_t i) const { return data_[i]; }

    /// From one element on, at most so many.
    constexpr Span subspan(std::size_t first, std::size_t count = SIZE_MAX) const {
        if (first > size_) first = size_;
        return Span(data_ + first, count < size_ - first ? count : size_ - first);
    }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

using Bytes = Span<const std::uint8_t>;
using ByteVector = std::vector<std::uint8_t>;
using Symbols = std::vector<std::int32_t>;

inline void append(ByteVector& to, Bytes bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace kerasae
