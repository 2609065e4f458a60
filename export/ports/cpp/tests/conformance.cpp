// Runs the conformance set, as its README says: conformance FOLDER
#include <cmath>
#include <cstdio>
#include <fstream>
#include <kerasae/kerasae.hpp>
#include <typeinfo>

#include "check.hpp"

namespace {

using namespace kerasae;
using json::Value;

ByteVector bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    check::that(file.good(), path.string());
    return ByteVector(std::istreambuf_iterator<char>(file), {});
}

std::string text_of(const std::filesystem::path& path) {
    const ByteVector bytes = bytes_of(path);
    return std::string(bytes.begin(), bytes.end());
}

const std::string& text(const Value& value, const char* name) {
    return *value.find(name)->as<std::string>();
}
double real(const Value& value) { return value.as<json::Number>()->value; }
std::int64_t whole(const Value& value) { return *value.as<json::Number>()->integer; }
const Value::List& list(const Value& value, const char* name) {
    return *value.find(name)->as<Value::List>();
}

std::string word_of(const BitstreamError& error) {
    if (typeid(error) == typeid(CorruptBitstreamError)) return "corrupt";
    if (typeid(error) == typeid(BitstreamVersionError)) return "version";
    if (typeid(error) == typeid(BitstreamBundleError)) return "bundle";
    if (typeid(error) == typeid(BitstreamLimitError)) return "limit";
    return "other";
}

/// A stream that arrives in pieces of so many bytes.
std::vector<Coded> unpack_arriving(const Codec& codec, Bytes data, std::size_t piece) {
    StreamReader reader(codec.context());
    std::vector<Coded> images;
    const auto take = [&] {
        while (const auto block = reader.next())
            for (Coded& coded : codec.unpack_block(*block)) images.push_back(std::move(coded));
    };
    for (std::size_t at = 0; at < data.size(); at += piece) {
        reader.push(data.subspan(at, piece));
        take();
    }
    reader.finish();
    take();
    return images;
}

/// Calls `read` and returns the word for its refusal, or nothing.
template <class Read>
std::string refusal_of(Read&& read) {
    try {
        read();
    } catch (const BitstreamError& error) {
        return word_of(error);
    }
    return "";
}

Limits limits_of(const Value& entry) {
    Limits limits;
    const Value* given = entry.find("limits");
    if (given == nullptr) return limits;
    const auto set = [given](const char* name, std::uint64_t& to) {
        if (const Value* value = given->find(name)) to = static_cast<std::uint64_t>(whole(*value));
    };
    set("max_pixels", limits.max_pixels);
    set("max_images", limits.max_images);
    set("max_expansion", limits.max_expansion);
    return limits;
}

bool same(const std::vector<Coded>& a, const std::vector<Coded>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Coded& x, const Coded& y) {
        return x.symbols == y.symbols && x.height == y.height && x.width == y.width &&
               x.quality == y.quality;
    });
}

void check_good(const Codec& codec, const Value& entry, const std::vector<Coded>& images,
                const ByteVector& data, const std::filesystem::path& root) {
    const std::string& name = text(entry, "name");
    const ByteVector kept = bytes_of(root / text(entry, "symbols"));
    std::size_t at = 0, k = 0;
    for (const Value& group : list(entry, "images"))
        for (std::int64_t i = 0; i < whole(*group.find("count")); ++i, ++k) {
            check::that(k < images.size(), name + ": images");
            const Coded& image = images[k];
            const auto is = [&](const char* field, std::uint64_t value) {
                check::that(value == static_cast<std::uint64_t>(whole(*group.find(field))),
                            name + ": " + field);
            };
            is("height", image.height), is("width", image.width), is("quality", image.quality);
            bool equal = true;
            for (const std::int32_t symbol : image.symbols) {
                const std::uint8_t* b = &kept[at];
                at = (at + 4) % kept.size();
                equal = equal && static_cast<std::uint32_t>(symbol) ==
                                     (std::uint32_t{b[0]} | std::uint32_t{b[1]} << 8 |
                                      std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24);
            }
            check::that(equal, name + ": symbols");
        }
    check::that(k == images.size(), name + ": number of images");
    const bool stream = text(entry, "kind") == "stream";
    check::that((stream ? codec.pack_many(images) : codec.pack(images[0])) == data,
                name + ": written");
}

void check_files(const Value& index, const std::filesystem::path& root) {
    std::map<std::string, Manifest> manifests;
    for (const Value& bundle : list(index, "bundles")) {
        const Manifest manifest = load_bundle(root / text(bundle, "folder")).manifest;
        check::that(hex(manifest.bundle_hash) == text(bundle, "bundle_hash"), "bundle hash");
        manifests[text(bundle, "name")] = manifest;
    }
    for (const Value& entry : list(index, "files")) {
        const std::string& name = text(entry, "name");
        const Codec codec(manifests.at(text(entry, "bundle")), nullptr, nullptr, limits_of(entry));
        const ByteVector data = bytes_of(root / text(entry, "file"));
        const bool stream = text(entry, "kind") == "stream";
        std::vector<Coded> images;
        const std::string found = refusal_of([&] {
            if (stream) images = codec.unpack_many(data);
            else images.push_back(codec.unpack(data));
        });
        check::that(found == (entry.find("error") != nullptr ? text(entry, "error") : ""),
                    name + ": " + found);
        for (const std::size_t piece : {1U, 7U, 100000U}) {
            if (!stream || (piece == 1 && data.size() > 5000)) continue;
            std::vector<Coded> again;
            const std::string word =
                refusal_of([&] { again = unpack_arriving(codec, data, piece); });
            check::that(word == found && (!word.empty() || same(again, images)),
                        name + ": while it arrives: " + word);
        }
        if (found.empty()) check_good(codec, entry, images, data, root);
    }
    std::printf("files: %zu\n", list(index, "files").size());
}

void check_manifests(const Value& index, const std::filesystem::path& root) {
    for (const Value& entry : list(index, "manifests")) {
        const std::string content = text_of(root / text(entry, "file"));
        bool good = true;
        try {
            parse_manifest(content);
        } catch (const BundleError&) {
            good = false;
        }
        check::that(good == (entry.find("section") == nullptr), text(entry, "name"));
    }
    std::printf("manifests: %zu\n", list(index, "manifests").size());
}

void check_values(const Value& index) {
    for (const Value& entry : list(index, "values")) {
        const Value::List& outputs = list(entry, "outputs");
        const std::size_t many = std::max<std::size_t>(256, outputs.size());
        const bool levels = text(entry, "dtype") == "uint8";
        Edge edge{{static_cast<std::uint32_t>(many)}, levels ? DType::uint8 : DType::float32,
                  real(*entry.find("scale")), static_cast<int>(whole(*entry.find("zero_point")))};
        // What an edge holds as it is: levels as bytes, values as float32.
        Edge plain = edge;
        plain.scale = 1, plain.zero_point = 0;
        Tensor input(edge), output(plain), raw(plain);
        const auto held = [&](std::size_t i) {
            raw.bytes() = input.bytes();
            return raw.get(i);
        };
        for (std::size_t p = 0; p < 256; ++p) {
            input.set(p, static_cast<double>(p) / 255);
            check::that(held(p) == real(list(entry, "inputs")[p]), "inputs");
        }
        for (std::size_t i = 0; i < outputs.size(); ++i) output.set(i, real(outputs[i]));
        Tensor given(edge);
        given.bytes() = output.bytes();
        for (std::size_t i = 0; i < outputs.size(); ++i)
            check::that(given.pixel(i) == whole(list(entry, "pixels")[i]), "pixels");
        for (const Value& step : list(entry, "steps")) {
            const double size = std::ldexp(real(*step.find("mantissa")),
                                           static_cast<int>(whole(*step.find("exponent"))));
            for (std::size_t i = 0; i < outputs.size(); ++i)
                check::that(symbol_of(given.get(i), size) == whole(list(step, "symbols")[i]),
                            "symbols");
            for (std::size_t i = 0; i < list(step, "sample").size(); ++i) {
                input.set(i, real(list(step, "sample")[i]) * size);
                check::that(held(i) == real(list(step, "sample_inputs")[i]), "sample inputs");
            }
        }
    }
    std::printf("values: %zu\n", list(index, "values").size());
}

void check_spans(const Value& index) {
    for (const Value& entry : list(index, "spans")) {
        const auto number = [&entry](const char* name) {
            return static_cast<std::uint64_t>(whole(*entry.find(name)));
        };
        const auto found = spans(number("cells"), number("tile"), number("margin"));
        const Value::List& expected = list(entry, "spans");
        check::that(found.size() == expected.size(), "number of spans");
        for (std::size_t i = 0; i < found.size(); ++i) {
            const Value::List& span = *expected[i].as<Value::List>();
            check::that(found[i].origin == static_cast<std::uint64_t>(whole(span[0])) &&
                            found[i].start == static_cast<std::uint64_t>(whole(span[1])) &&
                            found[i].stop == static_cast<std::uint64_t>(whole(span[2])),
                        "a span");
        }
    }
    std::printf("spans: %zu\n", list(index, "spans").size());
}

std::map<std::string, Family> check_families(const Value& index,
                                             const std::filesystem::path& root) {
    std::map<std::string, Family> families;
    for (const Value& entry : list(index, "families")) {
        const std::string& name = text(entry, "name");
        const ByteVector content = bytes_of(root / text(entry, "file"));
        bool good = true;
        try {
            const Family family = parse_family(content);
            if (entry.find("family_hash") != nullptr) {
                check::that(hex(family.hash) == text(entry, "family_hash"), name + ": hash");
                families[name] = family;
            }
        } catch (const BundleError&) {
            good = false;
        }
        check::that(good == (entry.find("section") == nullptr), name);
    }
    std::printf("families: %zu\n", list(index, "families").size());
    return families;
}

std::string hash_of(const std::vector<std::int16_t>& symbols) {
    ByteVector bytes;
    for (const std::int16_t symbol : symbols) {
        bytes.push_back(static_cast<std::uint8_t>(symbol));
        bytes.push_back(static_cast<std::uint8_t>(symbol >> 8));
    }
    return hex(sha256(bytes));
}

void check_photograph(const PhotoCodec& codec, const Value& entry, const ByteVector& data,
                      const std::filesystem::path& root) {
    const std::string& name = text(entry, "name");
    PhotoHead head;
    const PhotoSymbols coded = codec.unpack(data, head);
    const auto is = [&](const char* field, std::uint64_t value) {
        check::that(value == static_cast<std::uint64_t>(whole(*entry.find(field))),
                    name + ": " + field);
    };
    is("height", head.height), is("width", head.width), is("quality", head.quality);
    const PhotoHead claimed = read_photo_head(data);
    is("height", claimed.height), is("width", claimed.width), is("quality", claimed.quality);
    check::that(hash_of(coded.symbols) == text(entry, "symbols"), name + ": symbols");
    check::that(hex(sha256(coded.classes)) == text(entry, "classes"), name + ": classes");
    check::that((codec.pack(coded, head) == data) == *entry.find("written")->as<bool>(),
                name + ": written");
    const Image rebuilt = codec.decompress(data);
    check::that(rebuilt.data.size() == 3 * head.height * head.width, name + ": pixels");
    if (entry.find("image") == nullptr) return;
    const ByteVector pixels = bytes_of(root / text(entry, "pixels"));
    bool close = true;
    for (std::size_t i = 0; i < pixels.size(); ++i)
        close = close && std::abs(rebuilt.data[i] - pixels[i]) <= 1;
    check::that(close, name + ": pixels");
    const Image image{bytes_of(root / text(entry, "image")), head.height, head.width};
    check::that(codec.compress(image, head.quality) == data, name + ": compressed");
}

void check_photographs(const Value& index, const std::filesystem::path& root,
                       const std::map<std::string, Family>& families) {
    for (const Value& entry : list(index, "photographs")) {
        const std::string& name = text(entry, "name");
        const PhotoCodec codec({families.at(text(entry, "family"))}, limits_of(entry));
        const ByteVector data = bytes_of(root / text(entry, "file"));
        const std::string found = refusal_of([&] { codec.decompress(data); });
        check::that(found == (entry.find("error") != nullptr ? text(entry, "error") : ""),
                    name + ": " + found);
        if (found.empty()) check_photograph(codec, entry, data, root);
    }
    std::printf("photographs: %zu\n", list(index, "photographs").size());
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: conformance FOLDER\n");
        return 2;
    }
    const std::filesystem::path root = arguments[1];
    const Value index = json::parse(text_of(root / "index.json"));
    check_manifests(index, root);
    check_files(index, root);
    check_values(index);
    check_spans(index);
    check_photographs(index, root, check_families(index, root));
    std::printf("checks: %d\n", check::done);
    return 0;
}
