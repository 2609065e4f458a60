// `manifest.json` is untrusted input: every field is checked, errors name the field (FORMAT.md, 1).

let maxManifestBytes = 16 << 20
private let maxSide = 8192
private let maxValues = 1 << 24
private let maxTables = 1 << 16
private let maxFiles = 64
private let maxBundleBytes = 1 << 30
let maxEntries = 2049
let total = 4096  // sum of the frequencies of a table

/// The schemes of each version of the format.
private let schemesOf = [1: ["float32", "float16", "dynamic", "int8"], 2: ["int16x8", "mixed"]]

extension Manifest {
    /// Parse and check the content of `manifest.json`; throws `KerasaeError.bundle` if a field breaks its rule.
    public init(parsing content: [UInt8]) throws {
        let root = try Fields(parsing: content, file: "manifest.json", most: maxManifestBytes)
        if try root.text("format") != "kerasae-bundle" { throw root.failure("format", "`kerasae-bundle`") }
        let version = try root.int("format_version", 0...(1 << 31))
        guard let schemes = schemesOf[version] else {
            throw KerasaeError.bundle("manifest.json is of format version \(version); this code reads 1 and 2.")
        }
        scheme = try root.text("scheme")
        if !schemes.contains(scheme) {
            throw root.failure("scheme", "one of \(schemes.joined(separator: ", ")) in format version \(version)")
        }
        hash = try root.digest("bundle_hash")
        pixelTolerance = try root.int("pixel_tolerance", 0...255)
        codec = try CodecSpec(root.fields("codec"))
        encoder = try readPart(root.fields("encoder"))
        decoder = try readPart(root.fields("decoder"))
        files = try readFiles(root.fields("files"))
        _ = try root.fields("facts")
        try checkParts(root)
    }

    private func checkParts(_ root: Fields) throws {
        let image = [1, codec.tileHeight, codec.tileWidth, codec.channels]
        let code = codec.codeEdge
        let indices = codec.codebook > 0
        for (edge, name, shape, indices) in [
            (encoder.input, "encoder.input", image, false), (encoder.output, "encoder.output", code, indices),
            (decoder.input, "decoder.input", code, indices), (decoder.output, "decoder.output", image, false),
        ] {
            if edge.shape != shape { throw root.refusal("`\(name).shape` must be as `codec` says.") }
            if (edge.dtype == .int32) != indices {
                throw root.refusal("`\(name).dtype` must be \(indices ? "int32." : "float32 or uint8.")")
            }
        }
        let both = encoder.file == decoder.file
        for (part, name, signature) in [(encoder, "encoder", "encode"), (decoder, "decoder", "decode")] {
            if files[part.file] == nil { throw root.refusal("`files` must list \"\(part.file)\".") }
            if part.signature != (both ? signature : nil) {
                throw root.refusal(
                    "`\(name).signature` must be `\(signature)` if encoder and decoder are of one file, "
                        + "and missing if they are not.")
            }
        }
    }
}

extension CodecSpec {
    fileprivate init(_ fields: Fields) throws {
        try fields.only([
            "channels", "code_shape", "codebook", "group", "layout", "margin", "qualities", "stride",
            "table_bits", "tile",
        ])
        channels = try fields.int("channels", 1...3)
        if channels == 2 { throw fields.failure("channels", "1 or 3") }
        _ = try fields.int("table_bits", 12...12)
        let tile = try fields.ints("tile", 1...maxSide, 2...2)
        (tileHeight, tileWidth) = (tile[0], tile[1])
        codeShape = try fields.ints("code_shape", 1...maxValues, 1...4)
        var values = 1
        for size in codeShape {
            values *= size
            if values > maxValues { throw fields.failure("code_shape", "of at most 2^24 values") }
        }
        codebook = try fields.int("codebook", 0...maxValues)
        let last = codeShape[codeShape.count - 1]
        guard let layout = Layout(rawValue: try fields.text("layout")) else {
            throw fields.failure("layout", "`grid` or `blocks`")
        }
        self.layout = layout
        stride = try fields.int("stride", 1...maxSide)
        margin = try fields.int("margin", 0...maxSide)
        group = try fields.int("group", 1...maxSide)
        var fits = stride == 1 && margin == 0 && group == 1
        if layout == .grid {
            fits = codeShape.count == 3
            for i in 0..<2 where fits { fits = tile[i] == codeShape[i] * stride && codeShape[i] > 2 * margin }
        }
        if !fits { throw fields.failure("layout", "such that the other sizes agree with it") }
        var tables = 0
        var qualities: [Quality] = []
        let codebook = self.codebook
        try fields.each("qualities", 1...(codebook > 0 ? 1 : 64)) { each in
            qualities.append(try readQuality(each, layout, last, codebook))
            tables += qualities[qualities.count - 1].tables.count
            if tables > maxTables { throw fields.failure("qualities", "of at most \(maxTables) tables") }
        }
        self.qualities = qualities
    }
}

private func readQuality(
    _ fields: Fields, _ layout: CodecSpec.Layout, _ channels: Int, _ codebook: Int
) throws -> Quality {
    try fields.only(["classes", "step", "tables"])
    let classes = try fields.int("classes", 1...(layout == .grid ? 64 : 1))
    let step = try fields.fields("step")
    try step.only(["exponent", "mantissas"])
    let exponent = try step.int("exponent", -149...104)
    let mantissas = try step.ints("mantissas", 1...maxValues - 1, channels...channels)
    if codebook > 0 && (exponent != 0 || !mantissas.allSatisfy({ $0 == 1 })) {
        throw fields.failure("step", "1 where there is a codebook")
    }
    let count = classes * channels
    if count > maxTables { throw fields.failure("classes", "such that there are at most \(maxTables) tables") }
    var tables: [Table] = []
    try fields.each("tables", count...count) { each in
        try each.only(["frequencies", "offset"])
        let offset = try each.int("offset", -(1 << 30)...(1 << 30))
        tables.append(Table(offset: offset, frequencies: try readFrequencies(each)))
    }
    return Quality(exponent: exponent, mantissas: mantissas, classes: classes, tables: tables)
}

func readFrequencies(_ fields: Fields) throws -> [Int] {
    let frequencies = try fields.ints("frequencies", 1...total, 2...maxEntries)
    if frequencies.reduce(0, +) != total { throw fields.failure("frequencies", "of the sum \(total)") }
    return frequencies
}

private func readPart(_ fields: Fields) throws -> Part {
    let file = try fileName(fields.bytes("file"), fields)
    let signature = fields.has("signature") ? try fields.text("signature") : nil
    return Part(
        file: file, input: try readEdge(fields.fields("input")), output: try readEdge(fields.fields("output")),
        signature: signature)
}

private func readEdge(_ fields: Fields) throws -> Edge {
    let shape = try fields.ints("shape", 1...maxValues, 1...8)
    guard let dtype = Edge.DType(rawValue: try fields.text("dtype")) else {
        throw fields.failure("dtype", "`float32`, `uint8` or `int32`")
    }
    let scale = try fields.positive("scale")
    return Edge(shape: shape, dtype: dtype, scale: scale, zeroPoint: try fields.int("zero_point", 0...255))
}

private func readFiles(_ fields: Fields) throws -> [String: ListedFile] {
    if fields.members.count > maxFiles { throw fields.refusal("`files` must list at most \(maxFiles) files.") }
    var files: [String: ListedFile] = [:]
    for bytes in fields.members.keys {
        let name = try fileName(bytes, fields)
        let entry = try fields.fields(name)
        files[name] = ListedFile(sha256: try entry.digest("sha256"), bytes: try entry.int("bytes", 0...maxBundleBytes))
    }
    let all = files.values.reduce(0) { $0 + $1.bytes }
    if all > maxBundleBytes {
        throw fields.refusal("`files` must have at most \(maxBundleBytes) bytes in all. Received: \(all)")
    }
    return files
}

/// Names stay inside the bundle: plain characters, at most one folder deep.
private func fileName(_ name: [UInt8], _ fields: Fields) throws -> String {
    let parts = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let good = parts.allSatisfy { part in
        part.first != nil && part.first != UInt8(ascii: ".") && part.allSatisfy(isPlain)
    }
    if name.count > 120 || parts.count > 2 || !good {
        throw fields.refusal("files must be inside the bundle. Received: \(Json.text(name).brief)")
    }
    return String(decoding: name, as: UTF8.self)
}

private func isPlain(_ letter: UInt8) -> Bool {
    switch Unicode.Scalar(letter) {
    case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": return true
    default: return false
    }
}

/// The canonical JSON of a codec part: sorted names, no white space.
func canonical(_ spec: CodecSpec) -> String {
    func list(_ values: [Int]) -> String { "[" + values.map(String.init).joined(separator: ",") + "]" }
    let qualities = spec.qualities.map { quality -> String in
        let tables = quality.tables.map { "{\"frequencies\":\(list($0.frequencies)),\"offset\":\($0.offset)}" }
        return "{\"classes\":\(quality.classes),\"step\":{\"exponent\":\(quality.exponent),"
            + "\"mantissas\":\(list(quality.mantissas))},\"tables\":[\(tables.joined(separator: ","))]}"
    }
    return "{\"channels\":\(spec.channels),\"code_shape\":\(list(spec.codeShape)),\"codebook\":\(spec.codebook),"
        + "\"group\":\(spec.group),\"layout\":\"\(spec.layout.rawValue)\",\"margin\":\(spec.margin),"
        + "\"qualities\":[\(qualities.joined(separator: ","))],\"stride\":\(spec.stride),\"table_bits\":12,"
        + "\"tile\":\(list([spec.tileHeight, spec.tileWidth]))}"
}
