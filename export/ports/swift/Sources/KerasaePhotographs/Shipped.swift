import Foundation
import Kerasae

extension PhotoCodec {
    /// The codec of the families that ship, the newest first, which writes.
    public static func shipped(limits: Limits = Limits()) throws -> PhotoCodec {
        let families = try ["photo-2", "photo-1"].map { name in
            guard let file = Bundle.module.url(forResource: name, withExtension: "json") else {
                throw KerasaeError.bundle("\(name).json is missing from the resources.")
            }
            return try Family(parsing: [UInt8](Data(contentsOf: file)))
        }
        return try PhotoCodec(families: families, limits: limits)
    }
}

extension ModelBundle {
    /// Read and check a bundle's folder; links are not followed.
    public init(folder: URL) throws {
        try self.init { name, most in
            let file = folder.appendingPathComponent(name)
            let keys: Set<URLResourceKey> = [.isRegularFileKey, .isSymbolicLinkKey, .fileSizeKey]
            let found = try? file.resourceValues(forKeys: keys)
            let parent = try? file.deletingLastPathComponent().resourceValues(forKeys: [.isSymbolicLinkKey])
            let linked = name.contains("/") && parent?.isSymbolicLink == true
            guard let found, found.isRegularFile == true, found.isSymbolicLink != true, !linked else {
                throw KerasaeError.bundle("\(name) is missing from the bundle.")
            }
            if found.fileSize ?? 0 > most {
                throw KerasaeError.bundle("\(name) is larger than the \(most) bytes that it may have.")
            }
            return try [UInt8](Data(contentsOf: file))
        }
    }
}
