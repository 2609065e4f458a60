// A target of libFuzzer: what it finds lies behind the checksums, which are made to fit. Built by clang
// with -DKERASAE_FUZZ=ON, and run as kerasae_fuzz; its bundles and families are those of the conformance set.
#include <cstdlib>
#include <kerasae/kerasae.hpp>

namespace {

using namespace kerasae;

void require(bool good) {
    if (!good) std::abort();
}

struct Readers {
    std::vector<Codec> codecs;
    std::vector<PhotoCodec> photographs;

    Readers() {
        Limits limits;
        limits.max_pixels = 1 << 16;
        const std::filesystem::path root = KERASAE_CONFORMANCE;
        for (const char* name : {"grid", "classes", "blocks", "qualities", "indices", "extreme",
                                 "lanes", "heavy", "small-tile"})
            codecs.emplace_back(load_bundle(root / "bundles" / name).manifest, nullptr, nullptr,
                                limits);
        for (const char* name : {"small", "extreme", "many", "free"}) {
            std::ifstream file(root / "families" / (std::string(name) + ".json"), std::ios::binary);
            const ByteVector content(std::istreambuf_iterator<char>(file), {});
            photographs.push_back(PhotoCodec({parse_family(content)}, limits));
        }
    }
};

ByteVector sealed(const ByteVector& body, const Digest& hash) {
    ByteVector data = body;
    append(data, detail::four_bytes(crc32(body, crc32(hash))));
    return data;
}

void read_image(const Codec& codec, Bytes data) {
    const Coded coded = codec.unpack(data);
    const Coded again = codec.unpack(codec.pack(coded));
    require(again.symbols == coded.symbols && again.quality == coded.quality);
}

/// A stream in pieces, of which each says how long the next one is, has the verdict of the whole.
void read_stream(const Codec& codec, Bytes data) {
    const auto symbols_of = [&](auto&& read) -> std::optional<Symbols> {
        Symbols all;
        try {
            read([&](const Block& block) {
                for (const Coded& coded : codec.unpack_block(block))
                    all.insert(all.end(), coded.symbols.begin(), coded.symbols.end());
            });
        } catch (const BitstreamError&) {
            return std::nullopt;
        }
        return all;
    };
    const auto whole = symbols_of([&](auto&& take) {
        StreamReader reader(codec.context(), data);
        while (const auto block = reader.next()) take(*block);
    });
    const auto pieces = symbols_of([&](auto&& take) {
        StreamReader reader(codec.context());
        for (std::size_t at = 0; at < data.size();) {
            const std::size_t size = 1 + data[at] % 64;
            reader.push(data.subspan(at, size));
            at += size;
            while (const auto block = reader.next()) take(*block);
        }
        reader.finish();
        while (const auto block = reader.next()) take(*block);
    });
    require(whole == pieces);
}

/// A stream of blocks: what follows each length, under CRCs that fit.
ByteVector chained(Bytes input, const Digest& hash) {
    ByteVector data;
    append(data, detail::head(detail::stream_magic, hash));
    std::uint32_t before = crc32(data, crc32(hash));
    while (!input.empty()) {
        const std::size_t size = std::min(input.size() - 1, std::size_t{2} * input[0]);
        const Bytes body = input.subspan(1, size);
        append(data, body);
        const auto crc = detail::four_bytes(crc32(body, before));
        append(data, crc);
        before = crc32(crc, crc32(hash));
        input = input.subspan(1 + size);
    }
    return data;
}

void read_photograph(const PhotoCodec& codec, Bytes data) {
    PhotoHead head;
    const PhotoSymbols coded = codec.unpack(data, head);
    require(codec.decompress(data).data.size() == 3 * head.height * head.width);
    PhotoHead again_head;
    const PhotoSymbols again = codec.unpack(codec.pack(coded, head), again_head);
    require(again.symbols == coded.symbols && again.classes == coded.classes);
}

void compress(const PhotoCodec& codec, Bytes input) {
    if (input.size() < 5) return;
    Image image{{}, 1U + input[0] % 40U, 1U + input[1] % 40U};
    const std::uint32_t quality = 1 + input[2] % 100;
    for (std::uint64_t i = 0; i < 3 * image.height * image.width; ++i)
        image.data.push_back(input[3 + static_cast<std::size_t>(i) % (input.size() - 3)]);
    ByteVector data;
    try {
        data = codec.compress(image, quality);
    } catch (const std::invalid_argument&) {  // differences of lowest coefficients over 16 bits
        return;
    }
    require(codec.decompress(data).height == image.height);
}

void run(unsigned kind, std::size_t which, Bytes input) {
    static const Readers readers;
    const Codec& codec = readers.codecs[which % readers.codecs.size()];
    const PhotoCodec& photographs = readers.photographs[which % readers.photographs.size()];
    const Digest &bundle = codec.manifest().bundle_hash,
                 &family = photographs.families().front().hash;
    ByteVector body;
    switch (kind) {
        case 0: return read_image(codec, input);
        case 1:
            append(body, detail::head(detail::image_magic, bundle));
            append(body, input);
            return read_image(codec, sealed(body, bundle));
        case 2: return read_stream(codec, input);
        case 3: return read_stream(codec, chained(input, bundle));
        case 4: return read_photograph(photographs, input);
        case 5:
            body = {0xAE, detail::image_magic, detail::photo_version, family[0], family[1]};
            append(body, input);
            return read_photograph(photographs, sealed(body, family));
        case 6:
            parse_manifest({reinterpret_cast<const char*>(input.data()), input.size()});
            return;
        case 7: parse_family(input); return;
        default: return compress(photographs, input);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    try {
        run(data[0] % 9U, data[1], Bytes(data, size).subspan(2));
    } catch (const BitstreamError&) {
        return 0;
    } catch (const BundleError&) {
        return 0;
    }
    return 0;
}
