// `manifest.json`, which is untrusted input: every field is checked, errors name the field
// (FORMAT.md, section 1).
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "errors.hpp"
#include "fields.hpp"
#include "hash.hpp"
#include "json.hpp"
#include "spec.hpp"

namespace kerasae {

inline constexpr std::int64_t max_side = 8192;
inline constexpr std::int64_t max_values = 1 << 24;
inline constexpr std::size_t max_manifest_bytes = std::size_t{16} << 20;
inline constexpr std::int64_t max_bundle_bytes = std::int64_t{1} << 30;

namespace detail {

[[noreturn]] inline void refuse(const std::string& what) {
    throw BundleError("manifest.json: " + what);
}

/// Names stay inside the bundle: plain characters, at most one folder deep.
inline void check_file_name(const std::string& name) {
    static constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
    const std::size_t slash = name.find('/');
    const auto good_part = [](std::string_view part) { return !part.empty() && part[0] != '.'; };
    const std::string_view whole = name;
    const bool good = name.size() <= 120 && whole.find_first_not_of(plain) == whole.npos &&
                      good_part(whole.substr(0, slash)) &&
                      (slash == whole.npos || (good_part(whole.substr(slash + 1)) &&
                                               whole.find('/', slash + 1) == whole.npos));
    if (!good) {
        const json::Value shown(name);
        throw BundleError("manifest.json must name files inside the bundle. Received: " +
                          json::brief(&shown));
    }
}

inline Table read_table(const Fields& fields) {
    fields.only({"frequencies", "offset"});
    Table table;
    table.offset =
        static_cast<std::int32_t>(fields.integer("offset", -(1 << 30), 1 << 30));
    table.frequencies = fields.integers<std::uint16_t>("frequencies", 1, 4096, 2, 2049);
    std::uint32_t sum = 0;
    for (const std::uint16_t frequency : table.frequencies) sum += frequency;
    if (sum != 4096) fields.fail("frequencies", "of the sum 4096");
    return table;
}

inline constexpr std::size_t max_tables = 1 << 16;

inline Quality read_quality(const Fields& fields, const CodecSpec& spec) {
    fields.only({"classes", "step", "tables"});
    const std::size_t channels = spec.code_channels();
    Quality quality;
    const std::int64_t most = spec.layout == LayoutKind::grid ? 64 : 1;
    quality.classes = static_cast<std::uint32_t>(fields.integer("classes", 1, most));
    const Fields step = fields.object("step");
    step.only({"exponent", "mantissas"});
    quality.exponent = static_cast<int>(step.integer("exponent", -149, 104));
    quality.mantissas =
        step.integers<std::int32_t>("mantissas", 1, (1 << 24) - 1, channels, channels);
    const bool ones = std::all_of(quality.mantissas.begin(), quality.mantissas.end(),
                                  [](std::int32_t mantissa) { return mantissa == 1; });
    if (spec.codebook > 0 && (quality.exponent != 0 || !ones))
        fields.fail("step", "1 where there is a codebook");
    const std::size_t count = quality.classes * channels;
    if (count > max_tables)
        fields.fail("classes", "such that there are at most " + std::to_string(max_tables) +
                                   " tables");
    std::size_t i = 0;
    for (const json::Value& item : fields.list("tables", count, count))
        quality.tables.push_back(read_table(fields.item(item, "tables", i++)));
    return quality;
}

inline void check_layout(const Fields& fields, const CodecSpec& spec) {
    const std::vector<std::uint32_t>& shape = spec.code_shape;
    bool fits = spec.stride == 1 && spec.margin == 0 && spec.group == 1;
    if (spec.layout == LayoutKind::grid) {
        fits = shape.size() == 3;
        for (std::size_t i = 0; fits && i < 2; ++i)
            fits = spec.tile[i] == std::uint64_t{shape[i]} * spec.stride &&
                   shape[i] > 2 * spec.margin;
    }
    if (!fits) fields.fail("layout", "such that the other sizes agree with it");
}

inline CodecSpec read_codec(const Fields& fields) {
    fields.only({"channels", "code_shape", "codebook", "group", "layout", "margin", "qualities",
                 "stride", "table_bits", "tile"});
    const auto side = [&fields](std::string_view name, std::int64_t low) {
        return static_cast<std::uint32_t>(fields.integer(name, low, max_side));
    };
    CodecSpec spec;
    spec.channels = static_cast<std::uint32_t>(fields.integer("channels", 1, 3));
    if (spec.channels == 2) fields.fail("channels", "1 or 3");
    fields.integer("table_bits", 12, 12);
    const auto tile = fields.integers<std::uint32_t>("tile", 1, max_side, 2, 2);
    spec.tile = {tile[0], tile[1]};
    spec.code_shape = fields.integers<std::uint32_t>("code_shape", 1, max_values, 1, 4);
    std::uint64_t values = 1;
    for (const std::uint32_t size : spec.code_shape) {
        values *= size;
        if (values > max_values) fields.fail("code_shape", "of at most 2^24 values");
    }
    spec.codebook = static_cast<std::uint32_t>(fields.integer("codebook", 0, 1 << 24));
    const std::string& layout = fields.text("layout");
    if (layout != "grid" && layout != "blocks") fields.fail("layout", "`grid` or `blocks`");
    spec.layout = layout == "grid" ? LayoutKind::grid : LayoutKind::blocks;
    spec.stride = side("stride", 1);
    spec.margin = side("margin", 0);
    spec.group = side("group", 1);
    check_layout(fields, spec);
    std::size_t tables = 0;
    for (const json::Value& item : fields.list("qualities", 1, spec.codebook > 0 ? 1 : 64)) {
        spec.qualities.push_back(
            read_quality(fields.item(item, "qualities", spec.qualities.size()), spec));
        tables += spec.qualities.back().tables.size();
        if (tables > max_tables)
            fields.fail("qualities", "of at most " + std::to_string(max_tables) + " tables");
    }
    return spec;
}

inline Edge read_edge(const Fields& fields) {
    Edge edge;
    edge.shape = fields.integers<std::uint32_t>("shape", 1, max_values, 1, 8);
    const std::string& dtype = fields.text("dtype");
    if (dtype == "uint8") edge.dtype = DType::uint8;
    else if (dtype == "float32") edge.dtype = DType::float32;
    else if (dtype == "int32") edge.dtype = DType::int32;
    else fields.fail("dtype", "`float32`, `uint8` or `int32`");
    edge.scale = fields.positive("scale");
    edge.zero_point = static_cast<int>(fields.integer("zero_point", 0, 255));
    return edge;
}

inline Part read_part(const Fields& fields) {
    Part part;
    part.file = fields.text("file");
    check_file_name(part.file);
    part.input = read_edge(fields.object("input"));
    part.output = read_edge(fields.object("output"));
    if (fields.has("signature")) part.signature = fields.text("signature");
    return part;
}

inline std::map<std::string, ListedFile> read_files(const Fields& fields) {
    std::map<std::string, ListedFile> files;
    if (fields.members().size() > 64) refuse("`files` must list at most 64 files.");
    std::uint64_t total = 0;
    for (const json::Member& member : fields.members()) {
        check_file_name(member.name);
        const Fields entry = fields.object(member.name);
        const auto bytes =
            static_cast<std::uint64_t>(entry.integer("bytes", 0, max_bundle_bytes));
        files[member.name] = {entry.digest("sha256"), bytes};
        total += bytes;
    }
    if (total > static_cast<std::uint64_t>(max_bundle_bytes))
        refuse("`files` must have at most " + std::to_string(max_bundle_bytes) +
               " bytes in all. Received: " + std::to_string(total));
    return files;
}

inline OnnxFiles read_onnx(const Fields& fields, const std::map<std::string, ListedFile>& files) {
    OnnxFiles onnx{fields.text("encoder"), fields.text("decoder"),
                   static_cast<int>(fields.integer("pixel_tolerance", 0, 255))};
    for (const std::string& name : {onnx.encoder, onnx.decoder}) {
        check_file_name(name);
        if (files.count(name) == 0) refuse("`files` must list \"" + name + "\".");
    }
    return onnx;
}

inline void check_edge(const Edge& edge, const std::string& name,
                       const std::vector<std::uint32_t>& shape, bool indices) {
    if (edge.shape != shape) refuse("`" + name + ".shape` must be as `codec` says.");
    if ((edge.dtype == DType::int32) != indices)
        refuse("`" + name + ".dtype` must be " + (indices ? "int32." : "float32 or uint8."));
}

inline void check_parts(const Manifest& manifest) {
    const CodecSpec& spec = manifest.codec;
    const std::vector<std::uint32_t> image = {1, spec.tile[0], spec.tile[1], spec.channels};
    const std::vector<std::uint32_t> code = spec.code_edge();
    const bool indices = spec.codebook > 0;
    check_edge(manifest.encoder.input, "encoder.input", image, false);
    check_edge(manifest.encoder.output, "encoder.output", code, indices);
    check_edge(manifest.decoder.input, "decoder.input", code, indices);
    check_edge(manifest.decoder.output, "decoder.output", image, false);
    const bool both = manifest.encoder.file == manifest.decoder.file;
    for (const auto& [part, name, signature] :
         {std::tuple(&manifest.encoder, "encoder", "encode"),
          std::tuple(&manifest.decoder, "decoder", "decode")}) {
        if (manifest.files.count(part->file) == 0)
            refuse("`files` must list \"" + part->file + "\".");
        if (both != part->signature.has_value() || (both && *part->signature != signature))
            refuse("`" + std::string(name) + ".signature` must be `" + signature +
                   "` if encoder and decoder are of one file, and missing if they are not.");
    }
}

inline Digest digest_of(const std::string& digits) {
    Digest digest{};
    const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<std::uint8_t>(16 * value(digits[2 * i]) + value(digits[2 * i + 1]));
    return digest;
}

/// Each version of the format has its own schemes.
inline void check_scheme(const Fields& root, std::int64_t version, const std::string& scheme) {
    const bool later = scheme == "int16x8" || scheme == "mixed";
    const bool first = scheme == "float32" || scheme == "float16" || scheme == "dynamic" ||
                       scheme == "int8";
    if (version == 1 && !first)
        root.fail("scheme", "`float32`, `float16`, `dynamic` or `int8` in format version 1");
    if (version == 2 && !later)
        root.fail("scheme", "`int16x8` or `mixed` in format version 2");
}

}  // namespace detail

/// Parse and check a manifest.
///
/// @throws BundleError if a field breaks its rule
inline Manifest parse_manifest(std::string_view text) {
    if (text.size() > max_manifest_bytes)
        throw BundleError("manifest.json must have at most " + std::to_string(max_manifest_bytes) +
                          " bytes. Received: " + std::to_string(text.size()));
    json::Value content;
    try {
        content = json::parse(text);
    } catch (const json::ParseError& error) {
        throw BundleError(std::string("manifest.json is not valid JSON: ") + error.what() + ".");
    }
    const detail::Fields root(content, "", "manifest.json");
    if (root.text("format") != "kerasae-bundle") root.fail("format", "`kerasae-bundle`");
    const std::int64_t version = root.integer("format_version", 0, std::int64_t{1} << 31);
    if (version != 1 && version != 2)
        throw BundleError("manifest.json is of format version " + std::to_string(version) +
                          "; this code reads 1 and 2.");
    Manifest manifest;
    manifest.scheme = root.text("scheme");
    detail::check_scheme(root, version, manifest.scheme);
    manifest.bundle_hash = detail::digest_of(root.digest("bundle_hash"));
    manifest.pixel_tolerance = static_cast<int>(root.integer("pixel_tolerance", 0, 255));
    manifest.codec = detail::read_codec(root.object("codec"));
    manifest.encoder = detail::read_part(root.object("encoder"));
    manifest.decoder = detail::read_part(root.object("decoder"));
    manifest.files = detail::read_files(root.object("files"));
    if (root.has("onnx")) manifest.onnx = detail::read_onnx(root.object("onnx"), manifest.files);
    root.object("facts");
    detail::check_parts(manifest);
    return manifest;
}

/// The manifest with the edges of its ONNX models, whose names are `input` and `output_0`: real values
/// where those of TF Lite may be quantised. A codec of it takes functions that run these models.
///
/// @throws BundleError if the bundle has none
inline Manifest on_onnx(Manifest manifest) {
    if (!manifest.onnx)
        throw BundleError("The bundle has no ONNX files: export it with `also=\"onnx\"`.");
    const auto adapt = [](Part& part, const std::string& file) {
        part.file = file;
        part.signature.reset();
        for (Edge* edge : {&part.input, &part.output}) {
            if (edge->dtype != DType::int32) edge->dtype = DType::float32;
            edge->scale = 1;
            edge->zero_point = 0;
        }
    };
    adapt(manifest.encoder, manifest.onnx->encoder);
    adapt(manifest.decoder, manifest.onnx->decoder);
    return manifest;
}

/// The canonical JSON of a codec part: sorted names, no white space.
inline std::string canonical(const CodecSpec& spec) {
    std::string text;
    const auto put_list = [&text](const auto& values) {
        char before = '[';
        for (const auto value : values) text += before + std::to_string(value), before = ',';
        text += ']';
    };
    text += "{\"channels\":" + std::to_string(spec.channels) + ",\"code_shape\":";
    put_list(spec.code_shape);
    text += ",\"codebook\":" + std::to_string(spec.codebook) +
            ",\"group\":" + std::to_string(spec.group) + ",\"layout\":\"" +
            (spec.layout == LayoutKind::grid ? "grid" : "blocks") +
            "\",\"margin\":" + std::to_string(spec.margin) + ",\"qualities\":";
    char before = '[';
    for (const Quality& quality : spec.qualities) {
        text += before + ("{\"classes\":" + std::to_string(quality.classes)) +
                ",\"step\":{\"exponent\":" + std::to_string(quality.exponent) + ",\"mantissas\":";
        put_list(quality.mantissas);
        text += "},\"tables\":";
        char first = '[';
        for (const Table& table : quality.tables) {
            text += first + std::string("{\"frequencies\":");
            put_list(table.frequencies);
            text += ",\"offset\":" + std::to_string(table.offset) + "}";
            first = ',';
        }
        text += "]}";
        before = ',';
    }
    text += "],\"stride\":" + std::to_string(spec.stride) + ",\"table_bits\":12,\"tile\":";
    put_list(spec.tile);
    return text + "}";
}

/// SHA-256 over the SHA-256 of the decoder's file and the canonical JSON of the codec part.
inline Digest bundle_hash(const CodecSpec& spec, Bytes decoder) {
    const std::string json = canonical(spec);
    const Bytes text(reinterpret_cast<const std::uint8_t*>(json.data()), json.size());
    return Sha256().update(sha256(decoder)).update(text).finish();
}

}  // namespace kerasae
