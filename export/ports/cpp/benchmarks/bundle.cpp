// Times the codec of a bundle for benchmarks/bundle_speed.py: BUNDLE PIXELS HEIGHT WIDTH ROUNDS.
// Prints JSON: milliseconds by the clock, best of the rounds, megabytes, and the file's hash.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <kerasae/kerasae.hpp>
#include <kerasae/litert.hpp>
#include <limits>
#include <optional>

namespace {

using namespace kerasae;

template <class Job>
void time(double& best, Job&& job) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    job();
    const std::chrono::duration<double, std::milli> took = Clock::now() - start;
    best = std::min(best, took.count());
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 6) return 2;
    std::ifstream file(arguments[2], std::ios::binary);
    const Image image{ByteVector(std::istreambuf_iterator<char>(file), {}),
                      std::stoull(arguments[3]), std::stoull(arguments[4])};
    double load = std::numeric_limits<double>::max(), encode = load, decode = load;
    ByteVector data;
    for (int i = 0; i < std::stoi(arguments[5]); ++i) {
        std::optional<Codec> codec;
        time(load, [&] { codec.emplace(load_codec(arguments[1])); });
        time(encode, [&] { data = codec->compress(image); });
        time(decode, [&] { codec->decompress(data); });
    }
    std::ifstream status("/proc/self/status");  // of Linux: the largest resident size
    std::string word;
    double kilobytes = 0;
    while (status >> word && word != "VmHWM:") continue;
    status >> kilobytes;
    std::printf("{\"load\": %.3f, \"encode\": %.3f, \"decode\": %.3f, \"megabytes\": %.1f, "
                "\"sha256\": \"%s\"}\n",
                load, encode, decode, kilobytes / 1024, hex(sha256(data)).c_str());
}
