// What a manifest says: the codec part, the models and their edges, the files (FORMAT.md, 1).
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hash.hpp"
#include "span.hpp"

namespace kerasae {

/// The frequencies of one channel's symbols: of `offset`, `offset` + 1, ..., and of the escape.
struct Table {
    std::int32_t offset = 0;
    std::vector<std::uint16_t> frequencies;
};

/// How finely a code is rounded, and how its symbols are coded.
struct Quality {
    int exponent = 0;
    std::vector<std::int32_t> mantissas;
    std::uint32_t classes = 1;
    std::vector<Table> tables;  // for each class, for each channel of the code
};

enum class LayoutKind { grid, blocks };

/// The codec part: everything that the meaning of a bitstream depends on.
struct CodecSpec {
    std::uint32_t channels = 1;
    std::array<std::uint32_t, 2> tile{};
    LayoutKind layout = LayoutKind::blocks;
    std::uint32_t stride = 1;
    std::uint32_t margin = 0;
    std::vector<std::uint32_t> code_shape;
    std::uint32_t codebook = 0;
    std::uint32_t group = 1;
    std::vector<Quality> qualities;

    std::uint32_t code_channels() const { return code_shape.back(); }

    /// The shape of the code at the edges of the models; one index a position has no axis of its own.
    std::vector<std::uint32_t> code_edge() const {
        std::vector<std::uint32_t> edge = {1};
        const bool single = codebook > 0 && code_channels() == 1;
        edge.insert(edge.end(), code_shape.begin(), code_shape.end() - (single ? 1 : 0));
        return edge;
    }
};

enum class DType { uint8, float32, int32 };

/// An input or output of a model. For uint8, value = scale * (q - zero_point).
struct Edge {
    std::vector<std::uint32_t> shape;
    DType dtype = DType::float32;
    double scale = 1;
    int zero_point = 0;

    std::size_t size() const {
        std::size_t product = 1;
        for (const std::uint32_t side : shape) product *= side;
        return product;
    }
};

/// A model: its file, its edges, and the signature to run where one file holds both models.
struct Part {
    std::string file;
    Edge input;
    Edge output;
    std::optional<std::string> signature;
};

struct ListedFile {
    std::string sha256;
    std::uint64_t bytes = 0;
};

/// The models as ONNX files (FORMAT.md, 1.3).
struct OnnxFiles {
    std::string encoder;
    std::string decoder;
    int pixel_tolerance = 0;
};

struct Manifest {
    std::string scheme;
    Digest bundle_hash{};
    int pixel_tolerance = 0;
    CodecSpec codec;
    Part encoder;
    Part decoder;
    std::map<std::string, ListedFile> files;
    std::optional<OnnxFiles> onnx;
};

}  // namespace kerasae
