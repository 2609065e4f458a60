// `manifest.json`, which is untrusted input: every field is checked, errors name the field
// (FORMAT.md, section 1).
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "errors.hpp"
#include "hash.hpp"
#include "json.hpp"
#include "span.hpp"

namespace kerasae {

inline constexpr std::int64_t max_side = 8192;
inline constexpr std::int64_t max_values = 1 << 24;
inline constexpr std::size_t max_manifest_bytes = std::size_t{16} << 20;
inline constexpr std::int64_t max_bundle_bytes = std::int64_t{1} << 30;

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

    /// The shape of the code at the edges of the models; indices have no axis of channels.
    std::vector<std::uint32_t> code_edge() const {
        std::vector<std::uint32_t> edge = {1};
        edge.insert(edge.end(), code_shape.begin(), code_shape.end() - (codebook > 0 ? 1 : 0));
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

struct Manifest {
    std::string scheme;
    Digest bundle_hash{};
    int pixel_tolerance = 0;
    CodecSpec codec;
    Part encoder;
    Part decoder;
    std::map<std::string, ListedFile> files;
};

namespace detail {

[[noreturn]] inline void refuse(const std::string& what) {
    throw BundleError("manifest.json: " + what);
}

/// Checked access to the fields of a JSON object.
class Fields {
public:
    Fields(const json::Value& content, std::string path)
        : content_(&content), path_(std::move(path)) {
        if (content.as<json::Value::Object>() == nullptr)
            refuse((path_.empty() ? "the content" : "`" + path_.substr(0, path_.size() - 1) + "`") +
                   " must be an object. Received: " + json::brief(&content));
    }

    const std::string& path() const { return path_; }
    bool has(std::string_view name) const { return content_->find(name) != nullptr; }
    const json::Value::Object& members() const { return *content_->as<json::Value::Object>(); }

    [[noreturn]] void fail(std::string_view name, const std::string& rule) const {
        refuse("`" + path_ + std::string(name) + "` must be " + rule +
               ". Received: " + json::brief(content_->find(name)));
    }

    /// Refuse fields that are not known, in objects that the bundle hash covers as a whole.
    void only(const std::set<std::string_view>& names) const {
        for (const json::Member& member : members())
            if (names.count(member.name) == 0)
                refuse("`" + path_ + member.name.substr(0, 60) + "` is not a known field.");
    }

    Fields object(std::string_view name) const {
        const json::Value* value = content_->find(name);
        if (value == nullptr || value->as<json::Value::Object>() == nullptr) fail(name, "an object");
        return Fields(*value, path_ + std::string(name) + ".");
    }

    const json::Value::List& list(std::string_view name, std::size_t least,
                                  std::size_t most) const {
        const json::Value* value = content_->find(name);
        const json::Value::List* items =
            value == nullptr ? nullptr : value->as<json::Value::List>();
        if (items == nullptr || items->size() < least || items->size() > most)
            fail(name, "a list of " + std::to_string(least) +
                           (most > least ? " to " + std::to_string(most) : ""));
        return *items;
    }

    const std::string& text(std::string_view name) const {
        const json::Value* value = content_->find(name);
        const std::string* content = value == nullptr ? nullptr : value->as<std::string>();
        if (content == nullptr) fail(name, "a string");
        return *content;
    }

    std::int64_t integer(std::string_view name, std::int64_t low, std::int64_t high) const {
        const auto value = integer_of(content_->find(name), low, high);
        if (!value) fail(name, "an integer" + range(low, high));
        return *value;
    }

    template <class T>
    std::vector<T> integers(std::string_view name, std::int64_t low, std::int64_t high,
                            std::size_t least, std::size_t most) const {
        std::vector<T> values;
        for (const json::Value& item : list(name, least, most)) {
            const auto value = integer_of(&item, low, high);
            if (!value) fail(name, "a list of integers" + range(low, high));
            values.push_back(static_cast<T>(*value));
        }
        return values;
    }

    double positive(std::string_view name) const {
        const json::Value* value = content_->find(name);
        const json::Number* number = value == nullptr ? nullptr : value->as<json::Number>();
        if (number == nullptr || !(number->value > 1e-30 && number->value < 1e30))
            fail(name, "a positive number");
        return number->value;
    }

    const std::string& digest(std::string_view name) const {
        const json::Value* value = content_->find(name);
        const std::string* content = value == nullptr ? nullptr : value->as<std::string>();
        if (content == nullptr || content->size() != 64 ||
            content->find_first_not_of("0123456789abcdef") != std::string::npos)
            fail(name, "64 lower-case hexadecimal digits");
        return *content;
    }

private:
    static std::optional<std::int64_t> integer_of(const json::Value* value, std::int64_t low,
                                                  std::int64_t high) {
        const json::Number* number = value == nullptr ? nullptr : value->as<json::Number>();
        if (number == nullptr || !number->integer || *number->integer < low ||
            *number->integer > high)
            return std::nullopt;
        return number->integer;
    }

    static std::string range(std::int64_t low, std::int64_t high) {
        return " from " + std::to_string(low) + " to " + std::to_string(high);
    }

    const json::Value* content_;
    std::string path_;
};

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
    if (spec.codebook > 0 && (quality.exponent != 0 || quality.mantissas[0] != 1))
        fields.fail("step", "1 where there is a codebook");
    const std::size_t count = quality.classes * channels;
    if (count > max_tables)
        fields.fail("classes", "such that there are at most " + std::to_string(max_tables) +
                                   " tables");
    std::size_t i = 0;
    for (const json::Value& item : fields.list("tables", count, count))
        quality.tables.push_back(read_table(
            Fields(item, fields.path() + "tables[" + std::to_string(i++) + "].")));
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
    if (spec.codebook > 0 && spec.code_channels() != 1)
        fields.fail("codebook", "0 unless the code has one channel");
    const std::string& layout = fields.text("layout");
    if (layout != "grid" && layout != "blocks") fields.fail("layout", "`grid` or `blocks`");
    spec.layout = layout == "grid" ? LayoutKind::grid : LayoutKind::blocks;
    spec.stride = side("stride", 1);
    spec.margin = side("margin", 0);
    spec.group = side("group", 1);
    check_layout(fields, spec);
    std::size_t tables = 0;
    for (const json::Value& item : fields.list("qualities", 1, spec.codebook > 0 ? 1 : 64)) {
        const std::string place = std::to_string(spec.qualities.size());
        spec.qualities.push_back(
            read_quality(Fields(item, fields.path() + "qualities[" + place + "]."), spec));
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
    const detail::Fields root(content, "");
    if (root.text("format") != "kerasae-bundle") root.fail("format", "`kerasae-bundle`");
    root.integer("format_version", 1, 1);
    Manifest manifest;
    manifest.scheme = root.text("scheme");
    if (manifest.scheme != "float32" && manifest.scheme != "float16" &&
        manifest.scheme != "dynamic" && manifest.scheme != "int8")
        root.fail("scheme", "`float32`, `float16`, `dynamic` or `int8`");
    manifest.bundle_hash = detail::digest_of(root.digest("bundle_hash"));
    manifest.pixel_tolerance = static_cast<int>(root.integer("pixel_tolerance", 0, 255));
    manifest.codec = detail::read_codec(root.object("codec"));
    manifest.encoder = detail::read_part(root.object("encoder"));
    manifest.decoder = detail::read_part(root.object("decoder"));
    manifest.files = detail::read_files(root.object("files"));
    root.object("facts");
    detail::check_parts(manifest);
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
