@preconcurrency import CoreGraphics
import Foundation
import Kerasae
import KerasaeApple
import KerasaePhotographs

/// A way to compress: that of photographs, or a bundle's by its id.
struct Choice: Hashable, Identifiable, Sendable {
    static let photographs = Choice(id: "photographs", name: "Photographs", qualities: 100)

    let id: String
    let name: String
    let qualities: Int
}

/// The codecs of the app: photographs, the bundle in its resources, and those that were added.
actor Codecs {
    private let store: URL
    private var opened: [String: Codec] = [:]
    private var shipped: PhotoCodec?

    init() throws {
        let support = try FileManager.default.url(
            for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
        store = support.appendingPathComponent("bundles")
        try FileManager.default.createDirectory(at: store, withIntermediateDirectories: true)
    }

    func choices() throws -> [Choice] {
        if let own = Bundle.main.url(forResource: "bundle", withExtension: nil), opened.isEmpty {
            let id = String(try ModelBundle(folder: own).manifest.bundleHash.prefix(4))
            if !FileManager.default.fileExists(atPath: store.appendingPathComponent(id).path) { _ = try install(own) }
        }
        let ids = try FileManager.default.contentsOfDirectory(atPath: store.path).sorted()
        let bundles = try ids.filter { $0.count == 4 }.map { id in
            Choice(id: id, name: "Bundle \(id)", qualities: try bundle(id).qualities)
        }
        return [.photographs] + bundles
    }

    func compress(_ picture: CGImage, by choice: Choice, quality: Int) async throws -> [UInt8] {
        if choice == .photographs { return try photographs().compress(Image(picture), quality: quality) }
        let codec = try bundle(choice.id)
        let image = try Image(picture, channels: codec.manifest.codec.channels)
        return try await codec.compress(image, quality: quality)
    }

    /// The picture of a file, by the codec that it names.
    func decompress(_ data: [UInt8]) async throws -> CGImage {
        let id = try FileId(of: data)
        if id.version != 1 { return try photographs().decompress(data).picture() }
        guard FileManager.default.fileExists(atPath: store.appendingPathComponent(id.id).path) else {
            throw KerasaeError.otherBundle("The file was made with bundle \(id.id); add that bundle to see it.")
        }
        return try await bundle(id.id).decompress(data).picture()
    }

    /// Keep a bundle, a folder, after it was checked; its id.
    func install(_ folder: URL) throws -> String {
        let id = String(try ModelBundle(folder: folder).manifest.bundleHash.prefix(4))
        let target = store.appendingPathComponent(id)
        let unfinished = store.appendingPathComponent("\(id).new")
        try? FileManager.default.removeItem(at: unfinished)
        try FileManager.default.copyItem(at: folder, to: unfinished)
        try? FileManager.default.removeItem(at: target)
        try FileManager.default.moveItem(at: unfinished, to: target)
        opened[id] = nil
        return id
    }

    private func photographs() throws -> PhotoCodec {
        if let shipped { return shipped }
        let made = try PhotoCodec.shipped()
        shipped = made
        return made
    }

    private func bundle(_ id: String) throws -> Codec {
        if let codec = opened[id] { return codec }
        let made = try Codec(folder: store.appendingPathComponent(id))
        opened[id] = made
        return made
    }
}
