@preconcurrency import CoreGraphics
import Foundation
import Kerasae
import SwiftUI

/// A compressed picture as it looks, and how many bytes it takes; nothing of it changes.
struct Shown: @unchecked Sendable {
    let picture: CGImage
    let bytes: Int
}

/// The JPEG of as many bytes, away from the main actor.
private func jpegBeside(_ original: CGImage, bytes: Int) async throws -> Shown {
    let data = try bestJPEG(of: original, bytes: bytes)
    return Shown(picture: try readPicture(data), bytes: data.count)
}

/// What the screen shows, and what its buttons do.
@MainActor
final class KaeModel: ObservableObject {
    @Published private(set) var choices: [Choice] = [.photographs]
    @Published private(set) var choice: Choice = .photographs
    @Published private(set) var quality = PhotoCodec.defaultQuality
    @Published private(set) var working = false
    @Published private(set) var original: CGImage?
    @Published private(set) var kae: Shown?
    /// The JPEG of as many bytes; none for a file that was received.
    @Published private(set) var jpeg: Shown?
    @Published private(set) var message: String?
    /// The compressed picture as a file that can be shared.
    @Published private(set) var file: URL?

    private var codecs: Codecs?
    private var work: Task<Void, Never>?

    init() {
        perform { try await self.refresh() }
    }

    /// A picture was chosen or taken.
    func open(_ data: Data) {
        perform {
            self.original = try await Task.detached { try readPicture(data) }.value
            try await self.compress()
        }
    }

    func choose(_ choice: Choice) {
        self.choice = choice
        quality = choice == .photographs ? PhotoCodec.defaultQuality : choice.qualities
        perform { try await self.compress() }
    }

    func set(quality: Int) {
        self.quality = quality
        perform { try await self.compress() }
    }

    /// A `.kae` file was received, or a bundle's folder was chosen.
    func receive(_ url: URL) {
        perform {
            let scoped = url.startAccessingSecurityScopedResource()
            defer { if scoped { url.stopAccessingSecurityScopedResource() } }
            if url.hasDirectoryPath {
                let id = try await self.loaded().install(url)
                try await self.refresh()
                self.message = "Bundle \(id) was added."
                return
            }
            let data = try [UInt8](Data(contentsOf: url))
            let picture = try await self.loaded().decompress(data)
            (self.original, self.jpeg) = (nil, nil)
            self.kae = Shown(picture: picture, bytes: data.count)
            try self.keep(data)
        }
    }

    func tell(_ message: String) {
        self.message = message
    }

    private func loaded() throws -> Codecs {
        if let codecs { return codecs }
        let made = try Codecs()
        codecs = made
        return made
    }

    private func refresh() async throws {
        choices = try await loaded().choices()
    }

    private func compress() async throws {
        guard let original else { return }
        let codecs = try loaded()
        let data = try await codecs.compress(original, by: choice, quality: quality)
        let picture = try await codecs.decompress(data)
        let other = try await jpegBeside(original, bytes: data.count)
        (kae, jpeg) = (Shown(picture: picture, bytes: data.count), other)
        try keep(data)
    }

    private func keep(_ data: [UInt8]) throws {
        let target = FileManager.default.temporaryDirectory.appendingPathComponent("picture.kae")
        try Data(data).write(to: target)
        file = target
    }

    /// Do work in place of what is going on, and tell what goes wrong.
    private func perform(_ block: @escaping @MainActor () async throws -> Void) {
        let before = work
        before?.cancel()
        work = Task {
            await before?.value
            (working, message) = (true, nil)
            do {
                try await block()
            } catch is CancellationError {
                return
            } catch let error as KerasaeError {
                message = error.description
            } catch {
                message = "This did not work: \(error.localizedDescription)"
            }
            working = false
        }
    }
}
