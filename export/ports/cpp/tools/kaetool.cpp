// kaetool check BUNDLE        whether a bundle is whole, and this code reads and writes its sample
// kaetool info FILE [BUNDLE]  what a bundle, a file or a stream holds
// kaetool compress BUNDLE PICTURE FILE [QUALITY]     where it is built with LiteRT
// kaetool decompress BUNDLE FILE PICTURE
#include <cstdio>
#include <kerasae/kerasae.hpp>

#ifdef KAETOOL_LITERT
#include <kerasae/litert.hpp>

#include "pictures.hpp"
#endif

namespace {

namespace fs = std::filesystem;
using namespace kerasae;

constexpr std::uintmax_t most_bytes = std::uintmax_t{1} << 30;

struct UsageError : std::runtime_error {
    using runtime_error::runtime_error;
};

ByteVector bytes_of(const fs::path& path) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (error) throw UsageError(path.string() + " cannot be read: " + error.message() + ".");
    if (size > most_bytes) throw UsageError(path.string() + " has more than 2^30 bytes.");
    ByteVector content(static_cast<std::size_t>(size));
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(size));
    if (!file) throw UsageError(path.string() + " cannot be read.");
    return content;
}

/// The symbols of golden/symbols.json.
Coded sample_of(const ByteVector& text) {
    const json::Value content =
        json::parse({reinterpret_cast<const char*>(text.data()), text.size()});
    const auto number = [](const json::Value* value) {
        const json::Number* found = value == nullptr ? nullptr : value->as<json::Number>();
        if (found == nullptr || !found->integer)
            throw BundleError("golden/symbols.json lacks a number.");
        return *found->integer;
    };
    const json::Value* symbols = content.find("symbols");
    if (symbols == nullptr || symbols->as<json::Value::List>() == nullptr)
        throw BundleError("golden/symbols.json lacks its symbols.");
    Coded coded;
    coded.height = static_cast<std::uint64_t>(number(content.find("height")));
    coded.width = static_cast<std::uint64_t>(number(content.find("width")));
    coded.quality = static_cast<std::uint32_t>(number(content.find("quality")));
    for (const json::Value& symbol : *symbols->as<json::Value::List>())
        coded.symbols.push_back(static_cast<std::int32_t>(number(&symbol)));
    return coded;
}

void print_bundle(const Manifest& manifest) {
    const CodecSpec& spec = manifest.codec;
    std::printf("bundle %s, %s, tiles of %u x %u x %u, %s, %zu %s\n",
                hex(Bytes(manifest.bundle_hash).subspan(0, 2)).c_str(), manifest.scheme.c_str(),
                spec.tile[0], spec.tile[1], spec.channels,
                spec.layout == LayoutKind::grid ? "a grid" : "blocks", spec.qualities.size(),
                spec.qualities.size() == 1 ? "quality" : "qualities");
}

int check(const fs::path& folder) {
    const Bundle bundle = load_bundle(folder);
    print_bundle(bundle.manifest);
    std::printf("%zu files have the sizes and hashes of the manifest\n", bundle.files.size());
    const auto file = bundle.files.find("golden/image.kae");
    const auto symbols = bundle.files.find("golden/symbols.json");
    if (file == bundle.files.end() || symbols == bundle.files.end()) {
        std::printf("there is no golden sample\n");
        return 0;
    }
    const Codec codec(bundle.manifest);
    const Coded expected = sample_of(symbols->second), found = codec.unpack(file->second);
    if (found.symbols != expected.symbols || found.height != expected.height ||
        found.width != expected.width || found.quality != expected.quality)
        throw BundleError("golden/image.kae does not hold the symbols of golden/symbols.json.");
    if (codec.pack(expected) != file->second)
        throw BundleError("golden/symbols.json is not written as golden/image.kae.");
    std::printf("the golden sample is read and written, byte for byte\n");
    return 0;
}

void print_images(const Codec& codec, const ByteVector& data) {
    if (!is_stream(data)) {
        const Coded coded = codec.unpack(data);
        std::printf("one image of %llu x %llu pixels, quality %u, %zu symbols, %zu bytes\n",
                    static_cast<unsigned long long>(coded.height),
                    static_cast<unsigned long long>(coded.width), coded.quality,
                    coded.symbols.size(), data.size());
        return;
    }
    StreamReader reader(codec.context(), data);
    std::uint64_t total = 0;
    while (const auto block = reader.next()) {
        codec.unpack_block(*block);
        std::printf("%llu x %llu x %llu pixels, quality %u, %zu bytes\n",
                    static_cast<unsigned long long>(block->count),
                    static_cast<unsigned long long>(block->height),
                    static_cast<unsigned long long>(block->width), block->quality,
                    block->payload.size());
        total += block->count;
    }
    std::printf("a stream of %llu images, %zu bytes\n", static_cast<unsigned long long>(total),
                data.size());
}

int info(const fs::path& path, const char* bundle) {
    if (fs::is_directory(path)) {
        print_bundle(load_bundle(path).manifest);
        return 0;
    }
    const ByteVector data = bytes_of(path);
    if (bundle != nullptr) {
        print_images(Codec(load_bundle(bundle).manifest), data);
        return 0;
    }
    if (data.size() < 10 || data[0] != 0xAE || (data[1] != 0x6B && data[1] != 0x73))
        throw CorruptBitstreamError(path.string() + " is not a kerasae bitstream.");
    const bool photograph = data[2] == 2 && !is_stream(data);
    std::printf("%s of version %u, made with %s %s; to see more, name the bundle\n",
                is_stream(data) ? "a stream" : "an image", data[2],
                photograph ? "family" : "bundle", hex(Bytes(data).subspan(3, 2)).c_str());
    return 0;
}

#ifdef KAETOOL_LITERT

int compress(const fs::path& folder, const char* picture, const fs::path& path,
             const std::string& quality) {
    if (quality.empty() || quality.size() > 2 ||
        quality.find_first_not_of("0123456789") != std::string::npos)
        throw UsageError("QUALITY must be a number. Received: " + quality);
    const Codec codec = load_codec(folder);
    const Image image = pictures::read(picture, codec.manifest().codec.channels);
    const ByteVector data =
        codec.compress(image, static_cast<std::uint32_t>(std::stoul(quality)));
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(data.data()),
               static_cast<std::streamsize>(data.size()));
    file.flush();
    if (!file) throw UsageError(path.string() + " cannot be written.");
    return 0;
}

int decompress(const fs::path& folder, const fs::path& path, const char* picture) {
    const Codec codec = load_codec(folder);
    Image image = codec.decompress(bytes_of(path));
    pictures::write(picture, image, codec.manifest().codec.channels);
    return 0;
}

#endif

int run(int count, char** arguments) {
    const std::string command = count > 1 ? arguments[1] : "";
    if (command == "check" && count == 3) return check(arguments[2]);
    if (command == "info" && (count == 3 || count == 4))
        return info(arguments[2], count == 4 ? arguments[3] : nullptr);
#ifdef KAETOOL_LITERT
    if (command == "compress" && (count == 5 || count == 6))
        return compress(arguments[2], arguments[3], arguments[4], count == 6 ? arguments[5] : "0");
    if (command == "decompress" && count == 5)
        return decompress(arguments[2], arguments[3], arguments[4]);
    throw UsageError(
        "usage: kaetool check BUNDLE\n       kaetool info FILE [BUNDLE]\n"
        "       kaetool compress BUNDLE PICTURE FILE [QUALITY]\n"
        "       kaetool decompress BUNDLE FILE PICTURE");
#else
    throw UsageError("usage: kaetool check BUNDLE\n       kaetool info FILE [BUNDLE]");
#endif
}

}  // namespace

int main(int count, char** arguments) {
    try {
        return run(count, arguments);
    } catch (const UsageError& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
