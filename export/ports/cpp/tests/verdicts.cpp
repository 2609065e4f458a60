// What this code says of bytes: a line in, "WHICH KIND HEX", a line out. benchmarks/ports.py starts it
// with a file that holds manifests, and families of photographs, beside Python and JavaScript.
#include <iostream>
#include <iterator>
#include <kerasae/kerasae.hpp>

namespace {

using namespace kerasae;

template <class Values>
std::string crc_of(const Values& values) {
    ByteVector bytes;
    for (const auto value : values)
        append(bytes, detail::four_bytes(static_cast<std::uint32_t>(std::int32_t{value})));
    return std::to_string(crc32(bytes));
}

std::string described(std::uint64_t height, std::uint64_t width, std::uint32_t quality) {
    return std::to_string(height) + "x" + std::to_string(width) + "q" + std::to_string(quality) + ":";
}

ByteVector from_hex(const std::string& digits) {
    const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    ByteVector bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(16 * value(digits[i]) + value(digits[i + 1])));
    return bytes;
}

struct Readers {
    std::vector<Codec> codecs;
    std::vector<PhotoCodec> photographs;

    explicit Readers(const json::Value& told) {
        Limits limits;
        limits.max_pixels = static_cast<std::uint64_t>(
            *told.find("maxPixels")->as<json::Number>()->integer);
        for (const json::Value& text : *told.find("manifests")->as<json::Value::List>())
            codecs.emplace_back(parse_manifest(*text.as<std::string>()), nullptr, nullptr, limits);
        std::vector<Family> families;
        for (const json::Member& family : *told.find("families")->as<json::Value::Object>()) {
            const std::string& content = *family.value.as<std::string>();
            families.push_back(parse_family(
                {reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}));
        }
        photographs.emplace_back(families, limits);
    }

    std::string read(std::size_t which, const std::string& kind, Bytes data) const {
        if (kind == "photo") {
            PhotoHead head;
            const PhotoSymbols coded = photographs[0].unpack(data, head);
            const Image image = photographs[0].decompress(data);
            if (image.data.size() != 3 * head.height * head.width) return "crash: pixels";
            return described(head.height, head.width, head.quality) + crc_of(coded.symbols) + ":" +
                   crc_of(coded.classes);
        }
        if (kind == "manifest") {
            parse_manifest({reinterpret_cast<const char*>(data.data()), data.size()});
            return "fine";
        }
        std::vector<Coded> images;
        if (kind == "stream") images = codecs.at(which).unpack_many(data);
        else images.push_back(codecs.at(which).unpack(data));
        std::string said;
        for (const Coded& image : images)
            said += (said.empty() ? "" : " ") +
                    described(image.height, image.width, image.quality) + crc_of(image.symbols);
        return said;
    }

    std::string verdict(std::size_t which, const std::string& kind, Bytes data) const {
        try {
            return read(which, kind, data);
        } catch (const CorruptBitstreamError&) {
            return "CorruptBitstreamError";
        } catch (const BitstreamVersionError&) {
            return "BitstreamVersionError";
        } catch (const BitstreamBundleError&) {
            return "BitstreamBundleError";
        } catch (const BitstreamLimitError&) {
            return "BitstreamLimitError";
        } catch (const BitstreamError&) {
            return "BitstreamError";
        } catch (const BundleError&) {
            return "BundleError";
        } catch (const std::exception& error) {
            return std::string("crash: ") + error.what();
        }
    }
};

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) return 2;
    std::ifstream file(arguments[1], std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const Readers readers(json::parse(text));
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        std::size_t which = 0;
        std::string kind, digits;
        words >> which >> kind >> digits;
        std::cout << readers.verdict(which, kind, from_hex(digits)) << std::endl;
    }
    return 0;
}
