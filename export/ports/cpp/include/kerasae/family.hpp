// `family.json`, the integer tables of version 2 (FORMAT.md, section 9). It is untrusted input:
// every field is checked, errors name the field.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fields.hpp"
#include "hash.hpp"

namespace kerasae {

inline constexpr std::size_t cell_side = 16;  ///< pixels along each side of a cell
inline constexpr std::size_t cell_area = cell_side * cell_side;
inline constexpr std::size_t photo_planes = 3;
inline constexpr std::size_t photo_channels = photo_planes * cell_area;
inline constexpr std::size_t photo_contexts = 10;
inline constexpr std::size_t photo_buckets = 8;
inline constexpr std::uint32_t photo_qualities = 100;
inline constexpr std::size_t max_family_bytes = std::size_t{4} << 20;

/// A table of version 2, ready to code with.
struct PhotoTable {
    struct Entry {
        std::uint16_t start = 0, frequency = 0;
    };

    std::int32_t offset = 0;
    std::uint32_t escape = 0;            // the index of the last entry
    std::array<float, 2> rebuild{};      // added to magnitude 1, and to larger ones
    std::vector<Entry> entries;
    std::vector<std::uint16_t> slots;    // the entry of each of the 4096 slots

    /// The entry of a symbol: the escape's where it has none of its own.
    std::uint32_t entry_of(std::int32_t symbol) const {
        const std::int32_t entry = symbol - offset;
        return entry >= 0 && static_cast<std::uint32_t>(entry) < escape
                   ? static_cast<std::uint32_t>(entry)
                   : escape;
    }
};

/// What all files of a family share: the content of `family.json`.
struct Family {
    template <std::size_t size>
    using Matrix = std::array<double, size * size>;

    Digest hash{};
    Matrix<photo_planes> colour{}, colour_inverse{};  // inverses are integers, in units of 2^-16
    Matrix<cell_side> block{}, block_inverse{}, overlap{}, overlap_inverse{};
    std::vector<std::uint32_t> steps;   // in 64ths of a level of 255
    std::size_t count = 0;              // of classes
    std::vector<std::uint8_t> classes;  // for each class the level of each channel
    std::vector<std::uint8_t> levels;   // for each level the table of each context
    std::vector<std::uint32_t> costs;   // for each level that of each bucket
    std::vector<PhotoTable> tables;
    std::vector<std::uint32_t> groups;
    std::uint32_t neighbours = 0;
    std::uint32_t bands = 0;
    std::vector<std::uint16_t> class_ends;  // for each class table where each class ends

    /// The range of qualities in which one lies.
    std::uint32_t band(std::uint32_t quality) const {
        return (quality - 1) * bands / photo_qualities;
    }

    /// Four hexadecimal digits, by which files name it.
    std::string id() const { return hex(Bytes(hash).subspan(0, 2)); }
};

namespace detail {

/// Rows of `width` bytes each, which are written in base64.
inline ByteVector read_base64(const Fields& fields, const char* name, std::size_t width) {
    const std::string& text = fields.text(name);
    const auto value = [](char c) -> int {
        if (c >= 'A' && c <= 'Z') return c - 'A';
        if (c >= 'a' && c <= 'z') return c - 'a' + 26;
        if (c >= '0' && c <= '9') return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
    };
    std::size_t length = text.size();
    for (int i = 0; i < 2 && length > 0 && text[length - 1] == '='; ++i) --length;
    bool good = !text.empty() && text.size() % 4 == 0;
    ByteVector bytes;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; good && i < length; ++i) {
        const int digit = value(text[i]);
        good = digit >= 0;
        bits = bits << 6 | (static_cast<std::uint32_t>(digit) & 63);
        if (i % 4 != 0) bytes.push_back(static_cast<std::uint8_t>(bits >> (6 - 2 * (i % 4))));
    }
    if (!good || bytes.empty() || bytes.size() % width != 0)
        fields.fail(name, "base64 of rows of " + std::to_string(width) + " bytes");
    return bytes;
}

/// The inverse by Gauss and Jordan, with the largest pivot; false if there is none.
template <std::size_t size>
bool invert(Family::Matrix<size> left, Family::Matrix<size>& right) {
    right.fill(0);
    for (std::size_t i = 0; i < size; ++i) right[i * size + i] = 1;
    for (std::size_t column = 0; column < size; ++column) {
        std::size_t pivot = column;
        for (std::size_t row = column + 1; row < size; ++row)
            if (std::abs(left[row * size + column]) > std::abs(left[pivot * size + column]))
                pivot = row;
        const double largest = left[pivot * size + column];
        if (!(largest != 0)) return false;
        for (Family::Matrix<size>* part : {&left, &right})
            for (std::size_t k = 0; k < size; ++k) {
                std::swap((*part)[pivot * size + k], (*part)[column * size + k]);
                (*part)[column * size + k] /= largest;
            }
        for (std::size_t row = 0; row < size; ++row) {
            if (row == column) continue;
            const double share = left[row * size + column];
            for (Family::Matrix<size>* part : {&left, &right})
                for (std::size_t k = 0; k < size; ++k)
                    (*part)[row * size + k] -= share * (*part)[column * size + k];
        }
    }
    return true;
}

/// Read a matrix and its inverse, rounded to integers.
///
/// @return the largest sum of magnitudes in a row of the inverse, not a number where the integers
///     are not certain
template <std::size_t size>
double read_matrix(const Fields& fields, const char* name, Family::Matrix<size>& matrix,
                   Family::Matrix<size>& inverse) {
    const auto values =
        fields.integers<std::int32_t>(name, -(1 << 17), 1 << 17, size * size, size * size);
    for (std::size_t i = 0; i < values.size(); ++i) matrix[i] = std::ldexp(values[i], -14);
    constexpr double uncertain = std::numeric_limits<double>::quiet_NaN();
    if (!invert<size>(matrix, inverse)) return uncertain;
    double largest = 0;
    for (std::size_t row = 0; row < size; ++row) {
        double sum = 0;
        for (std::size_t k = 0; k < size; ++k) {
            double& value = inverse[row * size + k];
            sum += std::abs(value);
            value *= 65536;
            if (!(std::abs(value - std::floor(value) - 0.5) >= 1.0 / (1 << 20))) return uncertain;
            value = std::floor(value + 0.5);
        }
        largest = std::max(largest, sum);
    }
    return largest;
}

inline void read_matrices(const Fields& fields, Family& family) {
    const double colour = read_matrix<photo_planes>(fields, "colour", family.colour,
                                                    family.colour_inverse),
                 block = read_matrix<cell_side>(fields, "block", family.block,
                                                family.block_inverse),
                 overlap = read_matrix<cell_side>(fields, "overlap", family.overlap,
                                                  family.overlap_inverse);
    const double one_way = block * (overlap < 1 ? 1 : overlap);
    if (!(colour * one_way * one_way <= 2048))
        fields.fail("block", "invertible, as are `colour` and `overlap`");
}

inline PhotoTable read_photo_table(const Fields& fields) {
    fields.only({"frequencies", "offset", "rebuild"});
    PhotoTable table;
    table.offset = static_cast<std::int32_t>(fields.integer("offset", 1 - (1 << 15), (1 << 15) - 1));
    const auto frequencies = fields.integers<std::uint16_t>("frequencies", 1, 4096, 2, 2049);
    table.escape = static_cast<std::uint32_t>(frequencies.size() - 1);
    std::uint32_t sum = 0;
    for (const std::uint16_t frequency : frequencies) {
        table.entries.push_back({static_cast<std::uint16_t>(sum), frequency});
        sum += frequency;
        if (sum > 4096) break;
        table.slots.resize(sum, static_cast<std::uint16_t>(table.entries.size() - 1));
    }
    if (sum != 4096) fields.fail("frequencies", "of the sum 4096");
    if (table.offset + static_cast<std::int32_t>(table.escape) > 1 << 15)
        fields.fail("offset", "such that symbols fit in 16 bits");
    const auto rebuild = fields.integers<std::int32_t>("rebuild", -256, 256, 2, 2);
    for (std::size_t i = 0; i < 2; ++i)
        table.rebuild[i] = static_cast<float>(rebuild[i]) / 256;
    return table;
}

inline void read_class_tables(const Fields& fields, Family& family) {
    const std::size_t rows =
        std::size_t{family.bands} * (family.neighbours + 1) * (family.neighbours + 1);
    if (rows > std::size_t{1} << 14)
        fields.fail("bands", "such that there are at most 16384 class tables");
    const ByteVector bytes = read_base64(fields, "class_frequencies", 2 * family.count);
    bool good = bytes.size() == 2 * family.count * rows;
    for (std::size_t row = 0; good && row < rows; ++row) {
        std::uint32_t end = 0;
        for (std::size_t k = 0; good && k < family.count; ++k) {
            const std::size_t at = 2 * (row * family.count + k);
            const auto frequency =
                static_cast<std::uint32_t>(bytes[at] | bytes[at + 1] << 8);
            end += frequency;
            good = frequency > 0 && end <= 4096;
            family.class_ends.push_back(static_cast<std::uint16_t>(end));
        }
        good = good && end == 4096;
    }
    if (!good)
        fields.fail("class_frequencies",
                    std::to_string(rows) + " rows of positive numbers of sum 4096");
}

}  // namespace detail

/// Parse and check a family.
///
/// @param content the bytes of `family.json`
/// @throws BundleError if a field breaks its rule
inline Family parse_family(Bytes content) {
    if (content.size() > max_family_bytes)
        throw BundleError("family.json must be at most " + std::to_string(max_family_bytes) +
                          " bytes. Received: " + std::to_string(content.size()));
    json::Value value;
    try {
        value = json::parse({reinterpret_cast<const char*>(content.data()), content.size()});
    } catch (const json::ParseError& error) {
        throw BundleError(std::string("family.json is not valid JSON: ") + error.what() + ".");
    }
    const detail::Fields root(value, "", "family.json");
    root.only({"format", "format_version", "colour", "block", "overlap", "steps", "classes",
               "levels", "costs", "tables", "groups", "neighbours", "bands", "class_frequencies"});
    if (root.text("format") != "kerasae-family") root.fail("format", "`kerasae-family`");
    root.integer("format_version", 2, 2);
    Family family;
    family.hash = sha256(content);
    family.steps =
        root.integers<std::uint32_t>("steps", 1, 1 << 20, photo_qualities, photo_qualities);
    for (std::size_t i = 1; i < family.steps.size(); ++i)
        if (family.steps[i] >= family.steps[i - 1]) root.fail("steps", "falling");
    const json::Value::List& tables = root.list("tables", 1, 64);
    for (std::size_t i = 0; i < tables.size(); ++i)
        family.tables.push_back(detail::read_photo_table(root.item(tables[i], "tables", i)));
    family.levels = detail::read_base64(root, "levels", photo_contexts);
    const std::size_t levels = family.levels.size() / photo_contexts;
    bool good = levels >= 2 && levels <= 65;
    for (const std::uint8_t name : family.levels) good = good && name < family.tables.size();
    if (!good) root.fail("levels", "2 to 65 rows of tables");
    family.classes = detail::read_base64(root, "classes", photo_channels);
    family.count = family.classes.size() / photo_channels;
    good = family.count <= 64;
    for (std::size_t i = 0; i < family.classes.size(); ++i)
        good = good && family.classes[i] < levels &&
               (family.classes[i] > 0 || i % cell_area != 0);
    if (!good)
        root.fail("classes", "1 to 64 rows of levels, not 0 for lowest coefficients");
    family.costs = root.integers<std::uint32_t>("costs", 0, 1 << 13, levels * photo_buckets,
                                                levels * photo_buckets);
    family.neighbours = static_cast<std::uint32_t>(root.integer("neighbours", 1, 64));
    family.bands = static_cast<std::uint32_t>(root.integer("bands", 1, photo_qualities));
    family.groups = root.integers<std::uint32_t>("groups", 0, family.neighbours - 1, family.count,
                                                 family.count);
    detail::read_class_tables(root, family);
    detail::read_matrices(root, family);
    return family;
}

}  // namespace kerasae
