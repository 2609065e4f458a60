// The codec with the ONNX models of a bundle: kerasae_onnx BUNDLE FILE writes the pixels of FILE to the
// standard output, after it has compressed them again.
#include <cstdio>

#include <kerasae/onnx.hpp>

int main(int count, char** words) {
    if (count != 3) return 2;
    try {
        const kerasae::Codec codec = kerasae::load_onnx_codec(words[1]);
        const std::filesystem::path file = words[2];
        const kerasae::ByteVector data = kerasae::detail::read_file(
            file.parent_path(), file.filename().string(), 1 << 20);
        const kerasae::Image image = codec.decompress(data);
        const kerasae::Image again = codec.decompress(codec.compress(image));
        if (again.height != image.height || again.width != image.width) return 1;
        std::fwrite(image.data.data(), 1, image.data.size(), stdout);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
