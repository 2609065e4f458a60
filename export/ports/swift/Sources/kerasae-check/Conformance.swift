import Foundation

@testable import Kerasae

/// Runs the conformance set, as its README says.
struct Conformance {
    let root: URL
    let check: Check
    let index: Json

    init(_ root: URL, _ check: Check) throws {
        self.root = root
        self.check = check
        index = try Json.parse(bytes(root.appendingPathComponent("index.json")))
    }

    func run() throws {
        try manifests()
        try files()
        try values()
        try spans()
        try photographs(families())
    }

    private func content(_ name: String) throws -> [UInt8] { try bytes(root.appendingPathComponent(name)) }

    private func each(_ list: String, _ run: (Json) throws -> Void) throws {
        let cases = index.list(list)
        try cases.forEach(run)
        print("\(list): \(cases.count)")
    }

    private func manifests() throws {
        try each("manifests") { entry in
            let good = try isGood { _ = try Manifest(parsing: content(entry.text("file"))) }
            try check.that(good == (entry["section"] == nil), entry.text("name"))
        }
    }

    private func isGood(_ read: () throws -> Void) throws -> Bool {
        do {
            try read()
            return true
        } catch KerasaeError.bundle {
            return false
        }
    }

    private func files() throws {
        var manifests: [String: Manifest] = [:]
        for bundle in index.list("bundles") {
            let folder = bundle.text("folder")
            let loaded = try ModelBundle { name, _ in try content("\(folder)/\(name)") }
            try check.that(loaded.manifest.bundleHash == bundle.text("bundle_hash"), "bundle hash")
            manifests[bundle.text("name")] = loaded.manifest
        }
        try each("files") { entry in
            let name = entry.text("name")
            let codec = try Codec(manifest: manifests[entry.text("bundle")]!, limits: limits(entry))
            let data = try content(entry.text("file"))
            let stream = entry.text("kind") == "stream"
            var images: [Coded] = []
            let found = try refusal { images = stream ? try codec.unpackMany(data) : [try codec.unpack(data)] }
            try check.that(found == (entry["error"] == nil ? nil : entry.text("error")), "\(name): \(found ?? "good")")
            for piece in [1, 7, 100_000] where stream && (piece > 1 || data.count <= 5000) {
                var again: [Coded] = []
                let word = try refusal { again = try arriving(codec, data, piece) }
                try check.that(word == found && (word != nil || again == images), "\(name): while it arrives")
            }
            if found == nil { try good(codec, entry, images, data) }
        }
    }

    private func limits(_ entry: Json) -> Limits {
        var limits = Limits()
        if let value = entry["limits"]?["max_pixels"] { limits.maxPixels = value.whole }
        if let value = entry["limits"]?["max_images"] { limits.maxImages = value.whole }
        if let value = entry["limits"]?["max_expansion"] { limits.maxExpansion = value.whole }
        return limits
    }

    private func refusal(_ read: () throws -> Void) throws -> String? {
        do {
            try read()
            return nil
        } catch KerasaeError.corrupt {
            return "corrupt"
        } catch KerasaeError.version {
            return "version"
        } catch KerasaeError.otherBundle {
            return "bundle"
        } catch KerasaeError.limit {
            return "limit"
        } catch KerasaeError.kind {
            return "other"
        }
    }

    private func arriving(_ codec: Codec, _ data: [UInt8], _ piece: Int) throws -> [Coded] {
        var reader = codec.streamReader()
        var images: [Coded] = []
        for at in stride(from: 0, to: data.count, by: piece) {
            try reader.push(data[at..<min(at + piece, data.count)])
            while let block = try reader.next() { images += try codec.unpack(block) }
        }
        reader.finish()
        while let block = try reader.next() { images += try codec.unpack(block) }
        return images
    }

    private func good(_ codec: Codec, _ entry: Json, _ images: [Coded], _ data: [UInt8]) throws {
        let name = entry.text("name")
        let kept = try content(entry.text("symbols"))
        var at = 0
        var rest = images[...]
        for group in entry.list("images") {
            for _ in 0..<group.whole("count") {
                guard let image = rest.popFirst() else { throw Failure(description: "\(name): number of images") }
                try check.that(image.height == group.whole("height"), "\(name): height")
                try check.that(image.width == group.whole("width"), "\(name): width")
                try check.that(image.quality == group.whole("quality"), "\(name): quality")
                var equal = true
                for symbol in image.symbols {
                    var word: [UInt8] = []
                    word.appendWord(UInt32(bitPattern: symbol))
                    equal = equal && word[...] == kept[at..<at + 4]
                    at = (at + 4) % kept.count
                }
                try check.that(equal, "\(name): symbols")
            }
        }
        try check.that(rest.isEmpty, "\(name): number of images")
        let written = entry.text("kind") == "stream" ? try codec.packMany(images) : try codec.pack(images[0])
        try check.that(written == data, "\(name): written")
    }

    private func values() throws {
        try each("values") { entry in
            let outputs = entry.list("outputs")
            let dtype = Edge.DType(rawValue: entry.text("dtype"))!
            let edge = Edge(
                shape: [outputs.count], dtype: dtype, scale: entry["scale"]!.real, zeroPoint: entry.whole("zero_point"))
            let inputs = held(edge.tensor((0..<256).map { Double($0) / 255 }))
            try check.that(inputs == entry.list("inputs").map(\.real), "inputs")
            let given: Tensor =
                dtype == .uint8 ? .levels(outputs.map { UInt8($0.whole) }) : .floats(outputs.map { Float($0.real) })
            try check.that(edge.pixels(given).map { Int($0) } == entry.list("pixels").map(\.whole), "pixels")
            for step in entry.list("steps") {
                let mantissa = step["mantissa"]!.real
                let size = Double(sign: .plus, exponent: step.whole("exponent"), significand: mantissa)
                let symbols = try edge.values(given).map { Int(try symbolOf($0, size)) }
                try check.that(symbols == step.list("symbols").map(\.whole), "symbols")
                let sample = held(edge.tensor(step.list("sample").map { $0.real * size }))
                try check.that(sample == step.list("sample_inputs").map(\.real), "sample inputs")
            }
        }
    }

    private func held(_ tensor: Tensor) -> [Double] {
        switch tensor {
        case .levels(let data): return data.map { Double($0) }
        case .floats(let data): return data.map { Double($0) }
        case .indices(let data): return data.map { Double($0) }
        }
    }

    private func spans() throws {
        try each("spans") { entry in
            let found = Kerasae.spans(entry.whole("cells"), entry.whole("tile"), entry.whole("margin"))
            let expected = entry.list("spans").map { span -> TileSpan in
                guard case .list(let items) = span else { fatalError("no list") }
                return TileSpan(origin: items[0].whole, start: items[1].whole, stop: items[2].whole)
            }
            try check.that(found == expected, "spans")
        }
    }

    private func families() throws -> [String: Family] {
        var families: [String: Family] = [:]
        try each("families") { entry in
            let name = entry.text("name")
            let good = try isGood {
                let family = try Family(parsing: content(entry.text("file")))
                if entry["family_hash"] != nil {
                    try check.that(hex(family.hash) == entry.text("family_hash"), "\(name): hash")
                    families[name] = family
                }
            }
            try check.that(good == (entry["section"] == nil), name)
        }
        return families
    }

    private func photographs(_ families: [String: Family]) throws {
        try each("photographs") { entry in
            let codec = try PhotoCodec(families: [families[entry.text("family")]!], limits: limits(entry))
            let data = try content(entry.text("file"))
            let found = try refusal { _ = try codec.decompress(data) }
            let expected = entry["error"] == nil ? nil : entry.text("error")
            try check.that(found == expected, "\(entry.text("name")): \(found ?? "good")")
            if found == nil { try photograph(codec, entry, data) }
        }
    }

    private func photograph(_ codec: PhotoCodec, _ entry: Json, _ data: [UInt8]) throws {
        let name = entry.text("name")
        let (head, coded) = try codec.unpack(data)
        try check.that(try head == PhotoHead(of: data), "\(name): head")
        try check.that(head.height == entry.whole("height"), "\(name): height")
        try check.that(head.width == entry.whole("width"), "\(name): width")
        try check.that(head.quality == entry.whole("quality"), "\(name): quality")
        let symbols = coded.symbols.joined().flatMap { symbol in
            [UInt8(truncatingIfNeeded: symbol), UInt8(truncatingIfNeeded: symbol >> 8)]
        }
        try check.that(hex(sha256(symbols)) == entry.text("symbols"), "\(name): symbols")
        try check.that(hex(sha256(coded.classes)) == entry.text("classes"), "\(name): classes")
        try check.that(try (codec.pack(head, coded) == data) == (entry["written"] == .flag(true)), "\(name): written")
        let rebuilt = try codec.decompress(data)
        try check.that(rebuilt.data.count == 3 * head.height * head.width, "\(name): pixels")
        if entry["image"] == nil { return }
        let pixels = try content(entry.text("pixels"))
        let close = zip(rebuilt.data, pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 }
        try check.that(close, "\(name): pixels")
        let image = Image(data: try content(entry.text("image")), height: head.height, width: head.width)
        try check.that(try codec.compress(image, quality: head.quality) == data, "\(name): compressed")
    }
}
