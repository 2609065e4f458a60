package kerasae

// `manifest.json` is untrusted input: every field is checked, errors name the field (FORMAT.md, 1).

internal const val MAX_MANIFEST_BYTES = 16 shl 20
private const val MAX_SIDE = 8192
private const val MAX_VALUES = 1 shl 24
private const val MAX_TABLES = 1 shl 16
private const val MAX_FILES = 64
private const val MAX_BUNDLE_BYTES = 1L shl 30
internal const val MAX_ENTRIES = 2049
internal const val TOTAL = 4096 // sum of the frequencies of a table

/** The schemes of each version of the format. */
private val SCHEMES = mapOf(
    1 to listOf("float32", "float16", "dynamic", "int8"),
    2 to listOf("int16x8", "mixed"),
)

internal fun parseManifest(content: ByteArray): Manifest {
    val root = fieldsOf(content, "manifest.json", MAX_MANIFEST_BYTES)
    if (root.text("format") != "kerasae-bundle") root.fail("format", "`kerasae-bundle`")
    val version = root.int("format_version", 0..Int.MAX_VALUE)
    val schemes = SCHEMES[version]
        ?: throw BundleError("manifest.json is of format version $version; this code reads 1 and 2.")
    val scheme = root.text("scheme")
    if (scheme !in schemes) {
        root.fail("scheme", "one of ${schemes.joinToString()} in format version $version")
    }
    val manifest = Manifest(
        scheme = scheme,
        hash = fromHex(root.digest("bundle_hash")),
        pixelTolerance = root.int("pixel_tolerance", 0..255),
        codec = readCodec(root.fields("codec")),
        encoder = readPart(root.fields("encoder")),
        decoder = readPart(root.fields("decoder")),
        files = readFiles(root.fields("files")),
    )
    root.fields("facts")
    checkParts(manifest, root)
    return manifest
}

private fun readCodec(fields: Fields): CodecSpec {
    fields.only(
        "channels", "code_shape", "codebook", "group", "layout", "margin", "qualities", "stride", "table_bits", "tile",
    )
    val channels = fields.int("channels", 1..3)
    if (channels == 2) fields.fail("channels", "1 or 3")
    fields.int("table_bits", 12..12)
    val tile = fields.ints("tile", 1..MAX_SIDE, 2..2)
    val shape = fields.ints("code_shape", 1..MAX_VALUES, 1..4).toList()
    shape.fold(1L) { values, size ->
        if (values * size > MAX_VALUES) fields.fail("code_shape", "of at most 2^24 values")
        values * size
    }
    val codebook = fields.int("codebook", 0..MAX_VALUES)
    val layout = when (fields.text("layout")) {
        "grid" -> LayoutKind.GRID
        "blocks" -> LayoutKind.BLOCKS
        else -> fields.fail("layout", "`grid` or `blocks`")
    }
    val stride = fields.int("stride", 1..MAX_SIDE)
    val margin = fields.int("margin", 0..MAX_SIDE)
    val group = fields.int("group", 1..MAX_SIDE)
    val fits = when (layout) {
        LayoutKind.BLOCKS -> stride == 1 && margin == 0 && group == 1
        LayoutKind.GRID -> shape.size == 3 &&
            (0..1).all { tile[it].toLong() == shape[it].toLong() * stride && shape[it] > 2 * margin }
    }
    if (!fits) fields.fail("layout", "such that the other sizes agree with it")
    var tables = 0
    val qualities = fields.each("qualities", 1..if (codebook > 0) 1 else 64).map { each ->
        readQuality(each, layout, shape.last(), codebook).also {
            tables += it.tables.size
            if (tables > MAX_TABLES) fields.fail("qualities", "of at most $MAX_TABLES tables")
        }
    }.toList()
    return CodecSpec(channels, tile[0], tile[1], layout, stride, margin, shape, codebook, group, qualities)
}

private fun readQuality(fields: Fields, layout: LayoutKind, channels: Int, codebook: Int): Quality {
    fields.only("classes", "step", "tables")
    val classes = fields.int("classes", 1..if (layout == LayoutKind.GRID) 64 else 1)
    val step = fields.fields("step")
    step.only("exponent", "mantissas")
    val exponent = step.int("exponent", -149..104)
    val mantissas = step.ints("mantissas", 1..MAX_VALUES - 1, channels..channels)
    if (codebook > 0 && (exponent != 0 || mantissas.any { it != 1 })) fields.fail("step", "1 where there is a codebook")
    val count = classes.toLong() * channels
    if (count > MAX_TABLES) fields.fail("classes", "such that there are at most $MAX_TABLES tables")
    val tables = fields.each("tables", count.toInt()..count.toInt()).map(::readTable).toList()
    return Quality(exponent, mantissas, classes, tables)
}

private fun readTable(fields: Fields): Table {
    fields.only("frequencies", "offset")
    val offset = fields.int("offset", -(1 shl 30)..(1 shl 30))
    val frequencies = fields.ints("frequencies", 1..TOTAL, 2..MAX_ENTRIES)
    if (frequencies.sum() != TOTAL) fields.fail("frequencies", "of the sum $TOTAL")
    return Table(offset, frequencies)
}

private fun readPart(fields: Fields): Part {
    val file = fields.text("file")
    checkFileName(file, fields)
    val signature = if ("signature" in fields) fields.text("signature") else null
    return Part(file, readEdge(fields.fields("input")), readEdge(fields.fields("output")), signature)
}

private fun readEdge(fields: Fields): Edge {
    val shape = fields.ints("shape", 1..MAX_VALUES, 1..8).toList()
    val dtype = when (fields.text("dtype")) {
        "uint8" -> DType.UINT8
        "float32" -> DType.FLOAT32
        "int32" -> DType.INT32
        else -> fields.fail("dtype", "`float32`, `uint8` or `int32`")
    }
    return Edge(shape, dtype, fields.positive("scale"), fields.int("zero_point", 0..255))
}

private fun readFiles(fields: Fields): Map<String, ListedFile> {
    if (fields.members.size > MAX_FILES) fields.refuse("`files` must list at most $MAX_FILES files.")
    val files = fields.members.keys.associateWith { name ->
        checkFileName(name, fields)
        val entry = fields.fields(name)
        ListedFile(entry.digest("sha256"), entry.long("bytes", 0..MAX_BUNDLE_BYTES))
    }
    val total = files.values.sumOf { it.bytes }
    if (total > MAX_BUNDLE_BYTES) {
        fields.refuse("`files` must have at most $MAX_BUNDLE_BYTES bytes in all. Received: $total")
    }
    return files
}

private val FILE_NAME = Regex("[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)?")

/** Names stay inside the bundle: plain characters, at most one folder deep. */
private fun checkFileName(name: String, fields: Fields) {
    if (name.length > 120 || !FILE_NAME.matches(name)) {
        fields.refuse("files must be inside the bundle. Received: ${Json.Text(name).brief()}")
    }
}

private fun checkParts(manifest: Manifest, root: Fields) {
    val spec = manifest.codec
    val image = listOf(1, spec.tileHeight, spec.tileWidth, spec.channels)
    val indices = spec.codebook > 0
    fun check(edge: Edge, name: String, shape: List<Int>, indices: Boolean) {
        if (edge.shape != shape) root.refuse("`$name.shape` must be as `codec` says.")
        if ((edge.dtype == DType.INT32) != indices) {
            root.refuse("`$name.dtype` must be ${if (indices) "int32." else "float32 or uint8."}")
        }
    }
    check(manifest.encoder.input, "encoder.input", image, false)
    check(manifest.encoder.output, "encoder.output", spec.codeEdge, indices)
    check(manifest.decoder.input, "decoder.input", spec.codeEdge, indices)
    check(manifest.decoder.output, "decoder.output", image, false)
    val both = manifest.encoder.file == manifest.decoder.file
    for ((part, name, signature) in listOf(
        Triple(manifest.encoder, "encoder", "encode"),
        Triple(manifest.decoder, "decoder", "decode"),
    )) {
        if (part.file !in manifest.files) root.refuse("`files` must list \"${part.file}\".")
        if (part.signature != if (both) signature else null) {
            root.refuse(
                "`$name.signature` must be `$signature` if encoder and decoder are of one file, " +
                    "and missing if they are not.",
            )
        }
    }
}

/** The canonical JSON of a codec part: sorted names, no white space. */
internal fun canonical(spec: CodecSpec): String = buildString {
    fun list(values: Iterable<Int>) = values.joinTo(this, ",", "[", "]")
    append("{\"channels\":${spec.channels},\"code_shape\":")
    list(spec.codeShape)
    append(",\"codebook\":${spec.codebook},\"group\":${spec.group}")
    append(",\"layout\":\"${spec.layout.name.lowercase()}\",\"margin\":${spec.margin},\"qualities\":[")
    spec.qualities.forEachIndexed { i, quality ->
        if (i > 0) append(',')
        append("{\"classes\":${quality.classes},\"step\":{\"exponent\":${quality.exponent},\"mantissas\":")
        list(quality.mantissas.asIterable())
        append("},\"tables\":[")
        quality.tables.forEachIndexed { j, table ->
            if (j > 0) append(',')
            append("{\"frequencies\":")
            list(table.frequencies.asIterable())
            append(",\"offset\":${table.offset}}")
        }
        append("]}")
    }
    append("],\"stride\":${spec.stride},\"table_bits\":12,\"tile\":[${spec.tileHeight},${spec.tileWidth}]}")
}

/** SHA-256 over the SHA-256 of the decoder's file and the canonical JSON of the codec part. */
internal fun bundleHash(spec: CodecSpec, decoder: ByteArray): ByteArray =
    sha256(sha256(decoder), canonical(spec).toByteArray(Charsets.US_ASCII))
