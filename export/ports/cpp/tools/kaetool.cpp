// kaetool check BUNDLE        whether a bundle is whole, and this code reads and writes its sample
// kaetool info FILE [BUNDLE]  what a bundle, a file or a stream holds
// kaetool compress [BUNDLE] PICTURE FILE [QUALITY]
// kaetool decompress [BUNDLE] FILE PICTURE
// A bundle is a folder, and needs a kaetool that is built with LiteRT; without one it is a photograph.
#include <cstdio>
#include <kerasae/kerasae.hpp>

#include "pictures.hpp"

#ifdef KAETOOL_LITERT
#include <kerasae/litert.hpp>
#endif
#ifdef KAETOOL_PHOTOGRAPHS
#include <kerasae/shipped.hpp>
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

#ifdef KAETOOL_PHOTOGRAPHS
PhotoCodec photographs() { return load_photo_codec(); }
#else
PhotoCodec photographs() { throw UsageError("This kaetool was built without photographs."); }
#endif

void print_photograph(const ByteVector& data) {
    PhotoHead head = read_photo_head(data);
    const PhotoSymbols coded = photographs().unpack(data, head);
    std::printf("a photograph of %llu x %llu pixels, quality %u, family %s, %zu cells, %zu bytes\n",
                static_cast<unsigned long long>(head.height),
                static_cast<unsigned long long>(head.width), head.quality,
                hex(*family_id(data)).c_str(), coded.classes.size(), data.size());
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
    if (family_id(data)) {
        print_photograph(data);
        return 0;
    }
    std::printf("%s of version %u, made with bundle %s; to see more, name the bundle\n",
                is_stream(data) ? "a stream" : "an image", data[2],
                hex(Bytes(data).subspan(3, 2)).c_str());
    return 0;
}

void write(const fs::path& path, const ByteVector& data) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(data.data()),
               static_cast<std::streamsize>(data.size()));
    file.flush();
    if (!file) throw UsageError(path.string() + " cannot be written.");
}

std::uint32_t quality_of(const std::string& text) {
    if (text.empty() || text.size() > 3 || text.find_first_not_of("0123456789") != text.npos)
        throw UsageError("QUALITY must be a number. Received: " + text);
    return static_cast<std::uint32_t>(std::stoul(text));
}

/// The codec of a bundle, and how many channels its pictures have.
Codec codec_of(const fs::path& folder) {
#ifdef KAETOOL_LITERT
    return load_codec(folder);
#else
    throw UsageError("This kaetool was built without LiteRT, which runs the models of " +
                     folder.string() + ".");
#endif
}

int compress(const std::vector<std::string>& words) {
    const bool bundle = !words.empty() && fs::is_directory(words[0]);
    const std::size_t at = bundle ? 1 : 0;
    if (words.size() < at + 2 || words.size() > at + 3)
        throw UsageError("usage: kaetool compress [BUNDLE] PICTURE FILE [QUALITY]");
    const std::string& picture = words[at];
    std::uint32_t quality = bundle ? 0 : PhotoCodec::default_quality;
    if (words.size() == at + 3) quality = quality_of(words[at + 2]);
    if (bundle) {
        const Codec codec = codec_of(words[0]);
        const Image image = pictures::read(picture, codec.manifest().codec.channels);
        write(words[at + 1], codec.compress(image, quality));
    } else {
        const PhotoCodec codec = photographs();
        const Image image = pictures::read(picture, photo_planes);
        write(words[at + 1], codec.compress(image, quality));
    }
    return 0;
}

int decompress(const std::vector<std::string>& words) {
    const bool bundle = !words.empty() && fs::is_directory(words[0]);
    const std::size_t at = bundle ? 1 : 0;
    if (words.size() != at + 2)
        throw UsageError("usage: kaetool decompress [BUNDLE] FILE PICTURE");
    const ByteVector data = bytes_of(words[at]);
    if (bundle) {
        const Codec codec = codec_of(words[0]);
        Image image = codec.decompress(data);
        pictures::write(words[at + 1], image, codec.manifest().codec.channels);
    } else {
        Image image = photographs().decompress(data);
        pictures::write(words[at + 1], image, photo_planes);
    }
    return 0;
}

int run(int count, char** arguments) {
    const std::string command = count > 1 ? arguments[1] : "";
    if (command == "check" && count == 3) return check(arguments[2]);
    if (command == "info" && (count == 3 || count == 4))
        return info(arguments[2], count == 4 ? arguments[3] : nullptr);
    const std::vector<std::string> words(arguments + std::min(count, 2), arguments + count);
    if (command == "compress") return compress(words);
    if (command == "decompress") return decompress(words);
    throw UsageError(
        "usage: kaetool check BUNDLE\n       kaetool info FILE [BUNDLE]\n"
        "       kaetool compress [BUNDLE] PICTURE FILE [QUALITY]\n"
        "       kaetool decompress [BUNDLE] FILE PICTURE");
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
