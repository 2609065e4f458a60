// How fast entropy coding is on large images, in symbols a second on one core:
//     kerasae_benchmark_entropy [MILLIONS OF SYMBOLS] [REPEATS]
// Prints JSON, by time of the core: for each case the best of the repeats. Symbols are drawn from the tables.
#include <cstdio>
#include <ctime>
#include <kerasae/kerasae.hpp>
#include <random>

namespace {

using namespace kerasae;

/// A table of so many entries around 0 that fall off with the distance, and its escape.
Table bell(int entries, double width) {
    Table table;
    table.offset = -entries / 2;
    std::vector<double> weights;
    double total = 0;
    for (int j = 0; j < entries; ++j) {
        const double x = (table.offset + j) / width;
        total += weights.emplace_back(std::exp(-std::abs(x)));
    }
    int left = 4096 - 1;
    for (const double weight : weights) {
        const int frequency = 1 + static_cast<int>((4095 - entries) * weight / total);
        table.frequencies.push_back(static_cast<std::uint16_t>(frequency));
        left -= frequency;
    }
    table.frequencies[static_cast<std::size_t>(entries / 2)] =
        static_cast<std::uint16_t>(table.frequencies[static_cast<std::size_t>(entries / 2)] + left);
    table.frequencies.push_back(1);
    return table;
}

/// Seconds that this process has used a core for: others may use the rest of it.
double used() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void measure(const char* name, std::size_t count, int repeats, std::size_t channels,
             std::uint32_t classes, bool last) {
    Quality quality;
    quality.mantissas.assign(channels, 1);
    quality.classes = classes;
    for (std::uint32_t k = 0; k < classes; ++k)
        for (std::size_t c = 0; c < channels; ++c)
            quality.tables.push_back(bell(41, 0.4 + 0.15 * static_cast<double>(c % 16 + k)));
    const Tables tables(quality);
    const std::size_t rows = count / channels;
    std::mt19937 random(1);
    std::vector<std::uint8_t> class_of(rows);
    for (std::uint8_t& k : class_of) k = static_cast<std::uint8_t>(random() % classes);
    Symbols symbols;
    symbols.reserve(rows * channels);
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t c = 0; c < channels; ++c) {
            const Table& table = quality.tables[class_of[row] * channels + c];
            auto slot = static_cast<int>(random() % 4095);  // no escapes
            std::int32_t j = 0;
            while (slot >= table.frequencies[static_cast<std::size_t>(j)])
                slot -= table.frequencies[static_cast<std::size_t>(j++)];
            symbols.push_back(table.offset + j);
        }
    const auto class_at = [&class_of](std::size_t row) { return class_of[row]; };
    double encoding = 1e9, decoding = 1e9;
    ByteVector data;
    for (int i = 0; i < repeats; ++i) {
        data.clear();
        double start = used();
        tables.encode(symbols, class_at, data);
        encoding = std::min(encoding, used() - start);
        start = used();
        const Symbols found = tables.decode(data, rows, class_at, Limits{});
        decoding = std::min(decoding, used() - start);
        if (found != symbols) std::abort();
    }
    const auto number = static_cast<double>(symbols.size());
    std::printf(
        " {\"case\": \"%s\", \"symbols\": %zu, \"lanes\": %llu, \"bits_per_symbol\": %.3f, "
        "\"encode_per_second\": %.0f, \"decode_per_second\": %.0f}%s\n",
        name, symbols.size(), static_cast<unsigned long long>(lane_count(symbols.size())),
        8 * static_cast<double>(data.size()) / number, number / encoding, number / decoding,
        last ? "" : ",");
}

}  // namespace

int main(int count, char** arguments) {
    const std::size_t symbols = (count > 1 ? std::stoul(arguments[1]) : 16) * 1000000;
    const int repeats = count > 2 ? std::stoi(arguments[2]) : 9;
    std::printf("[\n");
    measure("1 channel", symbols, repeats, 1, 1, false);
    measure("16 channels", symbols, repeats, 16, 1, false);
    measure("16 channels, 8 classes", symbols, repeats, 16, 8, false);
    measure("64 channels, 16 classes", symbols, repeats, 64, 16, false);
    measure("one lane", 8000, 100 * repeats, 16, 1, true);
    std::printf("]\n");
}
