import Foundation

@testable import Kerasae

/// What the conformance set does not hold: hashes, JSON, networks and tiles, arguments, memory.
struct Checks {
    let check: Check
    let family: [UInt8]  // the content of one that ships

    func run() async throws {
        try hashes()
        try jsonIsStrict()
        try await imagesPassThroughTiles()
        try await argumentsAreChecked()
        try await streamsArriveInPieces()
        try await photographsPass()
        try await workCanBeCancelled()
    }

    private func hashes() throws {
        func view(_ text: String) -> Bytes { Bytes(Array(text.utf8)) }
        try check.that(crc32(view("123456789")) == 0xCBF4_3926, "CRC-32 of nine digits")
        try check.that(crc32(view("12345"), view("6789")) == 0xCBF4_3926, "in two pieces")
        try check.that(
            hex(sha256([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "SHA-256 of nothing")
        try check.that(
            hex(sha256("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "SHA-256 of abc")
        try check.that(
            hex(sha256(repeatElement(97, count: 1_000_000)))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "SHA-256 of a million letters")
    }

    private func jsonIsStrict() throws {
        let good = [
            "0", "-0", "1.5e-3", "[]", "{}", " [1 , 2] ", "\"\\u00e9\\ud83d\\ude00\\n\"", "1e-400",
            "{\"a\":{\"a\":1},\"b\":[null,true,false]}", "123456789012345678901234567890",
            "{\"\\u00e9\":1,\"e\\u0301\":2}",
        ]
        for text in good { _ = try Json.parse(Array(text.utf8)) }
        let bad = [
            "", " ", "01", "+1", ".5", "1.", "1e", "--1", "0x1", "NaN", "Infinity", "1e400", "[1,]", "[1", "[1 2]",
            "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{\"a\":1,\"a\":2}", "\"", "\"\\x\"", "\"\\u12\"", "\"\\u+123\"",
            "\"\t\"", "nul", "truee", "1 2", "[1]]", "// x\n1", "'a'", "\u{FEFF}1",
            String(repeating: "[", count: 100_000), "\"\\", "-",
        ]
        let bytes = bad.map { Array($0.utf8) } + ["22ff22", "22c0af22", "22eda08022", "22f490808022", "22e28222"]
            .map { fromHex($0.utf8) }
        for text in bytes {
            let refused: Bool
            do {
                _ = try Json.parse(text)
                refused = false
            } catch is Json.ParseError {
                refused = true
            }
            try check.that(refused, String(decoding: text.prefix(40), as: UTF8.self))
        }
        try check.that(try Json.parse(Array("7.0".utf8)) == .number(7, integer: nil), "a fraction is no integer")
        try check.that(
            try Json.parse(Array("\"\\ud83d\\ude00\"".utf8)) == .text(Array("\u{1F600}".utf8)), "a pair")
    }

    /// A bundle with a grid of 4 x 6 cells of 2 x 2 pixels, margin 1, two qualities, three classes.
    private func grid(_ dtype: String, _ scale: String) throws -> Manifest {
        let edge = #""dtype":"\#(dtype)","scale":\#(scale),"zero_point":0}"#
        let image = #"{"shape":[1,8,12,1],\#(edge)"#
        let code = #"{"shape":[1,4,6,2],\#(edge)"#
        let table = #"{"frequencies":[1000,2000,1000,96],"offset":-1}"#
        let tables = repeatElement(table, count: 6).joined(separator: ",")
        let one = #"{"classes":3,"step":{"exponent":-1,"mantissas":[1,1]},"tables":[\#(tables)]}"#
        let hash = "\"" + String(repeating: "a", count: 64) + "\""
        let file = #"{"sha256":\#(hash),"bytes":1}"#
        let text = #"""
            {"format":"kerasae-bundle","format_version":1,"scheme":"int8","bundle_hash":\#(hash),"pixel_tolerance":1,
            "facts":{},"encoder":{"file":"e","input":\#(image),"output":\#(code)},
            "decoder":{"file":"d","input":\#(code),"output":\#(image)},"files":{"e":\#(file),"d":\#(file)},
            "codec":{"channels":1,"tile":[8,12],"layout":"grid","stride":2,"margin":1,"code_shape":[4,6,2],
            "codebook":0,"group":2,"table_bits":12,"qualities":[\#(one),\#(one)]}}
            """#
        return try Manifest(parsing: Array(text.utf8))
    }

    /// Gives those values of its input that a list names.
    private struct Picking: Model {
        let places: [Int]

        func run(_ input: Tensor) -> Tensor {
            switch input {
            case .levels(let data): return .levels(places.map { data[$0] })
            case .floats(let data): return .floats(places.map { data[$0] })
            case .indices(let data): return .indices(places.map { data[$0] })
            }
        }
    }

    private struct Broken: Model {
        let count: Int

        func run(_ input: Tensor) -> Tensor { .floats([Float](repeating: .nan, count: count)) }
    }

    /// A network that keeps the upper left and the lower right pixel of a cell, and one that fills the cell with
    /// them: images whose cells have one colour come back as they were.
    private func codec(_ manifest: Manifest) throws -> Codec {
        let corners = (0..<24).flatMap { cell -> [Int] in
            let at = 24 * (cell / 6) + 2 * (cell % 6)
            return [at, at + 13]
        }
        let filled = (0..<96).map { 2 * (6 * ($0 / 12 / 2) + $0 % 12 / 2) + $0 / 12 % 2 }
        return try Codec(manifest: manifest, encoder: Picking(places: corners), decoder: Picking(places: filled))
    }

    private func imagesPassThroughTiles() async throws {
        for (dtype, scale) in [("uint8", "0.5"), ("float32", "1")] {
            let codec = try codec(grid(dtype, scale))
            for (height, width) in [(1, 1), (8, 12), (9, 13), (31, 50), (2, 90)] {
                let data = (0..<height * width).map { i -> UInt8 in
                    (i / width / 2 * 7 + i % width / 2 * 3) % 2 != 0 ? 255 : 0
                }
                let image = Image(data: data, height: height, width: width)
                for quality in 1...2 {
                    let file = try await codec.compress(image, quality: quality)
                    try check.that(try await codec.decompress(file) == image, "an image passes")
                    try check.that(try codec.unpack(file).quality == quality, "quality")
                }
            }
        }
    }

    private func argumentsAreChecked() async throws {
        let codec = try codec(grid("uint8", "0.5"))
        let bare = try Codec(manifest: grid("uint8", "0.5"))
        let image = Image(data: [0, 0, 0, 0], height: 2, width: 2)
        func coded(_ count: Int, _ quality: Int) -> Coded {
            Coded(symbols: [Int32](repeating: 0, count: count), height: 2, width: 2, quality: quality)
        }
        func refused(_ what: String, _ call: () async throws -> Void) async throws {
            try await check.throwing(what, isArgument, call)
        }
        try await refused("too few bytes") {
            _ = try await codec.compress(Image(data: [0, 0, 0], height: 2, width: 2))
        }
        try await refused("no pixels") { _ = try await codec.compress(Image(data: [], height: 0, width: 2)) }
        try await refused("less") { _ = try await codec.compress(Image(data: [0], height: -1, width: -1)) }
        try await refused("quality 3") { _ = try await codec.compress(image, quality: 3) }
        try await refused("too many symbols") { _ = try codec.pack(coded(3, 1)) }
        try await refused("quality 0") { _ = try codec.pack(coded(2, 0)) }
        try await refused("no images") { _ = try codec.block(of: []) }
        try await refused("limits of 0") { _ = try Codec(manifest: grid("uint8", "0.5"), limits: Limits(maxPixels: 0)) }
        try await refused("no encoder") { _ = try await bare.compress(image) }
        try await refused("no decoder") { _ = try await bare.decode(coded(2, 1)) }
        let manifest = try grid("float32", "1")
        let wild = try Codec(manifest: manifest, encoder: Broken(count: 48), decoder: Broken(count: 96))
        let isModel: (KerasaeError) -> Bool = { if case .model = $0 { true } else { false } }
        try await check.throwing("not finite", isModel) { _ = try await wild.compress(image) }
        try check.that(try await wild.decode(coded(2, 1)).data == [0, 0, 0, 0], "not a number is 0")
        let short = try Codec(manifest: manifest, encoder: Broken(count: 47))
        try await check.throwing("too few values", isModel) { _ = try await short.compress(image) }
    }

    private func streamsArriveInPieces() async throws {
        let codec = try Codec(manifest: grid("uint8", "0.5"))
        var reader = codec.streamReader()
        let one = Coded(symbols: [0, 0], height: 2, width: 2, quality: 1)
        let data = try codec.packMany([Coded](repeating: one, count: 5))
        for byte in data.dropLast() {
            try reader.push([byte])
            if let block = try reader.next() { try check.that(block.count == 5, "a block") }
        }
        reader.finish()
        try await check.throwing("the end is missing", isCorrupt) { _ = try reader.next() }
        try await check.throwing("still", isCorrupt) { _ = try reader.next() }
        try await check.throwing("pushed too late", isArgument) { try reader.push([]) }
    }

    private func photographsPass() async throws {
        let codec = try PhotoCodec(families: [Family(parsing: family)])
        let image = Image(data: (0..<6000).map { UInt8($0 * $0 % 251) }, height: 40, width: 50)
        var data = try codec.compress(image, quality: 90)
        let (head, coded) = try codec.unpack(data)
        try check.that(head == PhotoHead(quality: 90, height: 40, width: 50), "the head")
        try check.that(try codec.pack(head, coded) == data, "symbols pass")
        func refused(_ what: String, _ call: () async throws -> Void) async throws {
            try await check.throwing(what, isArgument, call)
        }
        try await refused("quality 0") { _ = try codec.compress(image, quality: 0) }
        try await refused("quality 101") { _ = try codec.compress(image, quality: 101) }
        try await refused("too few bytes") { _ = try codec.compress(Image(data: [0], height: 2, width: 2)) }
        try await refused("other cells") { _ = try codec.pack(PhotoHead(quality: 50, height: 60, width: 70), coded) }
        try await refused("no family") { _ = try PhotoCodec(families: []) }
        data[3] ^= 1
        let isOther: (KerasaeError) -> Bool = { if case .otherBundle = $0 { true } else { false } }
        try await check.throwing("an unknown family", isOther) { _ = try codec.decompress(data) }
    }

    private func workCanBeCancelled() async throws {
        let codec = try PhotoCodec(families: [Family(parsing: family)])
        let image = Image(data: [UInt8](repeating: 0, count: 3_000_000), height: 1000, width: 1000)
        let work = Task.detached { try codec.compress(image) }
        work.cancel()
        let result = await work.result
        guard case .failure(let error) = result else { throw Failure(description: "compressing was not cancelled") }
        try check.that(error is CancellationError, "compressing is cancelled")
    }
}
