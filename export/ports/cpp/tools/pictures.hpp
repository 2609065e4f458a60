// Pictures as files: PGM and PPM, and PNG by libpng where it is there. Eight bits, grey or RGB.
#pragma once

#include <cstdio>
#include <kerasae/kerasae.hpp>

#ifdef KAETOOL_PNG
#include <png.h>
#endif

namespace pictures {

using kerasae::ByteVector;
using kerasae::Image;

struct PictureError : std::runtime_error {
    using runtime_error::runtime_error;
};

inline constexpr std::uint64_t most_pixels = std::uint64_t{1} << 26;

namespace detail {

struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

inline File open(const std::string& path, const char* mode) {
    File file(std::fopen(path.c_str(), mode));
    if (!file) throw PictureError(path + " cannot be opened.");
    return file;
}

/// Make room for a picture of a size that a file claims.
inline Image room(const std::string& path, std::uint64_t height, std::uint64_t width,
                  std::uint32_t channels) {
    if (height < 1 || width < 1 || height > most_pixels || width > most_pixels ||
        height * width > most_pixels)
        throw PictureError(path + " must have 1 to 2^26 pixels.");
    return {ByteVector(static_cast<std::size_t>(height * width * channels)), height, width};
}

inline std::uint64_t header_number(std::FILE* file, const std::string& path) {
    int c = std::fgetc(file);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF) c = std::fgetc(file);
        c = std::fgetc(file);
    }
    std::uint64_t value = 0;
    int digits = 0;
    for (; c >= '0' && c <= '9' && digits < 10; c = std::fgetc(file), ++digits)
        value = 10 * value + static_cast<std::uint64_t>(c - '0');
    if (digits == 0 || digits == 10) throw PictureError(path + " is no PGM or PPM file.");
    return value;  // and the white space behind it is gone
}

inline Image read_pnm(const std::string& path, std::uint32_t channels) {
    const File file = open(path, "rb");
    const int p = std::fgetc(file.get()), kind = std::fgetc(file.get());
    if (p != 'P' || kind != (channels == 1 ? '5' : '6'))
        throw PictureError(path + (channels == 1 ? " must be a PGM file (P5)."
                                                 : " must be a PPM file (P6)."));
    const std::uint64_t width = header_number(file.get(), path);
    const std::uint64_t height = header_number(file.get(), path);
    if (header_number(file.get(), path) != 255)
        throw PictureError(path + " must have 255 as its largest value.");
    Image image = room(path, height, width, channels);
    if (std::fread(image.data.data(), 1, image.data.size(), file.get()) != image.data.size())
        throw PictureError(path + " is truncated.");
    return image;
}

inline void write_pnm(const std::string& path, const Image& image, std::uint32_t channels) {
    const File file = open(path, "wb");
    std::fprintf(file.get(), "P%c\n%llu %llu\n255\n", channels == 1 ? '5' : '6',
                 static_cast<unsigned long long>(image.width),
                 static_cast<unsigned long long>(image.height));
    if (std::fwrite(image.data.data(), 1, image.data.size(), file.get()) != image.data.size() ||
        std::fflush(file.get()) != 0)
        throw PictureError(path + " cannot be written.");
}

#ifdef KAETOOL_PNG

/// libpng leaves by longjmp, so what it calls back and what lives here has no destructor.
struct Reading {
    png_structp png = nullptr;
    png_infop info = nullptr;
    ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};
struct Writing {
    png_structp png = nullptr;
    png_infop info = nullptr;
    ~Writing() { png_destroy_write_struct(&png, &info); }
};

inline void quiet(png_structp, png_const_charp) {}

inline bool read_png_info(const Reading& reading, std::FILE* file) {
    if (setjmp(png_jmpbuf(reading.png)) != 0) return false;
    png_init_io(reading.png, file);
    png_read_info(reading.png, reading.info);
    return true;
}

inline bool read_png_rows(const Reading& reading, png_bytepp rows) {
    if (setjmp(png_jmpbuf(reading.png)) != 0) return false;
    png_set_interlace_handling(reading.png);
    png_read_update_info(reading.png, reading.info);
    png_read_image(reading.png, rows);
    png_read_end(reading.png, nullptr);
    return true;
}

inline bool write_png_rows(const Writing& writing, std::FILE* file, const Image& image,
                           std::uint32_t channels, png_bytepp rows) {
    if (setjmp(png_jmpbuf(writing.png)) != 0) return false;
    png_init_io(writing.png, file);
    png_set_IHDR(writing.png, writing.info, static_cast<png_uint_32>(image.width),
                 static_cast<png_uint_32>(image.height), 8,
                 channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writing.png, writing.info);
    png_write_image(writing.png, rows);
    png_write_end(writing.png, nullptr);
    return true;
}

inline std::vector<png_bytep> rows_of(Image& image, std::uint32_t channels) {
    std::vector<png_bytep> rows;
    for (std::uint64_t y = 0; y < image.height; ++y)
        rows.push_back(image.data.data() + static_cast<std::size_t>(y * image.width * channels));
    return rows;
}

inline Image read_png(const std::string& path, std::uint32_t channels) {
    const File file = open(path, "rb");
    Reading reading;
    reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, quiet);
    reading.info = reading.png == nullptr ? nullptr : png_create_info_struct(reading.png);
    if (reading.info == nullptr) throw std::bad_alloc();
    if (!read_png_info(reading, file.get())) throw PictureError(path + " is no PNG file.");
    const int colour = channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
    if (png_get_bit_depth(reading.png, reading.info) != 8 ||
        png_get_color_type(reading.png, reading.info) != colour)
        throw PictureError(path + " must be a PNG file of 8 bits, " +
                           (channels == 1 ? "grey" : "RGB") + ", without alpha or palette.");
    Image image = room(path, png_get_image_height(reading.png, reading.info),
                       png_get_image_width(reading.png, reading.info), channels);
    std::vector<png_bytep> rows = rows_of(image, channels);
    if (!read_png_rows(reading, rows.data())) throw PictureError(path + " is damaged.");
    return image;
}

inline void write_png(const std::string& path, Image& image, std::uint32_t channels) {
    const File file = open(path, "wb");
    Writing writing;
    writing.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, quiet);
    writing.info = writing.png == nullptr ? nullptr : png_create_info_struct(writing.png);
    if (writing.info == nullptr) throw std::bad_alloc();
    std::vector<png_bytep> rows = rows_of(image, channels);
    if (!write_png_rows(writing, file.get(), image, channels, rows.data()) ||
        std::fflush(file.get()) != 0)
        throw PictureError(path + " cannot be written.");
}

#endif

inline bool is_png(const std::string& path) {
    const bool named = path.size() > 4 && path.substr(path.size() - 4) == ".png";
#ifndef KAETOOL_PNG
    if (named) throw PictureError("This kaetool was built without PNG: use PGM or PPM.");
#endif
    return named;
}

}  // namespace detail

/// Read a picture of so many channels.
inline Image read(const std::string& path, std::uint32_t channels) {
#ifdef KAETOOL_PNG
    if (detail::is_png(path)) return detail::read_png(path, channels);
#else
    detail::is_png(path);
#endif
    return detail::read_pnm(path, channels);
}

/// Write a picture of so many channels.
inline void write(const std::string& path, Image& image, std::uint32_t channels) {
#ifdef KAETOOL_PNG
    if (detail::is_png(path)) return detail::write_png(path, image, channels);
#else
    detail::is_png(path);
#endif
    detail::write_pnm(path, image, channels);
}

}  // namespace pictures
