import Foundation

@testable import Kerasae

/// What this code says of bytes: a line in, "WHICH KIND HEX", a line out. `benchmarks/ports.py` starts it with
/// a file that holds manifests, and families of photographs, beside the other languages.
struct Verdicts {
    private let codecs: [Codec]
    private let photographs: PhotoCodec

    init(_ file: URL) throws {
        let told = try Json.parse(bytes(file))
        let limits = Limits(maxPixels: told.whole("maxPixels"))
        codecs = try told.list("manifests").map { text in
            guard case .text(let content) = text else { fatalError("no text") }
            return try Codec(manifest: Manifest(parsing: content), limits: limits)
        }
        guard case .object(let families) = told["families"] else { fatalError("no families") }
        let sorted = families.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        photographs = try PhotoCodec(
            families: sorted.map { _, text in
                guard case .text(let content) = text else { fatalError("no text") }
                return try Family(parsing: content)
            }, limits: limits)
    }

    func run() {
        while let line = readLine() {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            let digits = words.count > 2 ? fromHex(words[2].utf8) : []
            print(verdict(Int(words[0])!, String(words[1]), digits))
            fflush(nil)
        }
    }

    private func verdict(_ which: Int, _ kind: String, _ data: [UInt8]) -> String {
        do {
            return try read(which, kind, data)
        } catch let error as KerasaeError {
            switch error {
            case .bundle: return "BundleError"
            case .corrupt: return "CorruptBitstreamError"
            case .version: return "BitstreamVersionError"
            case .otherBundle: return "BitstreamBundleError"
            case .limit: return "BitstreamLimitError"
            case .kind: return "BitstreamError"
            case .argument, .model: return "crash: \(error)"
            }
        } catch {
            return "crash: \(error)"
        }
    }

    private func read(_ which: Int, _ kind: String, _ data: [UInt8]) throws -> String {
        switch kind {
        case "manifest":
            _ = try Manifest(parsing: data)
            return "fine"
        case "photo":
            let (head, coded) = try photographs.unpack(data)
            let pixels = try photographs.decompress(data).data.count
            if pixels != 3 * head.height * head.width { return "crash: pixels" }
            let symbols = crc(coded.symbols.joined().map { Int32($0) })
            return "\(head.height)x\(head.width)q\(head.quality):\(symbols):\(crc(coded.classes.map { Int32($0) }))"
        case "stream":
            return try codecs[which].unpackMany(data).map(described).joined(separator: " ")
        default:
            return try described(codecs[which].unpack(data))
        }
    }

    private func described(_ image: Coded) -> String {
        "\(image.height)x\(image.width)q\(image.quality):\(crc(image.symbols))"
    }

    private func crc(_ values: [Int32]) -> UInt32 {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * values.count)
        for value in values { bytes.appendWord(UInt32(bitPattern: value)) }
        return crc32(Bytes(bytes))
    }
}
