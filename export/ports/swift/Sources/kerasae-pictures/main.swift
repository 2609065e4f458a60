import Foundation
import Kerasae

// kerasae-pictures BUNDLE FOLDER [QUALITY]: each PNM picture of a folder to a `.kae` file, and rebuilt as `.out`.
// With a file `family.json` in place of the bundle it is a photograph.

struct Usage: Error {}

func content(_ file: URL) throws -> [UInt8] { try [UInt8](Data(contentsOf: file)) }

func readPnm(_ bytes: [UInt8]) throws -> Image {
    let words = bytes.prefix(40).split(maxSplits: 4) { $0 == 10 || $0 == 32 }
    guard words.count >= 4, let width = Int(String(decoding: words[1], as: UTF8.self)),
        let height = Int(String(decoding: words[2], as: UTF8.self))
    else { throw Usage() }
    let start = words[3].endIndex + 1
    return Image(data: Array(bytes[start...]), height: height, width: width)
}

let words = CommandLine.arguments
let source = URL(fileURLWithPath: words[1])
let folder = URL(fileURLWithPath: words[2])
let quality = words.count > 3 ? Int(words[3]) : nil
let photographs = source.pathExtension == "json" ? try PhotoCodec(families: [Family(parsing: content(source))]) : nil
let codec =
    photographs == nil
    ? try Codec(running: ModelBundle { name, _ in try content(source.appendingPathComponent(name)) }) : nil
let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    .filter { $0.hasSuffix(".pgm") || $0.hasSuffix(".ppm") }
for name in files {
    let file = folder.appendingPathComponent(name)
    let image = try readPnm(content(file))
    let data: [UInt8]
    let rebuilt: Image
    if let photographs {
        data = try photographs.compress(image, quality: quality ?? PhotoCodec.defaultQuality)
        rebuilt = try photographs.decompress(data)
    } else {
        data = try await codec!.compress(image, quality: quality)
        rebuilt = try await codec!.decompress(data)
    }
    let stem = file.deletingPathExtension()
    try Data(data).write(to: stem.appendingPathExtension("kae"))
    try Data(rebuilt.data).write(to: stem.appendingPathExtension("out"))
}
print("pictures: \(files.count)")
