// A bundle's folder: its manifest and the files that it lists, checked against their hashes.
#pragma once

#include <filesystem>
#include <fstream>

#include "manifest.hpp"

namespace kerasae {

/// A bundle, all of whose files are those that its manifest lists.
struct Bundle {
    Manifest manifest;
    std::map<std::string, ByteVector> files;
};

namespace detail {

/// The content of a regular file of at most `most` bytes; links are not followed.
inline ByteVector read_file(const std::filesystem::path& path, const std::string& name,
                            std::uint64_t most) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path parent = (path / name).parent_path();
    if (fs::symlink_status(path / name, error).type() != fs::file_type::regular ||
        (name.find('/') != std::string::npos && fs::is_symlink(parent, error)))
        throw BundleError(name + " is missing from the bundle.");
    const std::uint64_t size = fs::file_size(path / name, error);
    if (error || size > most)
        throw BundleError(name + " is larger than the " + std::to_string(most) +
                          " bytes that it may have.");
    ByteVector content(static_cast<std::size_t>(size));
    std::ifstream file(path / name, std::ios::binary);
    file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(size));
    if (!file) throw BundleError(name + " cannot be read.");
    return content;
}

}  // namespace detail

/// Check that files are those that the manifest lists, and that its hash is that of the bundle.
///
/// @param files contents by name; those of encoder and decoder at least
inline void verify_files(const Manifest& manifest,
                         const std::map<std::string, ByteVector>& files) {
    for (const Part* part : {&manifest.encoder, &manifest.decoder})
        if (files.count(part->file) == 0)
            throw BundleError(part->file + " is missing from the bundle.");
    for (const auto& [name, content] : files) {
        const auto listed = manifest.files.find(name);
        if (listed == manifest.files.end() || listed->second.bytes != content.size() ||
            listed->second.sha256 != hex(sha256(content)))
            throw BundleError(name + " is not the file that manifest.json lists: its hash differs.");
    }
    if (bundle_hash(manifest.codec, files.at(manifest.decoder.file)) != manifest.bundle_hash)
        throw BundleError(
            "manifest.json: `bundle_hash` does not match the decoder and the codec part.");
}

/// Read and check all of a bundle.
///
/// @throws BundleError if it is incomplete, damaged or inconsistent
inline Bundle load_bundle(const std::filesystem::path& folder) {
    if (!std::filesystem::is_directory(folder))
        throw BundleError("A bundle is a folder. Received: " + folder.string());
    const ByteVector text = detail::read_file(folder, "manifest.json", max_manifest_bytes);
    Bundle bundle{
        parse_manifest({reinterpret_cast<const char*>(text.data()), text.size()}), {}};
    for (const auto& [name, listed] : bundle.manifest.files)
        bundle.files[name] = detail::read_file(folder, name, listed.bytes);
    verify_files(bundle.manifest, bundle.files);
    return bundle;
}

}  // namespace kerasae
