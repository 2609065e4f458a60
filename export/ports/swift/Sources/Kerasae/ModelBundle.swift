/// A bundle, all of whose files are those that its manifest lists.
public struct ModelBundle: Sendable {
    public let manifest: Manifest
    private let files: [String: [UInt8]]

    /// Read and check all of a bundle, wherever it lies.
    ///
    /// - Parameter read: gives the content of a file by its name in the bundle, such as `golden/image.kae`;
    ///   it may refuse one that has more than `most` bytes, which the bundle does, too.
    /// - Throws: `KerasaeError.bundle` if the bundle is incomplete, damaged or inconsistent.
    public init(read: (_ name: String, _ most: Int) throws -> [UInt8]) throws {
        let manifest = try Manifest(parsing: read("manifest.json", maxManifestBytes))
        var files: [String: [UInt8]] = [:]
        for (name, listed) in manifest.files { files[name] = try read(name, listed.bytes) }
        try self.init(manifest: manifest, files: files)
    }

    /// Check files that are at hand; those of encoder and decoder at least.
    public init(manifest: Manifest, files: [String: [UInt8]]) throws {
        for part in [manifest.encoder, manifest.decoder] where files[part.file] == nil {
            throw KerasaeError.bundle("\(part.file) is missing from the bundle.")
        }
        for (name, content) in files {
            guard let listed = manifest.files[name], listed.bytes == content.count,
                listed.sha256 == sha256(content)
            else {
                throw KerasaeError.bundle("\(name) is not the file that manifest.json lists: its hash differs.")
            }
        }
        let decoder = files[manifest.decoder.file] ?? []
        if sha256(sha256(decoder) + Array(canonical(manifest.codec).utf8)) != manifest.hash {
            throw KerasaeError.bundle("manifest.json: `bundle_hash` does not match the decoder and the codec part.")
        }
        self.manifest = manifest
        self.files = files
    }

    /// The content of a file, such as that of `manifest.decoder.file`.
    public func file(_ name: String) throws -> [UInt8] {
        guard let content = files[name] else { throw KerasaeError.bundle("\(name) is not a file of the bundle.") }
        return content
    }
}
