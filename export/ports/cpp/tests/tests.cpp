// What the conformance set does not hold: hashes, JSON, networks and tiles, arguments, memory.
#include <cstdio>
#include <kerasae/kerasae.hpp>

#include "check.hpp"

namespace {

using namespace kerasae;

Bytes bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void hashes() {
    check::that(crc32(bytes_of("123456789")) == 0xCBF43926, "CRC-32 of nine digits");
    check::that(crc32(bytes_of("6789"), crc32(bytes_of("12345"))) == 0xCBF43926, "in two pieces");
    check::that(hex(sha256({})) ==
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "SHA-256 of nothing");
    check::that(hex(sha256(bytes_of("abc"))) ==
                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "SHA-256 of abc");
    check::that(hex(sha256(bytes_of(std::string(1000000, 'a')))) ==
                    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
                "SHA-256 of a million letters");
    for (const std::size_t size : {55U, 56U, 63U, 64U, 119U, 120U}) {
        const std::string text(size, 'x');
        Sha256 pieces;
        for (const char& c : text) pieces.update(bytes_of(std::string(1, c)));
        check::that(pieces.finish() == sha256(bytes_of(text)), "SHA-256 in pieces");
    }
}

void json_is_strict() {
    for (const char* good :
         {"0", "-0", "1.5e-3", "[]", "{}", " [1 , 2] ", "\"\\u00e9\\ud83d\\ude00\\n\"", "1e-400",
          "{\"a\":{\"a\":1},\"b\":[null,true,false]}", "123456789012345678901234567890"})
        json::parse(good);
    for (const char* bad :
         {"", " ", "01", "+1", ".5", "1.", "1e", "--1", "0x1", "NaN", "Infinity", "1e400", "[1,]",
          "[1", "[1 2]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{\"a\":1,\"a\":2}", "\"", "\"\\x\"",
          "\"\\u12\"", "\"\t\"", "nul", "truee", "1 2", "[1]]", "\"\xff\"", "\"\xc0\xaf\"",
          "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "// x\n1", "'a'"})
        check::that(check::throws<json::ParseError>([bad] { json::parse(bad); }), bad);
    check::that(check::throws<json::ParseError>([] { json::parse(std::string(100000, '[')); }),
                "deeply nested");
    check::that(*json::parse("\"\\ud83d\\ude00\"").as<std::string>() == "\xf0\x9f\x98\x80", "a pair");
    check::that(!json::parse("7.0").as<json::Number>()->integer, "a fraction is no integer");
}

/// A bundle with a grid of 4 x 6 cells of 2 x 2 pixels, margin 1, two qualities, three classes.
Manifest grid(const char* dtype, const char* scale) {
    const std::string edge = std::string("\"dtype\":\"") + dtype + "\",\"scale\":" + scale +
                             ",\"zero_point\":0}";
    const std::string image = "{\"shape\":[1,8,12,1]," + edge, code = "{\"shape\":[1,4,6,2]," + edge;
    const std::string table = "{\"frequencies\":[1000,2000,1000,96],\"offset\":-1}";
    std::string tables = "[" + table;
    for (int i = 1; i < 6; ++i) tables += "," + table;
    const std::string one =
        "{\"classes\":3,\"step\":{\"exponent\":-1,\"mantissas\":[1,1]},\"tables\":" + tables + "]}";
    const std::string hash = "\"" + std::string(64, 'a') + "\"";
    return parse_manifest(
        "{\"format\":\"kerasae-bundle\",\"format_version\":1,\"scheme\":\"int8\",\"bundle_hash\":" +
        hash + ",\"pixel_tolerance\":1,\"facts\":{},\"encoder\":{\"file\":\"e\",\"input\":" + image +
        ",\"output\":" + code + "},\"decoder\":{\"file\":\"d\",\"input\":" + code +
        ",\"output\":" + image + "},\"files\":{\"e\":{\"sha256\":" + hash +
        ",\"bytes\":1},\"d\":{\"sha256\":" + hash +
        ",\"bytes\":1}},\"codec\":{\"channels\":1,\"tile\":[8,12],\"layout\":\"grid\",\"stride\":2,"
        "\"margin\":1,\"code_shape\":[4,6,2],\"codebook\":0,\"group\":2,\"table_bits\":12,"
        "\"qualities\":[" + one + "," + one + "]}}");
}

/// A network that keeps the upper left and the lower right pixel of a cell, and one that fills the
/// cell with them: images whose cells have one colour come back as they were.
Codec codec_of(const Manifest& manifest) {
    const std::size_t width = manifest.encoder.input.dtype == DType::uint8 ? 1 : 4;
    const auto copy = [width](const std::uint8_t* from, std::size_t i, std::uint8_t* to,
                              std::size_t j) { std::memcpy(to + width * j, from + width * i, width); };
    const Run encoder = [copy](Bytes in, Span<std::uint8_t> out) {
        for (std::size_t cell = 0; cell < 24; ++cell) {
            const std::size_t at = 24 * (cell / 6) + 2 * (cell % 6);
            copy(in.data(), at, out.data(), 2 * cell);
            copy(in.data(), at + 13, out.data(), 2 * cell + 1);
        }
    };
    const Run decoder = [copy](Bytes in, Span<std::uint8_t> out) {
        for (std::size_t y = 0; y < 8; ++y)
            for (std::size_t x = 0; x < 12; ++x)
                copy(in.data(), 2 * (6 * (y / 2) + x / 2) + y % 2, out.data(), 12 * y + x);
    };
    return Codec(manifest, encoder, decoder);
}

void images_pass_through_tiles() {
    for (const auto& [dtype, scale] : {std::pair("uint8", "0.5"), std::pair("float32", "1")}) {
        const Codec codec = codec_of(grid(dtype, scale));
        for (const Size size : {Size{1, 1}, Size{8, 12}, Size{9, 13}, Size{31, 50}, Size{2, 90}}) {
            Image image{{}, size.height, size.width};
            for (std::uint64_t i = 0; i < size.height * size.width; ++i) {
                const std::uint64_t cell = i / size.width / 2 * 7 + i % size.width / 2 * 3;
                image.data.push_back(cell % 2 != 0 ? 255 : 0);
            }
            for (const std::uint32_t quality : {0U, 1U, 2U}) {
                const ByteVector data = codec.compress(image, quality);
                const Image rebuilt = codec.decompress(data);
                check::that(rebuilt.data == image.data, "an image passes");
                check::that(codec.unpack(data).quality == (quality == 0 ? 2 : quality), "quality");
            }
        }
    }
}

void arguments_are_checked() {
    const Codec codec = codec_of(grid("uint8", "0.5")), bare(grid("uint8", "0.5"));
    const Image image{ByteVector(4), 2, 2};
    const auto refused = [](auto&& call) { return check::throws<std::invalid_argument>(call); };
    check::that(refused([&] { codec.compress({ByteVector(3), 2, 2}); }), "too few bytes");
    check::that(refused([&] { codec.compress({{}, 0, 2}); }), "no pixels");
    check::that(refused([&] { codec.compress(image, 3); }), "quality 3");
    check::that(refused([&] { codec.pack({Symbols(3), 2, 2, 1}); }), "too many symbols");
    check::that(refused([&] { codec.pack({Symbols(2), 2, 2, 0}); }), "quality 0");
    check::that(refused([&] { Codec(grid("uint8", "0.5"), nullptr, nullptr, {0, 1, 1}); }), "0");
    check::that(check::throws<std::logic_error>([&] { bare.compress(image); }), "no encoder");
    check::that(check::throws<std::logic_error>([&] { bare.decode({Symbols(2), 2, 2, 1}); }),
                "no decoder");
    const Run broken = [](Bytes, Span<std::uint8_t> out) {
        for (std::uint8_t& byte : out) byte = 0xFF;  // not a number
    };
    const Codec wild(grid("float32", "1"), broken, broken);
    check::that(check::throws<std::domain_error>([&] { wild.compress(image); }), "not finite");
    check::that(wild.decode({Symbols(2), 2, 2, 1}).data == ByteVector(4), "not a number is 0");
}

void streams_arrive_in_pieces() {
    const Codec codec(grid("uint8", "0.5"));
    StreamReader reader(codec.context());
    const Coded coded{Symbols(2), 2, 2, 1};
    const ByteVector data = codec.pack_many(std::vector<Coded>(5, coded));
    for (const std::uint8_t& byte : Bytes(data).subspan(0, data.size() - 1)) {
        reader.push(Bytes(&byte, 1));
        if (const auto block = reader.next()) check::that(block->count == 5, "a block");
    }
    reader.finish();
    check::that(check::throws<CorruptBitstreamError>([&] { reader.next(); }), "the end is missing");
    check::that(check::throws<CorruptBitstreamError>([&] { reader.next(); }), "still");
    check::that(check::throws<std::logic_error>([&] { reader.push({}); }), "pushed too late");
}

/// A family of one class and one table, in which all channels are coded.
std::string plain_family() {
    const auto identity = [](int size) {
        std::string text;
        for (int i = 0; i < size * size; ++i)
            text += (i > 0 ? "," : "") + std::to_string(i % (size + 1) == 0 ? 16384 : 0);
        return text;
    };
    std::string steps, classes, costs = "0";
    for (int step = 100; step > 0; --step)
        steps += std::to_string(64 * step) + (step > 1 ? "," : "");
    for (int i = 0; i < 256; ++i) classes += "AQEB";
    for (int i = 1; i < 16; ++i) costs += ",0";
    return "{\"format\":\"kerasae-family\",\"format_version\":2,\"colour\":[" + identity(3) +
           "],\"block\":[" + identity(16) + "],\"overlap\":[" + identity(16) + "],\"steps\":[" +
           steps + "],\"classes\":\"" + classes + "\",\"levels\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA=\"," +
           "\"costs\":[" + costs + "],\"tables\":[{\"offset\":-1,\"frequencies\":[96,3900,50,50]," +
           "\"rebuild\":[0,0]}],\"groups\":[0],\"neighbours\":1,\"bands\":1," +
           "\"class_frequencies\":\"ABAAEAAQABA=\"}";
}

void photographs_pass_and_arguments_are_checked() {
    const std::string text = plain_family();
    const PhotoCodec codec({parse_family(bytes_of(text))});
    for (const Size size : {Size{1, 1}, Size{16, 16}, Size{17, 33}, Size{40, 9}}) {
        Image image{{}, size.height, size.width};
        for (std::uint64_t i = 0; i < 3 * size.height * size.width; ++i)
            image.data.push_back(static_cast<std::uint8_t>(i * i % 251));
        const ByteVector data = codec.compress(image, 100);  // a step of one level, without a transform
        check::that(codec.decompress(data).data == image.data, "a photograph passes");
        PhotoHead head;
        const PhotoSymbols coded = codec.unpack(data, head);
        check::that(codec.pack(coded, head) == data, "symbols pass");
        check::that(coded.symbols[0] == image.data[0] - 128, "the first sample");
    }
    const Image image{ByteVector(12), 2, 2};
    const auto refused = [](auto&& call) { return check::throws<std::invalid_argument>(call); };
    check::that(refused([&] { codec.compress(image, 0); }), "quality 0");
    check::that(refused([&] { codec.compress(image, 101); }), "quality 101");
    check::that(refused([&] { codec.compress({ByteVector(11), 2, 2}); }), "too few bytes");
    check::that(refused([&] { codec.compress({{}, 0, 2}); }), "no pixels");
    check::that(refused([&] { codec.pack({}, {50, 2, 2}); }), "no symbols");
    check::that(refused([&] { codec.pack({std::vector<std::int16_t>(768), {1}, {}}, {50, 2, 2}); }),
                "a class that does not exist");
    check::that(refused([] { PhotoCodec({}); }), "no family");
    check::that(refused([&] { PhotoCodec(codec.families(), {0, 1, 1}); }), "0");
}

}  // namespace

int main() {
    hashes();
    json_is_strict();
    images_pass_through_tiles();
    arguments_are_checked();
    streams_arrive_in_pieces();
    photographs_pass_and_arguments_are_checked();
    std::printf("checks: %d\n", check::done);
    return 0;
}
