// Times the codec of photographs for benchmarks/photo_speed.py: FOLDER HEIGHT WIDTH QUALITY ROUNDS.
// Prints JSON: seconds of the core for the best of the rounds, and the bytes of the file it wrote.
#include <cstdio>
#include <ctime>
#include <kerasae/kerasae.hpp>
#include <limits>

namespace {

using namespace kerasae;

ByteVector bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return ByteVector(std::istreambuf_iterator<char>(file), {});
}

/// Seconds that this process has used a core for: others may use the rest of it.
template <class Job>
void time(double& best, Job&& job) {
    const std::clock_t start = std::clock();
    job();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 6) return 2;
    const std::filesystem::path folder = arguments[1];
    const ByteVector family = bytes_of(folder / "family.json");
    const Image image{bytes_of(folder / "pixels.bin"), std::stoull(arguments[2]),
                      std::stoull(arguments[3])};
    const auto quality = static_cast<std::uint32_t>(std::stoul(arguments[4]));
    double load = std::numeric_limits<double>::max(), encode = load, decode = load;
    ByteVector data;
    for (int i = 0; i < std::stoi(arguments[5]); ++i) {
        std::optional<PhotoCodec> codec;
        time(load, [&] { codec.emplace(std::vector<Family>{parse_family(family)}); });
        time(encode, [&] { data = codec->compress(image, quality); });
        time(decode, [&] { codec->decompress(data); });
    }
    std::ifstream status("/proc/self/status");  // of Linux: the largest resident size
    std::string word;
    double kilobytes = 0;
    while (status >> word && word != "VmHWM:") continue;
    status >> kilobytes;
    std::printf("{\"load\": %.6f, \"encode\": %.6f, \"decode\": %.6f, \"megabytes\": %.1f, "
                "\"sha256\": \"%s\"}\n",
                load, encode, decode, kilobytes / 1024,
                hex(sha256(data)).c_str());
}
