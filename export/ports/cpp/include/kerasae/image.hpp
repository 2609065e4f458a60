// Images as the codecs take and give them.
#pragma once

#include "span.hpp"

namespace kerasae {

/// Rows of pixels from the top, with the channels of the codec: grey, or red, green, blue.
struct Image {
    ByteVector data;
    std::uint64_t height = 0;
    std::uint64_t width = 0;
};

}  // namespace kerasae
